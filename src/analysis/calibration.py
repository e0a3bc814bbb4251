"""Whether a network's confidence can be believed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Bins:
    """Predictions grouped by confidence into bins of equal width; NaN where a bin is empty.

    `edges` [bins + 1], `confidence` [bins] (mean), `accuracy` [bins] and `count` [bins].
    """

    edges: NDArray[np.float64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.int64]

    @property
    def expected_calibration_error(self) -> float:
        """ECE = sum_m |B_m| / n * |accuracy(B_m) - confidence(B_m)|, in [0, 1]."""
        used = self.count > 0
        gap = np.abs(self.accuracy[used] - self.confidence[used])
        return float(np.average(gap, weights=self.count[used]))


def reliability(confidence: ArrayLike, correct: ArrayLike, bins: int = 15) -> Bins:
    """Mean confidence and accuracy in the bins (0, 1/M], (1/M, 2/M], ... (a confidence of 0 joins the first).

    Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015;
    with 15 bins as in Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, eq. 3.

    Args:
        confidence: [n] probability of the predicted class, in [0, 1].
        correct: [n] whether the prediction is right.
        bins: M.

    Raises:
        ValueError: no predictions, two lengths, or a confidence outside [0, 1].
    """
    p = np.asarray(confidence, dtype=np.float64)
    hit = np.asarray(correct, dtype=np.float64)
    if p.ndim != 1 or p.shape != hit.shape or not p.size:
        raise ValueError(f"confidence {p.shape} and correct {hit.shape} must be two vectors of one length, not empty")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("a confidence is outside [0, 1]")
    edges = np.linspace(0, 1, bins + 1)
    bin_of = np.maximum(np.searchsorted(edges, p, side="left") - 1, 0)  # edges[bin_of] < p <= edges[bin_of + 1]
    count = np.bincount(bin_of, minlength=bins)
    mean_p, mean_hit = (
        np.divide(np.bincount(bin_of, values, bins), count, out=np.full(bins, np.nan), where=count > 0)
        for values in (p, hit)
    )
    return Bins(edges, mean_p, mean_hit, count)
