import math

import numpy as np
import pytest
from scipy import stats

from src.nn.dropout import SCALINGS, draw_mask

SHAPE = (400, 300)
N = SHAPE[0] * SHAPE[1]
SHARES = [0.001, 0.1, 0.5, 0.8, 0.99]


@pytest.mark.parametrize("dropout", SHARES)
def test_activations_have_the_same_mean_with_and_without_dropout_where_something_scales(dropout: float) -> None:
    ratio = {name: (1 - dropout) * scaling.kept(dropout) / scaling.all(dropout) for name, scaling in SCALINGS.items()}
    assert ratio == pytest.approx({"train": 1, "inference": 1, "none": 1 - dropout})
    assert all(scaling.all(0.0) == 1 for scaling in SCALINGS.values())  # so layers without dropout are not scaled


def mask(dropout: float, seed: int = 1, dtype: str = "float32", shape: tuple[int, int] = SHAPE) -> np.ndarray:
    out = np.full(shape, np.nan, dtype)
    draw_mask(np.random.default_rng(seed), dropout, out)
    return out


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("dropout", SHARES)
class TestMask:
    def test_drops_its_share_and_keeps_the_rest(self, dropout: float, dtype: str) -> None:
        values = mask(dropout, dtype=dtype)
        assert set(np.unique(values)) == {0, 1}
        assert stats.binomtest(int((values == 0).sum()), N, dropout).pvalue > 1e-3

    def test_drops_units_and_examples_independently_and_by_the_seed_alone(self, dropout: float, dtype: str) -> None:
        first, again, other = (mask(dropout, seed, dtype) for seed in (1, 1, 2))
        assert first.tobytes() == again.tobytes() != other.tobytes()
        kept = first != 0
        for axis in (0, 1):
            counts = kept.sum(axis=axis)
            n = SHAPE[axis]
            spread = counts.var() / (n * dropout * (1 - dropout))  # of a binomial: 1
            assert abs(spread - 1) < 5 * math.sqrt(2 / len(counts)) + 1 / (n * dropout * (1 - dropout))
