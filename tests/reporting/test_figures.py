"""Every figure, on ordinary and on extreme inputs: it draws without a warning, inside its sheet, the same each time."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from sklearn.datasets import load_digits

from src.files import ROOT
from src.reporting.figures import canvas, confusion, curves, failures, hidden_weights, reliability, samples

pytestmark = pytest.mark.filterwarnings("error")

DIGITS = load_digits()
RNG = np.random.default_rng(0)
NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
EPOCHS = list(range(1, 31))


def history(epochs: list[int] = EPOCHS, scale: float = 1.0) -> dict[str, list[float]]:
    return {
        "epoch": [float(epoch) for epoch in epochs],
        "train_loss": [scale * np.exp(-epoch / 6) for epoch in epochs],
        "train_accuracy": [1 - 0.3 * np.exp(-epoch / 5) for epoch in epochs],
        "valid_loss": [scale * (np.exp(-epoch / 5) + 0.1) for epoch in epochs],
        "valid_accuracy": [0.98 - 0.25 * np.exp(-epoch / 5) for epoch in epochs],
    }


def diverging() -> dict[str, list[float]]:
    finite = history()
    return finite | {"train_loss": [1.0, *[np.nan] * 29], "valid_loss": [1.0, np.inf, *[np.nan] * 28]}


def matrix(classes: int, empty: int | None = None, scale: int = 1000) -> np.ndarray:
    counts = RNG.poisson(2, (classes, classes)) + scale * np.eye(classes, dtype=int)
    if empty is not None:
        counts[empty] = 0
    return counts


def failing(n: int, low: float = 0.0, high: float = 16.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    images = low + DIGITS.images[:n] * (high - low) / 16
    return images, DIGITS.target[:n], (DIGITS.target[:n] + 1) % 10, np.linspace(0, 1, n)


CONFIDENCE = RNG.beta(8, 0.4, 10_000)
CORRECT = RNG.random(10_000) < CONFIDENCE**1.3
NOISE = RNG.standard_normal((784, 89)).astype(np.float32)

FIGURES: dict[str, Callable[[], Figure]] = {
    "curves": lambda: curves.draw(history(), best_epoch=19),
    "curves of one epoch": lambda: curves.draw(history([1]), best_epoch=1),
    "curves of one epoch, logarithmic": lambda: curves.draw(history([1]), log_loss=True),
    "curves of two epochs": lambda: curves.draw(history([1, 2])),
    "curves of many epochs": lambda: curves.draw(history(list(range(1, 1001))), best_epoch=1000),
    "curves of large losses": lambda: curves.draw(history(scale=1e30)),
    "curves of large losses, logarithmic": lambda: curves.draw(history(scale=1e30), log_loss=True),
    "curves over many decades": lambda: curves.draw(history(list(range(1, 301)), scale=1e12), log_loss=True),
    "curves that diverge": lambda: curves.draw(diverging()),
    "curves that diverge, logarithmic": lambda: curves.draw(diverging(), log_loss=True),
    "curves of zero loss, logarithmic": lambda: curves.draw(history(scale=0.0), log_loss=True),
    "a long title": lambda: curves.draw(history(), title="A title that says very much of what is known " * 5),
    "a title with dollars": lambda: curves.draw(history(), title="$5 and \\frac{$"),
    **{
        f"confusion of {classes} classes, normalize={normalize}": (
            lambda classes=classes, normalize=normalize: confusion.draw(
                matrix(classes), NAMES[:classes], normalize=normalize
            )
        )
        for classes in (2, 3, 10)
        for normalize in (False, True)
    },
    "confusion of digits": lambda: confusion.draw(matrix(10), list("0123456789"), "Confusion matrix on the test set"),
    "confusion of millions": lambda: confusion.draw(matrix(10, scale=12_345_678), list("0123456789")),
    "confusion with an empty class": lambda: confusion.draw(matrix(10, empty=3), NAMES, normalize=True),
    "confusion with an empty class, counts": lambda: confusion.draw(matrix(10, empty=3), NAMES),
    "confusion of nothing": lambda: confusion.draw(np.zeros((4, 4), int), list("0123"), normalize=True),
    "confusion of nothing, counts": lambda: confusion.draw(np.zeros((4, 4), int), list("0123")),
    **{f"{n} failures": lambda n=n: failures.draw(*failing(n)) for n in (0, 1, 4, 5, 6, 24, 25, 26)},
    "failures around zero": lambda: failures.draw(*failing(25, -0.42, 2.8)),
    "failures of any range": lambda: failures.draw(*failing(25, -1e30, 1e30)),
    "failures of one grey": lambda: failures.draw(*failing(5, 1.0, 1.0)),
    "failures of noise": lambda: failures.draw(RNG.random((25, 28, 28)), *failing(25)[1:]),
    "failures of named classes": lambda: failures.draw(DIGITS.images[:10], NAMES, NAMES[::-1], [0.5] * 10),
    "failures of oblong images": lambda: failures.draw(RNG.random((5, 4, 9)), *failing(5)[1:]),
    "hidden weights": lambda: hidden_weights.draw(NOISE, (28, 28)),
    "hidden weights of one unit": lambda: hidden_weights.draw(NOISE[:, :1], (28, 28)),
    "hidden weights of eleven units": lambda: hidden_weights.draw(NOISE[:, :11], (28, 28)),
    "tiny hidden weights": lambda: hidden_weights.draw(NOISE * 1e-6, (28, 28)),
    "hidden weights of zero": lambda: hidden_weights.draw(NOISE * 0, (28, 28)),
    "hidden weights that diverged": lambda: hidden_weights.draw(np.full_like(NOISE, np.nan), (28, 28)),
    "samples": lambda: samples.draw(DIGITS.images, DIGITS.target),
    "samples of two classes": lambda: samples.draw(DIGITS.images, DIGITS.target % 2),
    "samples of named classes": lambda: samples.draw(DIGITS.images, np.array(NAMES)[DIGITS.target]),
    "no samples": lambda: samples.draw(DIGITS.images[:0], DIGITS.target[:0]),
    "reliability": lambda: reliability.draw(CONFIDENCE, CORRECT),
    "reliability of one prediction": lambda: reliability.draw([0.7], [True]),
    "reliability of certainty": lambda: reliability.draw(np.ones(100), np.ones(100)),
    "reliability of the certainly wrong": lambda: reliability.draw(np.ones(100), np.zeros(100), bins=2),
}
each_figure = pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES.keys())


def rendered(figure: Figure) -> np.ndarray:
    """The figure's pixels, [height, width, 4]."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba")
    width, height = figure.canvas.get_width_height()
    return np.frombuffer(buffer.getvalue(), np.uint8).reshape(height, width, 4)


def written(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, list[tuple[str, Bbox, float]]]:
    """The figure's pixels, and all texts that reach the page, with their boxes in dots and their angles."""
    texts: dict[int, tuple[str, Bbox, float]] = {}
    draw_text = RendererAgg.draw_text

    def note(self: Any, gc: Any, x: Any, y: Any, s: str, prop: Any, angle: float, ismath: Any, mtext: Any) -> None:
        texts[id(mtext)] = s, mtext.get_window_extent(), angle
        draw_text(self, gc, x, y, s, prop, angle, ismath, mtext)

    monkeypatch.setattr(RendererAgg, "draw_text", note)
    return rendered(figure), list(texts.values())


@each_figure
def test_all_is_on_the_sheet_and_no_text_on_another(
    draw: Callable[[], Figure], monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = draw()
    pixels, texts = written(figure, monkeypatch)
    assert texts
    for edge in (pixels[:2], pixels[-2:], pixels[:, :2], pixels[:, -2:]):
        assert (edge == 255).all()
    tight = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert min(tight.x0, tight.y0, width - tight.x1, height - tight.y1) >= 0
    for text, box, _ in texts:
        assert min(box.x0, box.y0, figure.bbox.x1 - box.x1, figure.bbox.y1 - box.y1) >= 0, text
    straight = [(text, box) for text, box, angle in texts if angle in (0, 90)]
    for index, (text, box) in enumerate(straight):
        for other, other_box in straight[:index]:
            assert not box.padded(-0.5).overlaps(other_box.padded(-0.5)), (text, other)


@each_figure
def test_two_drawings_are_the_same_small_file(draw: Callable[[], Figure], tmp_path: Path) -> None:
    state = RNG.bit_generator.state
    for name in ("first.png", "second.png"):
        RNG.bit_generator.state = state
        canvas.save(draw(), tmp_path / name)
    first = (tmp_path / "first.png").read_bytes()
    assert first == (tmp_path / "second.png").read_bytes()
    assert first.startswith(b"\x89PNG")
    assert b"Software" not in first
    assert b"tEXt" not in first
    assert b"tIME" not in first
    assert len(first) < 150_000


def test_saving_replaces_the_file_and_never_writes_through_a_link(tmp_path: Path) -> None:
    cached, picture = tmp_path / "cached", tmp_path / "plots" / "samples.png"
    cached.write_bytes(b"cached")
    picture.parent.mkdir()
    picture.hardlink_to(cached)
    canvas.save(samples.draw(DIGITS.images, DIGITS.target), picture)
    assert cached.read_bytes() == b"cached"
    assert list(picture.parent.iterdir()) == [picture]


def test_neither_pyplot_nor_a_display_nor_global_settings(tmp_path: Path) -> None:
    program = """
import os, sys
os.environ.pop("DISPLAY", None)
import matplotlib
# Reading a setting by rcParams[...] can itself import pyplot.
before = dict(dict.items(matplotlib.rcParams))
import numpy as np
from pathlib import Path
from src.reporting.figures import canvas, confusion, curves, failures, hidden_weights, reliability, samples
images, labels = np.random.rand(10, 8, 8), np.arange(10)
columns = ("epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
figures = [
    confusion.draw(np.eye(10, dtype=int), [str(label) for label in labels]),
    curves.draw({name: [1.0, 2.0] for name in columns}, best_epoch=2, log_loss=True),
    failures.draw(images, labels, labels, images[:, 0, 0]),
    hidden_weights.draw(images.reshape(10, 64).T, (8, 8)),
    reliability.draw([0.5, 0.9], [True, False]),
    samples.draw(images, labels),
]
for figure in figures:
    canvas.save(figure, Path(sys.argv[1]) / "figure.png")
assert "matplotlib.pyplot" not in sys.modules
assert dict(dict.items(matplotlib.rcParams)) == before
"""
    run = [sys.executable, "-W", "error", "-c", program]
    subprocess.run([*run, str(tmp_path)], check=True, cwd=ROOT)


def test_one_epoch_is_a_visible_point() -> None:
    loss, accuracy = curves.draw(history([1])).axes
    for axes in (loss, accuracy):
        assert all(line.get_marker() == "o" and line.get_xdata() == [1.0] for line in axes.lines)
        assert [tick for tick in axes.get_xticks() if 0.5 <= tick <= 1.5] == [1]


def test_the_best_epoch_is_marked_in_both_panels_and_named() -> None:
    figure = curves.draw(history(), best_epoch=19)
    assert all(axes.lines[-1].get_xdata() == [19, 19] for axes in figure.axes)
    assert "Best epoch (19)" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_loss_is_logarithmic_only_if_asked() -> None:
    assert [axes.get_yscale() for axes in curves.draw(history(scale=1e9)).axes] == ["linear", "linear"]
    assert [axes.get_yscale() for axes in curves.draw(history(), log_loss=True).axes] == ["log", "linear"]


def test_a_diverged_loss_keeps_both_panels_on_the_same_epochs() -> None:
    loss, accuracy = curves.draw(diverging()).axes
    assert loss.get_xlim() == accuracy.get_xlim()


def test_confusion_cells_say_counts_or_percentages() -> None:
    counts = np.array([[3, 1, 0], [0, 0, 0], [0, 0, 2000]])
    cells = [text.get_text() for text in confusion.draw(counts, list("abc")).axes[0].texts]
    assert cells == ["3", "1", "0", "0", "0", "0", "0", "0", "2,000"]
    cells = [text.get_text() for text in confusion.draw(counts, list("abc"), normalize=True).axes[0].texts]
    assert cells == ["75.0", "25.0", "0", "–", "–", "–", "0", "0", "100"]


@pytest.mark.parametrize("normalize", [False, True])
def test_confusion_numbers_stand_out_and_single_mistakes_show(normalize: bool) -> None:
    counts = 1000 * np.eye(10, dtype=int)
    counts[4, 9], counts[3, 5], counts[7, 2] = 1, 30, 300
    axes = confusion.draw(counts, list("0123456789"), normalize=normalize).axes[0]
    shade = axes.images[0].cmap(axes.images[0].norm(axes.images[0].get_array()))  # [10, 10, 4]
    for text in axes.texts:
        column, row = text.get_position()
        assert contrast(shade[int(row), int(column)], text.get_color()) > 4.5
    assert np.abs(shade[4, 9] - shade[4, 8]).max() > 0.05


def contrast(first: Any, second: Any) -> float:
    """The contrast ratio of the Web Content Accessibility Guidelines (WCAG 2.1); 4.5 is readable."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: Any) -> float:
    srgb = np.array(matplotlib.colors.to_rgb(color))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_failures_are_captioned_in_order_and_at_most_25() -> None:
    figure = failures.draw(*failing(40))
    captions = [text.get_text() for text in figure.axes[0].texts]
    assert captions[:2] == ["True 0 / Predicted 1", "probability 0.00"]
    assert captions[2:4] == ["True 1 / Predicted 2", "probability 0.03"]
    assert len(figure.axes[0].images) == 25
    assert len(captions) == 50
    assert len({picture.get_clim() for picture in figure.axes[0].images}) == 1


def test_no_failures_are_said_so() -> None:
    assert [text.get_text() for text in failures.draw(*failing(0)).axes[0].texts] == ["no failures"]


def test_hidden_weights_share_one_symmetric_scale() -> None:
    figure = hidden_weights.draw(NOISE, (28, 28))
    pictures = figure.axes[0].images
    (low, high), *others = {picture.get_clim() for picture in pictures}
    assert not others
    assert low == -high < 0
    assert len(pictures) == 50
    np.testing.assert_array_equal(pictures[3].get_array(), NOISE[:, 3].reshape(28, 28))


def test_samples_show_the_first_of_each_class() -> None:
    axes = samples.draw(DIGITS.images, DIGITS.target).axes[0]
    assert [text.get_text() for text in axes.texts] == list("0123456789")
    for label, picture in enumerate(axes.images):
        np.testing.assert_array_equal(picture.get_array(), DIGITS.images[DIGITS.target.tolist().index(label)])


def test_reliability_tells_its_error_in_the_title() -> None:
    title = reliability.draw([0.7, 0.7], [True, False], title="Reliability").get_suptitle()
    assert title == "Reliability (expected calibration error 0.2000)"
