"""The names of a run's figures: what data each needs, and when it is drawn. src/figures/registry.py says how.

They are listed here because `tracking.gallery` and `tracking.sheet` allow some of them.
"""

from typing import NamedTuple

ANY, IMAGES, PLANE = "any data", "images", "two features"
EVERY_RUN, STAGE, ON_REQUEST = "every run", "the stage evaluate", "tracking.gallery"


class FigureEntry(NamedTuple):
    """A figure's entry."""

    data: str  # ANY, IMAGES or PLANE
    drawn: tuple[str, ...]  # for EVERY_RUN in its folder, by the STAGE in plots/, ON_REQUEST in a run's folder


FIGURES = {
    "confusion_test": FigureEntry(ANY, (EVERY_RUN, STAGE)),
    "reliability": FigureEntry(ANY, (EVERY_RUN, STAGE)),
    "failures": FigureEntry(IMAGES, (EVERY_RUN, STAGE)),
    "failures_confident": FigureEntry(IMAGES, (EVERY_RUN, STAGE)),
    "hidden_weights": FigureEntry(IMAGES, (EVERY_RUN, STAGE)),
    "curves": FigureEntry(ANY, (EVERY_RUN, STAGE)),
    "confusion_train": FigureEntry(ANY, (STAGE,)),
    "confusion_valid": FigureEntry(ANY, (STAGE,)),
    "samples": FigureEntry(IMAGES, (STAGE, ON_REQUEST)),
    "sheet": FigureEntry(IMAGES, (ON_REQUEST,)),
    "versions": FigureEntry(IMAGES, (ON_REQUEST,)),
    "turned": FigureEntry(IMAGES, (ON_REQUEST,)),
    "pca": FigureEntry(ANY, (ON_REQUEST,)),
    "scatter": FigureEntry(PLANE, (ON_REQUEST,)),
    "boundaries": FigureEntry(PLANE, (ON_REQUEST,)),
    "activation": FigureEntry(PLANE, (ON_REQUEST,)),
    "perceptrons": FigureEntry(PLANE, (ON_REQUEST,)),
    "confusion_pair": FigureEntry(ANY, (ON_REQUEST,)),
    "steps": FigureEntry(ANY, (ON_REQUEST,)),
    "weights": FigureEntry(ANY, (ON_REQUEST,)),
    "untrained": FigureEntry(ANY, (ON_REQUEST,)),
}

SHEETS = {"curves": ANY, "activations": PLANE}  # of a multirun, for tracking.sheet: the data they need


def names(drawn: str) -> tuple[str, ...]:
    """The figures that are drawn for EVERY_RUN, by the STAGE, or ON_REQUEST."""
    return tuple(name for name, entry in FIGURES.items() if drawn in entry.drawn)
