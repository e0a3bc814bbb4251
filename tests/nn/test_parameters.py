from itertools import pairwise

import numpy as np
import pytest

from src.nn.parameters import Parameters

LAYOUTS = [((4, 3), True), ((4, 3), False), ((5, 4, 3, 2), True), ((5, 4, 3, 2), False), ((1, 1, 1), True)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("widths", "bias"), LAYOUTS)
def test_are_views_of_one_vector_weights_first_with_the_layers_shapes_and_names(
    widths: tuple[int, ...], bias: bool, dtype: str
) -> None:
    parameters = Parameters(widths, bias, dtype)
    pairs, layers = list(pairwise(widths)), range(len(widths) - 1)
    assert [W.shape for W in parameters.W] == pairs
    assert [b.shape for b in parameters.b] == ([(width,) for width in widths[1:]] if bias else [])
    assert all(W.flags.c_contiguous for W in parameters.W)
    assert parameters.theta.size == sum((i + bias) * o for i, o in pairs)
    arrays, named = [*parameters.W, *parameters.b], parameters.arrays()
    assert list(named) == [f"W{l}" for l in layers] + [f"b{l}" for l in layers if bias]
    assert all(array is own for array, own in zip(named.values(), arrays, strict=True))

    assert parameters.theta.dtype == dtype
    assert not parameters.theta.any()
    parameters.theta[:] = np.arange(parameters.theta.size)
    np.testing.assert_array_equal(np.concatenate([array.ravel() for array in arrays]), parameters.theta)
    np.testing.assert_array_equal(parameters.weights, parameters.theta[: sum(W.size for W in parameters.W)])
    for array in (*arrays, parameters.weights):
        assert np.shares_memory(array, parameters.theta)
        array.fill(-1)
    assert (parameters.theta == -1).all()
