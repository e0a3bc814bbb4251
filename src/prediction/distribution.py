"""The distribution of a model's training data, and whether new examples could come from it.

Of MNIST and of digits it is known. Of other data it is what the inputs were scaled by, if that was fitted: pixels are
taken together, other features each by itself. Of data that were not scaled by mean and standard deviation, nothing is
known.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.data.encoding import Encoding

Values = NDArray[np.float64]  # [n, features], before scaling

_FITTED = ("standard", "per_feature")  # scalings by mean and standard deviation of the training set
_SPREAD = 0.4  # of the pixels' standard deviation: that of the images' means, where it is not known
_BRIGHT = 1 / 2  # of the least that the brightest pixel of the training data can have
_FAR = 4.0  # standard deviations, in the quadratic mean over an example's features
_STANDARDIZED = 2.0  # the most that this mean is for standardized values


class OfPixels(NamedTuple):
    """The distribution of images of pixels from 0 to `largest`."""

    mean: float
    deviation: float  # of all pixels
    spread: float  # the standard deviation of the images' means
    largest: int

    def near(self, x: Values) -> NDArray[np.bool_]:
        """[n]: none, if they are out of range or too dark, or their mean is off by more than chance explains."""
        squares = self.mean * self.mean + self.deviation * self.deviation
        bright = _BRIGHT * squares / max(self.mean, 1.0)  # E[x^2] <= E[x] max x
        room = (2 + 3 / np.sqrt(len(x))) * self.spread
        near = x.min() >= 0 and bright <= x.max() <= self.largest and abs(x.mean() - self.mean) <= room
        return np.full(len(x), near)

    def mistakes(self, x: Values) -> Iterator[tuple[str, str]]:
        """Usual mistakes without which examples would be near, most likely ones first, and their cures."""
        top, low, high = self.largest, float(x.min()), float(x.max())
        factor = top / max(high, 1)
        span = f"its values are {low:.3g} to {high:.3g}, those of the training data 0 to {top}"
        inverted = f"it looks inverted: its mean is {x.mean():.3g}, that of the training data {self.mean:.3g}"
        rescaled = (span, f"multiply them by {factor:.4g}", factor * x)
        likely = [
            rescaled,
            (inverted, f"give {top} - x", top - x),
            (f"{span}, and it looks inverted", f"give {top} - {factor:.4g} x", top - factor * x),
        ]
        if low < 0:  # scaled already, to -1 to 1, or by mean and standard deviation
            likely = [
                (span, f"give {top / 2:g} (x + 1)", top / 2 * (x + 1)),
                (span, f"give {self.deviation:.4g} x + {self.mean:.4g}", self.deviation * x + self.mean),
            ]
        for mistake, cure, mended in likely:
            if self.near(np.rint(mended)).all():
                yield mistake, cure
        if low >= 0 and 0 < high <= 1:  # as other programs scale images: nearly blank here
            yield rescaled[:2]

    def difference(self, x: Values, names: Sequence[str], features: Sequence[str]) -> str:
        """What is unusual about images that are not near."""
        found = f"mean {x.mean():.3g}, largest value {x.max():.3g}"
        return f"{found} (training data: mean {self.mean:.3g}, values of 0 to {self.largest})"


class OfFeatures(NamedTuple):
    """The distribution of the features of examples, apart from categories."""

    center: NDArray[np.float64]  # [features], means
    scale: NDArray[np.float64]  # [features], standard deviations; infinite for categories

    def near(self, x: Values) -> NDArray[np.bool_]:
        """[n]: whether an example's features are, all in all, as near to their means as is usual."""
        return self._size(x - self.center, self.scale) <= _FAR

    def mistakes(self, x: Values) -> Iterator[tuple[str, str]]:
        """A usual mistake without which examples would be near, and its cure."""
        finite = np.isfinite(self.scale)
        standardized = self._size(x, np.where(finite, 1, np.inf)) <= _STANDARDIZED
        if not self.near(x).any() and standardized.all() and x[:, finite].min() < 0 < x[:, finite].max():
            yield "its values look standardized, as if scaled already", "give them as the data's source has them"

    def difference(self, x: Values, names: Sequence[str], features: Sequence[str]) -> str:
        """What is unusual about examples some of which are not near: how many, and the first one's oddest value."""
        far = np.flatnonzero(~self.near(x))
        row = far[0]
        off: NDArray[np.float64] = np.abs(x[row] - self.center) / self.scale
        odd = int(off.argmax())
        many = f"{len(far):,} of {len(x):,} examples, the first one {names[row]}: " if len(x) > 1 else ""
        value, mean = f"{features[odd]}={x[row, odd]:.4g}", f"the mean, {self.center[odd]:.4g}"
        return f"{many}{value} is {off[odd]:.3g} standard deviations from {mean}"

    def _size(self, x: Values, scale: NDArray[np.float64]) -> NDArray[np.float64]:
        """[n], the quadratic mean of x / scale over the features that are numbers."""
        with np.errstate(over="ignore"):
            squares = np.square(x / scale).sum(axis=1)
        size: NDArray[np.float64] = np.sqrt(squares / max(1, int(np.isfinite(scale).sum())))
        return size


KNOWN = {"mnist": OfPixels(33.39, 78.65, 11.06, 255), "digits": OfPixels(4.884, 6.017, 0.538, 16)}


def distribution(
    scaling: Mapping[str, Any], source: str, largest: int | None, count: int
) -> OfPixels | OfFeatures | None:
    """The distribution of data of so many features that were scaled like this; None if it is not known."""
    if source in KNOWN:
        return KNOWN[source]
    if scaling.get("kind") not in _FITTED:
        return None
    center, scale = (np.broadcast_to(np.asarray(scaling[key], np.float64), count) for key in ("center", "scale"))
    if largest is not None:
        deviation = float(np.sqrt(np.mean(scale**2) + np.var(center)))
        return OfPixels(float(center.mean()), deviation, _SPREAD * deviation, largest)
    if encoding := Encoding.of(scaling):
        numbers = [column.categories is None for column in encoding.columns for _ in column.features]
        scale = np.where(numbers, scale, np.inf)
    return OfFeatures(center, scale)
