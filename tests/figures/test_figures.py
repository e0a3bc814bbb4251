"""Every figure, on ordinary and on extreme inputs: it draws without a warning, inside its sheet, the same each time."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from src.data.dataset import Examples
from src.figures import (
    boundaries,
    class_counts,
    confusion,
    curves,
    failures,
    hidden_weights,
    plane,
    reliability,
    samples,
    scatter,
    steps,
    turned,
    untrained,
)
from src.figures.run_view import RunView
from src.foundation.files import ROOT
from src.runs.metric import set_names
from tests.figures.drawings import DIGITS, NAMES, check_drawing, contrast, luminance, matrix, view_of

pytestmark = pytest.mark.filterwarnings("error")

RNG = np.random.default_rng(0)
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


def losses(n: int, scale: float = 1.0) -> np.ndarray:
    """Losses that fall a little, with noise."""
    noise = np.random.default_rng(0).random(n)
    return (scale * (0.5 + noise + np.exp(-np.arange(n) / n))).astype(np.float32)


def failing(
    n: int,
    low: float = 0.0,
    high: float = 16.0,
    images: np.ndarray = DIGITS.images,
    labels: Sequence[str] = "0123456789",
) -> Figure:
    shown, y = low + images[:n] * (high - low) / 16, DIGITS.target[:n]
    return failures.of(view_of((shown, y), labels=labels, predicted=(y + 1) % 10, confidence=np.linspace(0, 1, n)))


def digits(n: int = len(DIGITS.images), labels: Sequence[str] = "0123456789") -> RunView:
    y = DIGITS.target[:n] % len(labels)
    train, other = ((DIGITS.images[:n][::step], y[::step]) for step in (1, -1))  # only the training set is in order
    return view_of(train, other, other, labels=labels)


CONFIDENCE = RNG.beta(8, 0.4, 10_000)
CORRECT = RNG.random(10_000) < CONFIDENCE**1.3
WALKS = RNG.standard_normal((500, 16)).cumsum(axis=0).astype(np.float32)
NOISE = RNG.standard_normal((784, 89)).astype(np.float32)
SPECKLED = RNG.random((25, 28, 28))
SHARES = RNG.dirichlet(np.ones(10), 2)
AXES = ("X1, standardized", "X2, standardized")


def examples(n: int, classes: int = 3) -> Examples:
    return Examples(np.random.default_rng(n).standard_normal((n, 2)), np.arange(n) % classes)


def lattice(decide: Callable[[np.ndarray, np.ndarray], np.ndarray], reach: float = 4.0) -> plane.Grid:
    x = np.linspace(-reach, reach, 101)
    labels = decide(*np.meshgrid(x, 2 * x)).astype(np.int64)
    soft = np.cos(np.arange(101) / 40) ** 2 * np.eye(max(2, labels.max() + 1))[labels].T  # [classes, rows, columns]
    return plane.Grid(x, 2 * x, labels, soft.transpose(1, 2, 0))


THIRDS = lattice(lambda x, y: (x > 0) * (1 + (y > x)))


def bounded(labels: list[str], grid: plane.Grid = THIRDS, axes: tuple[str, str] = AXES, n: int = 200) -> Figure:
    sets = examples(n, len(labels)), examples(1, len(labels))
    panels = [("Training set: 98.48% right", grid, sets[0]), ("Test set", grid, sets[1])]
    return boundaries.draw("Decision boundaries", panels, labels, axes)


def titled(title: str, panels: int = 2) -> Figure:
    return boundaries.draw(title, [("finds lower left", HALF, examples(50, 2))] * panels, "01", AXES)


def scattered(*counts: int, labels: Sequence[str]) -> Figure:
    return scatter.of(view_of(*(examples(n, len(labels)) for n in counts), labels=labels, features=AXES))


def weights(array: np.ndarray) -> Figure:
    shown = view_of((np.zeros((1, 28, 28)), [0]))
    network: Any = SimpleNamespace(parameters=SimpleNamespace(W=[array, array]), widths=(*array.shape, 10))
    return hidden_weights.of(dataclasses.replace(shown, model=shown.model._replace(network=network)))


def turned_of(images: np.ndarray, shares: np.ndarray, labels: Sequence[str]) -> Figure:
    names = ("Upright", "Turned by 33.5 degrees")[: len(images)]
    return turned.draw(images, shares, shares.argmax(axis=1), labels, "Test example 17 of digits, label 4", names)


def calibrated(confidence: Any, correct: Any) -> Figure:
    y = np.zeros(len(correct), int)
    return reliability.of(view_of((y[:, None], y), predicted=1 - np.asarray(correct, int), confidence=confidence))


HALF = lattice(lambda x, y: x + y > 0)

COUNTS: dict[str, tuple[np.ndarray, Sequence[str]]] = {
    **{f"{classes} classes": (matrix(classes), NAMES[:classes]) for classes in (2, 3, 10)},
    "digits": (matrix(10), "0123456789"),
    "millions": (matrix(10, scale=12_345_678), "0123456789"),
    "an empty class": (matrix(10, empty=3), NAMES),
    "41 classes": (matrix(41), [f"the class of the name {k}" for k in range(41)]),
    "1 000 classes": (7 * np.eye(1000, dtype=int), list(map(str, range(1000)))),
    "nothing": (np.zeros((4, 4), int), "0123"),
}
CONFUSIONS: dict[str, Callable[[np.ndarray, Sequence[str]], Figure]] = {
    "confusion": partial(confusion.draw, title="Confusion matrix on the test set"),
    "two confusions": lambda n, names: confusion.draw_pair([("Training set: 98.48% right", n), ("Test set", n)], names),
}
FIGURES: dict[str, Callable[[], Figure]] = {
    "curves": lambda: curves.draw(history(), best_epoch=19),
    "curves of one epoch": lambda: curves.draw(history([1]), best_epoch=1),
    "curves of two epochs": lambda: curves.draw(history([1, 2])),
    "curves of many epochs": lambda: curves.draw(history(list(range(1, 1001))), best_epoch=1000),
    "curves of large losses": lambda: curves.draw(history(scale=1e30)),
    "curves that diverge": lambda: curves.draw(diverging()),
    "a long title": lambda: titled("A title that says very much of what is known " * 5),
    "a title with dollars": lambda: titled("$5 and \\frac{$"),
    **{f"{kind} of {what}": partial(draw, *of) for kind, draw in CONFUSIONS.items() for what, of in COUNTS.items()},
    **{f"{n} failures": lambda n=n: failing(n) for n in (0, 1, 4, 5, 6, 24, 25, 26)},
    "failures around zero": lambda: failing(25, -0.42, 2.8),
    "failures of any range": lambda: failing(25, -1e30, 1e30),
    "failures of one grey": lambda: failing(5, 1.0, 1.0),
    "failures of noise": lambda: failing(25, images=SPECKLED),
    "failures of named classes": lambda: failing(10, labels=NAMES),
    "failures of oblong images": lambda: failing(5, images=SPECKLED[:5, :4, :9]),
    "hidden weights": lambda: weights(NOISE),
    "hidden weights of one unit": lambda: weights(NOISE[:, :1]),
    **{f"hidden weights of {n} units": lambda n=n: weights(NOISE[:, :n]) for n in (2, 5, 10, 11)},
    "tiny hidden weights": lambda: weights(NOISE * 1e-6),
    "hidden weights of zero": lambda: weights(NOISE * 0),
    "hidden weights that diverged": lambda: weights(np.full_like(NOISE, np.nan)),
    "samples": lambda: samples.of(digits()),
    "samples of two classes": lambda: samples.of(digits(labels="01")),
    "samples of named classes": lambda: samples.of(digits(labels=NAMES)),
    "no samples": lambda: samples.of(digits(0)),
    "one step": lambda: steps.draw({"": losses(1)}, [1], [0.5]),
    "steps": lambda: steps.draw({"": losses(20_000)}, [10_000, 20_000], [0.5, 0.4]),
    "steps of zero loss": lambda: steps.draw({"": losses(100, 0.0)}, [100], [0.0]),
    "steps of large losses": lambda: steps.draw({"": losses(500, 1e30)}, [100, 500], [1e30, 1e29]),
    "steps of infinite losses": lambda: steps.draw({"": np.append(losses(50), np.inf)}, [50], [np.inf]),
    "millions of steps": lambda: steps.draw({"": losses(2_000_000)}, [2_000_000], [0.5]),
    "steps of five units": lambda: steps.draw({f"finds {i}": losses(100 + i) for i in range(5)}, [104], [0.5]),
    "weights": lambda: steps.draw_weights({f"finds {i}": WALKS[: 100 * i, :3] for i in (1, 2, 3)}, True, "Weights"),
    "weights of two sizes": lambda: steps.draw_weights({"a": WALKS[:1, :3], "b": WALKS[:, :16]}, True, "Weights"),
    "weights without a bias": lambda: steps.draw_weights({"": WALKS}, False, "Weights"),
    "outputs": lambda: untrained.draw(SHARES[0], np.arange(10) % 2, 0.5, ["blue", "red"], "Before training"),
    "outputs of one point": lambda: untrained.draw(np.ones(1), np.zeros(1), 0.0, ["W" * 60, "$x_$ " * 20], "$x$"),
    "curves from the untrained network on": lambda: curves.draw(history([0, *EPOCHS]), 18, 30),
    "curves of the untrained network alone": lambda: curves.draw(history([0])),
    "curves with gaps": lambda: curves.draw(history([0, 10, 20, 25]), best_epoch=10),
    "two confusions of long names": lambda: confusion.draw_pair([("", matrix(2))] * 2, ["W" * 60, "$x_$"]),
    "sheet": lambda: samples.sheet(digits()),
    "a short sheet": lambda: samples.sheet(digits(4, NAMES)),
    "an empty sheet": lambda: samples.sheet(digits(0)),
    "versions": lambda: samples.versions(digits()),
    "three versions": lambda: samples.versions(digits(30)),
    "no version": lambda: samples.versions(digits(0)),
    "random sheet": lambda: samples.sheet(digits(), np.random.default_rng(0)),
    "means": lambda: samples.means(digits()),
    "means of three named classes": lambda: samples.means(digits(3, NAMES)),
    "class counts": lambda: class_counts.of(digits()),
    "class counts of named classes": lambda: class_counts.of(digits(400, NAMES)),
    "class counts of one class": lambda: class_counts.of(digits(1, "0")),
    "turned": lambda: turned_of(DIGITS.images[:2], SHARES, "0123456789"),
    "turned, of named classes": lambda: turned_of(DIGITS.images[:2], np.eye(10)[:2], NAMES),
    "turned, of two classes": lambda: turned_of(NOISE[:2].reshape(2, 89, 1) * 0, np.ones((2, 2)), ["$", "no"]),
    "not turned": lambda: turned_of(DIGITS.images[:1], SHARES[:1], "0123456789"),
    "scatter": lambda: scattered(1050, 225, 225, labels=["c1", "c2", "c3"]),
    "scatter of ten classes": lambda: scattered(50, 1, 10, labels=NAMES),
    "scatter of one point each": lambda: scattered(1, 1, 1, labels=["c1"]),
    "boundaries": lambda: bounded(["c1", "c2", "c3"]),
    "boundaries of ten classes": lambda: bounded(NAMES, lattice(lambda x, y: np.clip(x + 4, 0, 9) // 1)),
    "boundaries of a network that decides for one class": lambda: bounded(["0", "1"], lattice(lambda x, y: x * 0 + 1)),
    "boundaries of large features": lambda: bounded(["0", "1"], lattice(lambda x, y: x > y, 4000)),
    "boundaries along features of long names": lambda: bounded(["0", "1"], HALF, ("W" * 60, "$x_$ " * 20)),
    **{f"boundaries in {n} panels": lambda n=n: titled("Title", n) for n in (1, 3)},
    "reliability": lambda: calibrated(CONFIDENCE, CORRECT),
    "reliability of few predictions": lambda: calibrated(CONFIDENCE[:23], CORRECT[:23]),
    "reliability of one prediction": lambda: calibrated([0.7], [True]),
    "reliability of certainty": lambda: calibrated(np.ones(100), np.ones(100)),
    "reliability of the certainly wrong": lambda: calibrated(np.ones(100), np.zeros(100)),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES.keys())
def test_a_drawing_stays_on_its_sheet_and_is_the_same_small_file_each_time(
    draw: Callable[[], Figure], tmp_path: Path
) -> None:
    check_drawing(draw, tmp_path, most=165_000)


def test_drawing_needs_no_pyplot_and_no_display_and_changes_no_setting(tmp_path: Path) -> None:
    program = """
import os, sys
os.environ.pop("DISPLAY", None)
import matplotlib
# Reading a setting by rcParams[...] can itself import pyplot.
before = dict(dict.items(matplotlib.rcParams))
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from src.figures import canvas
from tests.figures.test_figures import FIGURES
names = "boundaries", "confusion of digits", "two confusions of 3 classes", "curves of two epochs"
names += "4 failures", "hidden weights of one unit", "boundaries in 1 panels", "reliability", "samples", "turned"
for name in (*names, "sheet", "scatter", "three versions", "steps of large losses"):
    canvas.save(FIGURES[name](), Path(sys.argv[1]) / "figure.png")
assert "matplotlib.pyplot" not in sys.modules
assert dict(dict.items(matplotlib.rcParams)) == before
"""
    run = [sys.executable, "-W", "error", "-c", program]
    subprocess.run([*run, str(tmp_path)], check=True, cwd=ROOT)


def test_one_epoch_is_a_visible_point() -> None:
    for axes in curves.draw(history([1])).axes:
        assert all(line.get_marker() == "o" and line.get_xdata() == [1.0] for line in axes.lines)
        assert [tick for tick in axes.get_xticks() if 0.5 <= tick <= 1.5] == [1]


def test_no_accuracy_above_100_percent_is_on_the_axis() -> None:
    perfect = history() | dict.fromkeys(("train_accuracy", "valid_accuracy"), [1.0] * len(EPOCHS))
    for shown in (history(), perfect):
        low, high = (axes := curves.draw(shown).axes[1]).get_ylim()
        assert max(tick for tick in axes.get_yticks() if low <= tick <= high) <= 1 < high


def test_curves_are_drawn_at_the_evaluated_epochs_with_the_best_one_marked() -> None:
    epochs = [0, 10, 20, 25]
    figure = curves.draw(history(epochs), 20)
    for axes in figure.axes:
        assert [list(line.get_xdata()) for line in axes.lines] == [epochs, epochs, [20, 20]]
        assert axes.get_yscale() == "linear"
    for kept, words in ((None, ""), (20, ""), (25, "; kept: 25")):
        texts = curves.draw(history(epochs), 20, kept).legends[0].get_texts()
        assert f"Best epoch (20){words}" in [text.get_text() for text in texts]
    loss, accuracy = curves.draw(diverging()).axes
    assert loss.get_xlim() == accuracy.get_xlim()


def test_curves_say_what_their_sets_are_called() -> None:
    names = set_names({"split": {"overlap": "valid_is_test"}})
    legend = curves.draw(history([1, 2]), names=names).legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["Training", "Validation (= test)"]


def test_every_update_is_drawn_with_its_mean_on_a_logarithmic_scale_if_it_falls_far() -> None:
    values = losses(1000)
    [axes] = steps.draw({"": values}, [500, 1000], [0.3, 0.2]).axes
    each, mean, valid = (np.asarray(line.get_data()) for line in axes.lines)
    np.testing.assert_array_equal(each, [np.arange(1, 1001), values])
    means = np.convolve(values, np.full(10, 0.1), "valid")
    np.testing.assert_allclose(mean, [np.arange(10, 1001), means], rtol=1e-6)
    np.testing.assert_array_equal(valid, [[500, 1000], [0.3, 0.2]])
    assert axes.get_yscale() == "linear"
    [falling] = steps.draw({"": values * np.exp(-np.arange(1000) / 100)}, [1000], [0.1]).axes
    assert falling.get_yscale() == "log"


def test_of_many_updates_every_stretch_reaches_from_its_lowest_loss_to_its_highest() -> None:
    values = losses(20_001)
    values[7000], values[12_000] = values.min() - 1, np.nan
    at, heights = steps.draw({"": values}, [20_001], [0.2]).axes[0].lines[0].get_data()
    assert len(at) <= 2000
    assert np.all(np.diff(at) > 0)
    assert np.nanmin(heights) == values[7000]  # no peak is lost
    assert np.nanmax(heights) == np.nanmax(values)
    assert np.isnan(heights).sum() == 2
    for low, high, start, end in zip(heights[::2], heights[1::2], at[::2], [*at[2::2], 20_002], strict=True):
        stretch = values[start - 1 : end - 1]
        np.testing.assert_array_equal([low, high], [stretch.min(), stretch.max()])


def cells(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_confusion_cells_are_counts_and_percentages_or_percentages_alone() -> None:
    counts = np.array([[3, 1, 0], [0, 0, 0], [0, 0, 2000]])
    shares = ["75.0", "25.0", "0", "–", "–", "–", "0", "0", "100"]
    both = ["3\n75.0", "1\n25.0", "0", "–", "–", "–", "0", "0", "2,000\n100"]
    assert cells(confusion.draw(counts, "abc", "").axes[0]) == both
    left, right = confusion.draw_pair([("a", counts), ("b", np.eye(3, dtype=int))], "abc").axes
    assert (left.get_title(loc="left"), right.get_title(loc="left")) == ("a", "b")
    assert cells(left) == shares
    assert cells(right) == ["100", "0", "0", "0", "100", "0", "0", "0", "100"]


def test_confusion_numbers_are_readable_and_single_mistakes_visible() -> None:
    counts = 1000 * np.eye(10, dtype=int)
    counts[4, 9], counts[3, 5], counts[7, 2] = 1, 30, 300
    axes = confusion.draw(counts, "0123456789", "").axes[0]
    shade = axes.images[0].cmap(axes.images[0].norm(axes.images[0].get_array()))  # [10, 10, 4]
    for text in axes.texts:
        column, row = text.get_position()
        assert contrast(shade[int(row), int(column)], text.get_color()) > 4.5
    assert np.abs(shade[4, 9] - shade[4, 8]).max() > 0.05


def test_failures_are_captioned_in_order_and_at_most_25() -> None:
    axes = failing(40).axes[0]
    assert cells(axes)[:2] == ["True 0 / Predicted 1", "probability < 0.01%"]
    assert cells(axes)[2:4] == ["True 1 / Predicted 2", "probability 2.56%"]
    assert len(axes.images) == 25
    assert len(axes.texts) == 50
    assert len({picture.get_clim() for picture in axes.images}) == 1
    assert cells(failing(0).axes[0]) == ["no failures"]


def test_hidden_weights_share_one_symmetric_scale() -> None:
    figure = weights(NOISE)
    pictures = figure.axes[0].images
    (low, high), *others = {picture.get_clim() for picture in pictures}
    assert not others
    assert low == -high < 0
    assert len(pictures) == 50
    np.testing.assert_array_equal(pictures[3].get_array(), NOISE[:, 3].reshape(28, 28))


@pytest.mark.parametrize(
    ("draw", "chosen", "captions"),
    [
        (samples.of, [DIGITS.target.tolist().index(k) for k in range(10)], list("0123456789")),
        (samples.sheet, range(15), [str(label) for label in DIGITS.target[:15]]),
        (samples.versions, np.flatnonzero(DIGITS.target == 7)[:25], []),
    ],
)
def test_samples_are_the_first_images_with_their_labels(
    draw: Callable[[RunView], Figure], chosen: Sequence[int], captions: list[str]
) -> None:
    figure = draw(digits())
    axes = figure.axes[0]
    assert cells(axes) == captions
    np.testing.assert_array_equal([picture.get_array() for picture in axes.images], DIGITS.images[chosen])
    assert captions or figure.get_suptitle() == "25 versions of 7 in the training set"


def test_a_random_sheet_shows_other_images_for_each_seed_with_their_labels() -> None:
    shown = set()
    for seed in range(5):
        axes = samples.sheet(digits(), np.random.default_rng(seed)).axes[0]
        pictures = [np.asarray(picture.get_array()) for picture in axes.images]
        chosen = [int(np.flatnonzero((DIGITS.images == picture).all(axis=(1, 2)))[0]) for picture in pictures]
        assert cells(axes) == [str(DIGITS.target[i]) for i in chosen]
        assert len(set(chosen)) == 15
        shown.add(tuple(chosen))
    assert len(shown) == 5


def test_means_are_those_of_all_images_and_of_each_class() -> None:
    axes = samples.means(digits()).axes[0]
    groups = [DIGITS.images, *(DIGITS.images[DIGITS.target == k] for k in range(10))]
    assert cells(axes) == ["all", *"0123456789"]
    for picture, images in zip(axes.images, groups, strict=True):
        np.testing.assert_allclose(picture.get_array(), images.mean(axis=0), atol=1e-9)


def test_bars_are_as_high_as_a_class_has_examples() -> None:
    (axes,) = class_counts.of(digits()).axes
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
    assert heights == [np.bincount(DIGITS.target).tolist()] * 3


def test_classes_differ_in_colour_or_shape() -> None:
    looks = [plane.look(k) for k in range(18)]
    assert len({(look.color, look.marker) for look in looks}) == 18
    assert len({look.color for look in looks[:6]}) == len({look.marker for look in looks[:6]}) == 6


def test_every_example_is_a_point_at_its_place() -> None:
    sets = [examples(n) for n in (50, 20, 10)]
    (axes,) = scatter.of(view_of(*sets, labels=["c1", "c2", "c3"])).axes
    drawn = iter(axes.lines)
    for x, y, _ in sets:
        for k in range(3):
            np.testing.assert_array_equal(np.transpose(next(drawn).get_data()), x[y == k])
    assert next(drawn, None) is None


def test_a_region_is_as_wide_as_the_grid_says_and_pale() -> None:
    axes, *_ = bounded(["c1", "c2", "c3"]).axes
    (picture,) = axes.images
    shown = picture.get_array()  # [rows, columns, 3]
    shades = {tuple(shade) for shade in shown.reshape(-1, 3)}
    assert len(shades) == 3
    for k in range(3):
        (shade,) = {tuple(shade) for shade in shown[THIRDS.labels == k]}
        assert luminance(shade) > 0.6
        assert contrast(shade, plane.look(k).color) > 1.5
    left, right, bottom, top = picture.get_extent()
    steps = THIRDS.x[1] - THIRDS.x[0], THIRDS.y[1] - THIRDS.y[0]
    np.testing.assert_allclose((right - left, top - bottom), 101 * np.array(steps))  # a cell around each point
    assert picture.origin == "lower"
    assert axes.get_xlim() == (THIRDS.x[0], THIRDS.x[-1])
    assert axes.get_ylim() == (THIRDS.y[0], THIRDS.y[-1])


def test_the_title_names_the_network_and_has_its_calibration_error() -> None:
    title = calibrated([0.7, 0.7], [True, False]).get_suptitle()
    assert title == "784-512-10 relu (test set: 97.31% right), expected calibration error 20.00%"


def test_a_bin_of_few_predictions_is_counted_but_not_on_the_curve() -> None:
    confidence = [*np.linspace(0.35, 0.39, 4), *np.linspace(0.61, 0.65, 10), *[0.99] * 400]
    correct = [*[0] * 4, *[1] * 5, *[0] * 5, *[1] * 400]
    curve, bars = calibrated(confidence, correct).axes
    np.testing.assert_allclose(curve.lines[1].get_data(), [[63, 99], [50, 100]])
    assert cells(bars) == ["4", "10", "400"]
    curve, _ = calibrated([0.35, 0.36, 0.62], [0, 1, 1]).axes  # of a small set, a bin needs fewer
    np.testing.assert_allclose(curve.lines[1].get_data(), [[35.5], [50]])


def test_few_units_have_large_pictures() -> None:
    sides = []
    for n in (1, 3, 5, 10, 20, 50):
        figure = weights(NOISE[:, :n])
        left, right, _, _ = figure.axes[0].images[0].get_extent()
        sides.append(right - left)
        assert figure.get_size_inches()[1] > 1.5
    assert sides == sorted(sides, reverse=True)
    assert sides[0] > 2 > 0.6 < sides[-1]


def test_a_map_has_a_step_for_every_tenth_and_a_line_at_one_half() -> None:
    x = np.linspace(0, 1, 101)
    p = np.tile(x, (101, 1))
    grid = plane.Grid(x, x, (p > 0.5).astype(int), np.stack([1 - p, p], axis=-1))
    figure = boundaries.draw("", [("", grid, examples(50, 2))], ["blue", "red"], AXES)
    _, axes, scale = figure.axes
    assert axes.get_title(loc="left") == "P(red)"
    filled, line = axes.collections
    np.testing.assert_allclose(filled.levels, np.linspace(0, 1, 11), atol=1e-8)
    (path,) = line.get_paths()
    np.testing.assert_allclose(path.vertices[:, 0], 0.5)
    first, last = filled.get_facecolor()[[0, -1], :3]
    for shade, k in ((first, 0), (last, 1)):  # towards the colour of its class
        np.testing.assert_allclose(1 - shade, plane._FULL * (1 - np.array(to_rgb(plane.look(k).color))), atol=0.01)
    assert [label.get_text() for label in scale.get_yticklabels()] == ["0%", "20%", "40%", "60%", "80%", "100%"]
