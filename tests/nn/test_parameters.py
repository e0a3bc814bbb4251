from itertools import pairwise

import numpy as np
import pytest

from src.nn.parameters import Parameters

LAYOUTS = [((4, 3), True), ((4, 3), False), ((5, 4, 3, 2), True), ((5, 4, 3, 2), False), ((1, 1, 1), True)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("widths", "bias"), LAYOUTS)
class TestParameters:
    def test_views_share_the_vectors_memory_both_ways(self, widths: tuple[int, ...], bias: bool, dtype: str) -> None:
        parameters = Parameters(widths, bias, dtype)
        for array in (*parameters.W, *parameters.b, parameters.weights):
            assert np.shares_memory(array, parameters.theta)
        parameters.theta[:] = np.arange(parameters.theta.size)
        assert parameters.W[0][0, 0] == 0
        for array in (*parameters.W, *parameters.b):
            array.fill(-1)
        assert (parameters.theta == -1).all()

    def test_layout_is_weights_first_then_biases(self, widths: tuple[int, ...], bias: bool, dtype: str) -> None:
        parameters = Parameters(widths, bias, dtype)
        parameters.theta[:] = np.arange(parameters.theta.size)
        in_order = [array.ravel() for array in (*parameters.W, *parameters.b)]
        np.testing.assert_array_equal(np.concatenate(in_order), parameters.theta)
        count = sum(W.size for W in parameters.W)
        np.testing.assert_array_equal(parameters.weights, parameters.theta[:count])

    def test_shapes_and_sizes(self, widths: tuple[int, ...], bias: bool, dtype: str) -> None:
        parameters = Parameters(widths, bias, dtype)
        pairs = list(pairwise(widths))
        assert [W.shape for W in parameters.W] == pairs
        assert [b.shape for b in parameters.b] == ([(width,) for width in widths[1:]] if bias else [])
        assert parameters.theta.size == sum((i + bias) * o for i, o in pairs)
        assert parameters.theta.dtype == dtype
        assert not parameters.theta.any()

    def test_weights_are_contiguous_rows(self, widths: tuple[int, ...], bias: bool, dtype: str) -> None:
        assert all(W.flags.c_contiguous for W in Parameters(widths, bias, dtype).W)

    def test_names(self, widths: tuple[int, ...], bias: bool, dtype: str) -> None:
        parameters = Parameters(widths, bias, dtype)
        named = parameters.arrays()
        layers = range(len(widths) - 1)
        assert list(named) == [f"W{l}" for l in layers] + [f"b{l}" for l in layers if bias]
        assert all(np.shares_memory(array, parameters.theta) for array in named.values())
        assert all(named[f"W{l}"] is parameters.W[l] for l in layers)
