from math import sqrt

import numpy as np
import pytest
from scipy import stats

from src.nn.dropout import draw_mask

SHAPE = (400, 300)
N = SHAPE[0] * SHAPE[1]
SHARES = [0.001, 0.1, 0.5, 0.8, 0.99]


def mask(dropout: float, seed: int = 1, dtype: str = "float32", shape: tuple[int, int] = SHAPE) -> np.ndarray:
    out = np.full(shape, np.nan, dtype)
    draw_mask(np.random.default_rng(seed), dropout, out)
    return out


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("dropout", SHARES)
class TestMask:
    def test_drops_its_share_and_scales_the_rest_so_that_the_mean_is_1(self, dropout: float, dtype: str) -> None:
        values = mask(dropout, dtype=dtype)
        np.testing.assert_allclose(values[values != 0], 1 / (1 - dropout), rtol=np.finfo(dtype).eps)
        assert stats.binomtest(int((values == 0).sum()), N, dropout).pvalue > 1e-3
        # A kept unit is 1/(1-p) with probability 1-p: the variance is p / (1-p).
        z = (values.mean(dtype=np.float64) - 1) / sqrt(dropout / (1 - dropout) / N)
        assert abs(z) < 4

    def test_drops_units_and_examples_independently_and_by_the_seed_alone(self, dropout: float, dtype: str) -> None:
        first, again, other = (mask(dropout, seed, dtype) for seed in (1, 1, 2))
        assert first.tobytes() == again.tobytes() != other.tobytes()
        kept = first != 0
        for axis in (0, 1):
            counts = kept.sum(axis=axis)
            n = SHAPE[axis]
            spread = counts.var() / (n * dropout * (1 - dropout))  # of a binomial: 1
            assert abs(spread - 1) < 5 * sqrt(2 / len(counts)) + 1 / (n * dropout * (1 - dropout))
