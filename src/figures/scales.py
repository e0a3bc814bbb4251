"""Axes for accuracies and for positive numbers: logarithmic where a linear scale would hide the best."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.scale import FuncScale
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

Which = Literal["x", "y"]
_MARGIN = 0.05  # of the axis, at either end
_MANTISSAS = ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1,))
_TICKS = 8  # at most, if possible
_CLOSE = 3  # a factor, within which the scale is linear
_FAR = 8  # times the median error
_SURE = 1e-4  # the error below which the scale is not logarithmic, so that it reaches 100 %


def outlying(accuracies: Mapping[str, float]) -> list[str]:
    """Those so far below the others that an axis with all of them would hide the differences between the others."""
    errors = {name: 1 - accuracy for name, accuracy in accuracies.items()}
    usual = max(float(np.median(list(errors.values()))), _SURE) if errors else 1.0
    return [name for name, error in errors.items() if error > _FAR * usual]


def accuracy(axes: Axes, which: Which, values: ArrayLike) -> str:
    """Prepares an axis for accuracies and returns the words for its scale.

    Where the errors, 1 - accuracy, are small and differ by a factor, the scale is logarithmic in the error: it
    stretches towards 100 %. Values that are not finite are ignored.
    """
    finite = _finite(values)
    errors = np.maximum(1 - (finite if finite.size else np.array([0.5])), 0)  # an interval may pass 100 %
    low, high = float(errors.min()), float(errors.max())
    if low < 0.1 and high > _CLOSE * max(low, _SURE):
        axes.set(**{f"{which}scale": FuncScale(getattr(axes, f"{which}axis"), functions=(_stretched, _unstretched))})
        low, high = (bound - _SURE for bound in _widened(low + _SURE, high + _SURE))
        errors_at = {*_ticks(max(low, _SURE), min(high, 1.0)), *((0.5,) if high > 0.5 else ())}
        ticks = [(1 - error, f"{100 * (1 - error):g}") for error in sorted(errors_at)]
        _set_ticks(axes, which, [*ticks, (1.0, "100")] if low < 0 else ticks)
        axes.set(**{f"{which}lim": (1 - high, 1 - low)})
        return "%, logarithmic in the error"
    margin = _MARGIN * (high - low) or 0.005
    axes.set(**{f"{which}lim": (1 - high - margin, 1 - low + margin)})
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(MaxNLocator(6, steps=(1, 2, 2.5, 5, 10)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.6g}"))
    return "%"


def positive(axes: Axes, which: Which, values: ArrayLike) -> str:
    """Prepares an axis for positive numbers, and returns the words for its scale; other values are ignored.

    It is logarithmic unless the numbers are close.
    """
    finite = _finite(values)
    there = finite[finite > 0]
    low, high = (float(there.min()), float(there.max())) if there.size else (0.1, 1.0)
    if high < _CLOSE * low:
        margin = _MARGIN * (high - low) or 0.1 * low
        axes.set(**{f"{which}lim": (low - margin, high + margin)})
        getattr(axes, f"{which}axis").set_major_locator(MaxNLocator(6, steps=(1, 2, 2.5, 5, 10)))
        return ""
    axes.set(**{f"{which}scale": "log"})
    low, high = _widened(low, high)
    _set_ticks(axes, which, [(tick, f"{tick:g}") for tick in _ticks(low, high)])
    axes.set(**{f"{which}lim": (low, high)})
    return "logarithmic"


def _stretched(accuracy: ArrayLike) -> NDArray[np.float64]:
    """-log10(1 - accuracy + _SURE): finite for an accuracy of 100 %, too."""
    return -np.log10(np.maximum(1 + _SURE - np.asarray(accuracy, dtype=np.float64), _SURE / 100))


def _unstretched(place: ArrayLike) -> NDArray[np.float64]:
    return 1 + _SURE - 10.0 ** -np.asarray(place, dtype=np.float64)


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    given = np.asarray(values, dtype=np.float64)
    return given[np.isfinite(given)]


def _widened(low: float, high: float) -> tuple[float, float]:
    factor = max((high / low) ** _MARGIN, 1.05)
    return low / factor, high * factor


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`: as many as possible, but at most 8; some decades have none if too many."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    found: list[float] = []
    for mantissas in _MANTISSAS:
        found = [float(f"{m}e{e}") for e in decades for m in mantissas if low <= float(f"{m}e{e}") <= high]
        if len(found) <= _TICKS:
            break
    found = found[:: -(-len(found) // _TICKS) or 1]
    return found or [float(f"{(low * high) ** 0.5:.2g}")]


def _set_ticks(axes: Axes, which: Which, ticks: Sequence[tuple[float, str]]) -> None:
    axis = getattr(axes, f"{which}axis")
    axis.set_ticks([place for place, _ in ticks], [label for _, label in ticks])
    axis.set_minor_locator(NullLocator())
