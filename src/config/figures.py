"""The names of a run's figures: what data each needs, and when it is drawn. src/figures/table.py says how.

They are listed here because `tracking.gallery` allows some of them.
"""

from typing import NamedTuple

ANY, IMAGES, PLANE = "any data", "images", "two features"
EVERY_RUN, STAGE, ON_REQUEST = "every run", "the stage evaluate", "tracking.gallery"


class Entry(NamedTuple):
    """A figure's entry."""

    data: str  # ANY, IMAGES or PLANE
    drawn: tuple[str, ...]  # for EVERY_RUN in its folder, by the STAGE in plots/, ON_REQUEST in a run's folder


FIGURES = {
    "confusion_test": Entry(ANY, (EVERY_RUN, STAGE)),
    "reliability": Entry(ANY, (EVERY_RUN, STAGE)),
    "failures": Entry(IMAGES, (EVERY_RUN, STAGE)),
    "failures_confident": Entry(IMAGES, (EVERY_RUN, STAGE)),
    "hidden_weights": Entry(IMAGES, (EVERY_RUN, STAGE)),
    "curves": Entry(ANY, (EVERY_RUN, STAGE)),
    "confusion_train": Entry(ANY, (STAGE,)),
    "confusion_valid": Entry(ANY, (STAGE,)),
    "confusion_train_normalized": Entry(ANY, (STAGE,)),
    "confusion_valid_normalized": Entry(ANY, (STAGE,)),
    "confusion_test_normalized": Entry(ANY, (STAGE,)),
    "samples": Entry(IMAGES, (STAGE, ON_REQUEST)),
    "sheet": Entry(IMAGES, (ON_REQUEST,)),
    "versions": Entry(IMAGES, (ON_REQUEST,)),
    "turned": Entry(IMAGES, (ON_REQUEST,)),
    "pca": Entry(ANY, (ON_REQUEST,)),
    "scatter": Entry(PLANE, (ON_REQUEST,)),
    "boundaries": Entry(PLANE, (ON_REQUEST,)),
    "activation": Entry(PLANE, (ON_REQUEST,)),
    "perceptrons": Entry(PLANE, (ON_REQUEST,)),
    "confusion_pair": Entry(ANY, (ON_REQUEST,)),
    "steps": Entry(ANY, (ON_REQUEST,)),
}


def names(drawn: str) -> tuple[str, ...]:
    """The figures that are drawn for EVERY_RUN, by the STAGE, or ON_REQUEST."""
    return tuple(name for name, entry in FIGURES.items() if drawn in entry.drawn)
