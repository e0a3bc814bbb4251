"""What is true of every drawing: it stays on its sheet, no two texts overlap; and a run made of arrays, to be drawn."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from sklearn.datasets import load_digits

from src.data.dataset import Dataset, Examples
from src.figures.canvas import save as _save  # a test replaces `canvas.save` by `check_sheet`
from src.figures.run_view import RunView
from src.runs.finished import Predicted
from src.runs.metric import SETS
from src.runs.model import Model

DIGITS = load_digits()
NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def matrix(classes: int, seed: int = 0, empty: int | None = None, scale: int = 1000) -> np.ndarray:
    """A confusion matrix of a classifier that is mostly right. empty: a class without examples."""
    counts = np.random.default_rng(seed).poisson(20, (classes, classes)) + scale * np.eye(classes, dtype=int)
    if empty is not None:
        counts[empty] = 0
    return counts


def check_sheet(figure: Figure, path: Path) -> bytes:
    """Draws the figure once, checks its margins and texts, and returns its PNG."""
    texts: dict[int, tuple[str, Any, float]] = {}
    draw = Text.draw

    def note(self: Text, renderer: Any) -> None:
        if self.get_visible() and self.get_text().strip():
            texts[id(self)] = self.get_text(), self.get_window_extent().extents, self.get_rotation()
        draw(self, renderer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", note)
        _save(figure, path)
    pixels = np.asarray(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]
    for edge in (pixels[:2], pixels[-2:], pixels[:, :2], pixels[:, -2:]):
        assert (edge == 255).all()
    assert texts
    boxes = np.array([box for _, box, _ in texts.values()])  # [n, 4]: left, bottom, right, top
    outside = (boxes[:, :2] < 0).any(axis=1) | (boxes[:, 2:] > figure.bbox.extents[2:]).any(axis=1)
    words = [text for text, _, _ in texts.values()]
    assert not [words[i] for i in np.flatnonzero(outside)]
    straight = np.flatnonzero([angle in (0, 90) for _, _, angle in texts.values()])
    low, high = boxes[straight, :2] + 0.5, boxes[straight, 2:] - 0.5
    overlap = (low[:, None] < high[None]).all(axis=2) & (low[None] < high[:, None]).all(axis=2)  # [n, n]
    pairs = np.argwhere(np.triu(overlap, 1))
    assert not [(words[straight[i]], words[straight[j]]) for i, j in pairs]
    return path.read_bytes()


def check_drawing(draw: Callable[[], Figure], folder: Path, most: int) -> None:
    """Draws a figure twice: on its sheet, to the same file, of at most so many bytes, which replaces a link."""
    first, second = folder / "first.png", folder / "second.png"
    figure = draw()
    png = check_sheet(figure, first)
    tight, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(tight.x0, tight.y0, width - tight.x1, height - tight.y1) >= 0
    second.hardlink_to(first)
    _save(draw(), second)
    assert not second.samefile(first)
    assert second.read_bytes() == png == first.read_bytes()
    assert set(folder.iterdir()) == {first, second}
    assert png.startswith(b"\x89PNG")
    assert not [chunk for chunk in (b"Software", b"tEXt", b"tIME") if chunk in png]
    assert len(png) <= most


def contrast(first: Any, second: Any) -> float:
    """The contrast ratio of the Web Content Accessibility Guidelines (WCAG 2.1); 4.5 is readable."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: Any) -> float:
    """The relative luminance of WCAG 2.1."""
    srgb = np.array(matplotlib.colors.to_rgb(color))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def view_of(
    *sets: tuple[Any, ...],
    labels: Sequence[str] = "0123456789",
    predicted: Any = (),
    confidence: Any = (),
    features: tuple[str, str] = ("x", "y"),
) -> RunView:
    """A run with nothing but examples x and y of three sets (of one: the same for all), and predictions.

    Of its network only the name is known.
    """
    x = np.asarray(sets[0][0])
    flat = [Examples(np.asarray(x).reshape(len(x), np.prod(np.shape(x)[1:])), np.asarray(y)) for x, y, *_ in sets]
    train, valid, test = flat if len(flat) == 3 else 3 * flat
    image = (x.shape[1], x.shape[2]) if x.ndim == 3 else None
    dataset = Dataset({}, tuple(labels), image, {}, "0" * 64, train, valid, test, features=features)
    network: Any = SimpleNamespace(widths=(784, 512, 10))
    model = Model(network, {"model": {"act": "relu"}})
    accuracy = dict.fromkeys(SETS, 0.9731)
    known = {"test": Predicted(np.asarray(predicted), np.asarray(confidence))}
    return RunView(dataset, model, {}, {}, accuracy, known)
