"""The pictures of a data set that `python -m src.show` draws."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from src.data.dataset import Dataset
from src.figures import canvas, class_counts, samples, scatter
from src.figures.data_view import DataView


def draw_pictures(dataset: Dataset, folder: Path, seed: int = 0, label: str | None = None) -> list[Path]:
    """Draws into a folder what suits the data, as PNG, and returns the files.

    Of images: a sheet drawn at random by `seed`, one of each class, versions of the class `label`, and means. Of
    points on a plane: a scatter plot. Of any data: the number of examples of each class.
    """
    pictures: dict[str, Callable[[DataView], Figure]] = {"classes": class_counts.of}
    if dataset.image is not None:
        chosen = None if label is None else dataset.labels.index(label)
        pictures |= {
            "sheet": partial(samples.sheet, random=np.random.default_rng(seed)),
            "samples": samples.of,
            "versions": partial(samples.versions, k=chosen),
            "means": samples.means,
        }
    elif dataset.train.x.shape[1] == 2:
        pictures["scatter"] = scatter.of
    files = [folder / f"{name}.png" for name in pictures]
    for file, draw in zip(files, pictures.values(), strict=True):
        canvas.save(draw(DataView(dataset)), file)
    return files
