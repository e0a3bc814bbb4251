"""Every figure of a study's report, on ordinary and on extreme studies: all on its sheet, the same each time.

Those of whole studies are checked where their reports are: tests/reporting/test_pages.py.
"""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from src.data.dataset import Dataset
from src.figures import canvas, class_gains, cost, disagreements, forest, scales, strip, study_curves, study_figures
from src.studies.comparisons.results import Results
from tests.figures.drawings import NAMES, check_drawing, contrast, matrix
from tests.reporting.markup import Markup
from tests.reporting.studies import IMAGES, LONG, STUDIES, around, dataset, make_results, summary_of, true_labels

pytestmark = pytest.mark.filterwarnings("error")


def histories(results: Results) -> dict[str, list[Mapping[str, Sequence[float]]]]:
    return {v.name: [r.history for r in results.runs if r.variant == v.name and r.history] for v in results.variants}


def stopping_early() -> dict[str, list[Mapping[str, Sequence[float]]]]:
    longest = histories(make_results({"a": around(0.95), "b": around(0.97), "c": around(0.9)}, epochs=20))
    return {
        variant: [{column: values[: 20 - 4 * seed] for column, values in run.items()} for seed, run in enumerate(runs)]
        for variant, runs in longest.items()
    }


def with_losses(change: Callable[[float], float]) -> dict[str, list[Mapping[str, Sequence[float]]]]:
    runs = histories(STUDIES["two variants"])
    runs["b"] = [{**run, "valid_loss": [change(loss) for loss in run["valid_loss"]]} for run in runs["b"]]
    return runs


def of_every_tenth_epoch() -> dict[str, list[Mapping[str, Sequence[float]]]]:
    runs = histories(STUDIES["two variants"])
    return {
        variant: [{**run, "epoch": [0.0, 10.0, 20.0, 30.0, 35.0]} for run in group] for variant, group in runs.items()
    }


def costs(seconds: Callable[[int], float], study: str = "a ladder") -> Figure:
    rows = summary_of(STUDIES[study]).rows
    return cost.draw(rows, {row.variant: seconds(i) for i, row in enumerate(rows)}, rows[0].variant, "test accuracy")


def disagreeing(only_first: int, only_second: int, names: Sequence[str] = "0123456789") -> Figure:
    y = true_labels()
    first, second = y.copy(), y.copy()
    first[:only_first] = (first[:only_first] + 1) % len(names)
    second[500 : 500 + only_second] = (second[500 : 500 + only_second] + 1) % len(names)
    return disagreements.draw(IMAGES.reshape(-1, 8, 8), y, first, second, names)


FIGURES: dict[str, Callable[[], Figure]] = {
    "curves that stop early": lambda: study_curves.draw(stopping_early(), "a"),
    "curves of two kinds of loss": lambda: study_curves.draw(with_losses(lambda loss: loss / 1000), "a"),
    "curves of losses that are not finite": lambda: study_curves.draw(with_losses(lambda loss: np.nan), "a"),
    "curves of infinite losses": lambda: study_curves.draw(with_losses(lambda loss: np.inf), "b"),
    "curves of zero losses": lambda: study_curves.draw(with_losses(lambda loss: 0.0), "a"),
    "curves of losses over many decades": lambda: study_curves.draw(with_losses(lambda loss: loss**60), "a"),
    "curves of every tenth epoch": lambda: study_curves.draw(of_every_tenth_epoch(), "a"),
    "a sheet of runs that stop early": lambda: study_curves.draw_sheet(stopping_early(), "a"),
    "a sheet of two kinds of loss": lambda: study_curves.draw_sheet(with_losses(lambda loss: loss / 1000), "a"),
    "a sheet of losses that are not finite": lambda: study_curves.draw_sheet(with_losses(lambda loss: np.nan), "b"),
    "a sheet of one variant": lambda: study_curves.draw_sheet(histories(STUDIES["one variant"]), "a"),
    "gains of 2 classes": lambda: class_gains.draw(matrix(2, 0), matrix(2, 1), ["no", "yes"]),
    "gains of named classes": lambda: class_gains.draw(matrix(10, 0), matrix(10, 1), NAMES),
    "gains of an empty class": lambda: class_gains.draw(matrix(10, 0, empty=3), matrix(10, 1, empty=3), "0123456789"),
    "no gains": lambda: class_gains.draw(matrix(10, 0), matrix(10, 0), "0123456789"),
    "losses alone": lambda: class_gains.draw(1000 * np.eye(10, dtype=int), matrix(10, 0), "0123456789"),
    "no examples": lambda: class_gains.draw(np.zeros((4, 4), int), np.zeros((4, 4), int), "0123"),
    **{
        f"{first} and {second} disagreements": lambda n=(first, second): disagreeing(*n)
        for first, second in ((0, 0), (1, 0), (0, 5), (6, 11), (300, 300))
    },
    "disagreements of named classes": lambda: disagreeing(10, 10, NAMES),
    "costs of equal length": lambda: costs(lambda i: 4.0),
    "no cost": lambda: costs(lambda i: 0.0),
    "costs over decades": lambda: costs(lambda i: 10.0**i),
    "crowded costs": lambda: costs(lambda i: 4 + i / 1000, "sixteen variants"),
}


def all_of(results: Results, on: Dataset | None = None) -> dict[str, Figure]:
    return {each.name: each.figure for each in study_figures.draw(results, summary_of(results), on or dataset())}


@functools.cache
def drawn(name: str) -> dict[str, Figure]:
    """The figures of a study, for tests that do not change them."""
    return all_of(STUDIES[name])


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES.keys())
def test_a_drawing_stays_on_its_sheet_and_is_the_same_small_file_each_time(
    draw: Callable[[], Figure], tmp_path: Path
) -> None:
    check_drawing(draw, tmp_path, most=300_000)


@pytest.mark.parametrize("name", ["a ladder", "hostile names", "failures", "sixteen variants"])
def test_svgs_use_the_colours_and_fonts_of_their_page_and_keep_names_and_settings(name: str) -> None:
    before = dict(dict.items(matplotlib.rcParams))
    for figure_name, figure in all_of(STUDIES[name], dataset(image=None)).items():
        title = figure.get_suptitle()
        svg = canvas.svg(figure, figure_name, 'it shows "this" & <that>')
        assert 'aria-label="it shows &quot;this&quot; &amp; &lt;that&gt;"' in svg
        markup = Markup(svg)
        assert title not in markup.words()
        assert figure_name != "forest" or STUDIES[name].variants[-1].name in markup.words()
        assert all(text.get_visible() for text in figure.texts)
        for style in markup.values("style"):
            assert not re.search(r"#(?!000000)[0-9a-fA-F]{6}", style), style
            assert "DejaVu" not in style
        assert not re.search("http|<script", svg)
        assert len(svg) < 300_000
    assert dict(dict.items(matplotlib.rcParams)) == before


@pytest.mark.parametrize("n", [1, 7, 16, 19])
def test_variants_differ_in_their_looks(n: int) -> None:
    names = [str(i) for i in range(n)]
    looks = canvas.styles(names, plain="0")
    assert list(looks) == names
    assert len({(look.color, look.line) for look in looks.values()}) == n
    assert len({(look.color, look.marker) for look in looks.values()}) == n
    assert looks["0"].color == canvas.INK


def test_verdicts_in_the_forest_differ_in_shape_and_colour() -> None:
    marks = list(forest.MARKS.values())
    assert len({mark["marker"] for mark in marks}) == len(marks)
    summary = summary_of(STUDIES["a ladder"])
    panels = [row.step for row in summary.rows], [row.against_baseline for row in summary.rows]
    for axes, made in zip(drawn("a ladder")["forest"].axes, panels, strict=True):
        comparisons = [comparison for comparison in made if comparison]
        means = [line for line in axes.lines if line.get_markersize() == 7]
        assert [line.get_marker() for line in means] == [forest.MARKS[c.verdict]["marker"] for c in comparisons]
        np.testing.assert_allclose([line.get_xdata()[0] for line in means], [100 * c.effect.mean for c in comparisons])
        singles = [list(line.get_xdata()) for line in axes.lines if line.get_markersize() == 4]
        np.testing.assert_allclose(singles, [[100 * d for d in c.effect.differences] for c in comparisons])


def test_the_forest_says_if_there_is_nothing_to_compare() -> None:
    texts = [text.get_text() for text in drawn("no seed in common")["forest"].axes[0].texts]
    assert "no seed in common" in texts
    assert not {"nan", "None"} & set(texts)


def test_curves_are_means_in_a_band_from_the_lowest_to_the_highest_seed() -> None:
    results = STUDIES["two variants"]
    accuracy, loss = drawn("two variants")["curves"].axes
    for axes, column in ((accuracy, "valid_accuracy"), (loss, "valid_loss")):
        values = np.array([run[column] for run in histories(results)["b"]])  # [seeds, epochs]
        solid = [line for line in axes.lines if line.get_linewidth() == 1.7]
        np.testing.assert_allclose(solid[1].get_ydata(), values.mean(axis=0))
        band = axes.collections[1].get_paths()[0].vertices[:, 1]
        np.testing.assert_allclose((band.min(), band.max()), (values.min(), values.max()))


def test_curves_continue_as_thinner_lines_when_seeds_have_stopped() -> None:
    whole, rest = study_curves.draw(stopping_early(), "a").axes[0].lines[:2]
    assert list(whole.get_xdata()) == [1, 2, 3, 4]
    assert list(rest.get_xdata()) == list(range(4, 21))
    assert rest.get_linewidth() < whole.get_linewidth()


def test_curves_are_drawn_at_the_evaluated_epochs() -> None:
    runs = of_every_tenth_epoch()
    sheet = study_curves.draw_sheet(runs, "a")
    last = {variant: np.mean([run["valid_accuracy"][-1] for run in group]) for variant, group in runs.items()}
    assert (
        sheet.get_suptitle()
        == f"Learning curves; best: {max(last, key=last.get)}, validation accuracy {max(last.values()):.2%}"
    )
    for axes in (*study_curves.draw(runs, "a").axes, *sheet.axes):
        drawn_at = {tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) > 1}
        assert drawn_at == {(0, 10, 20, 30, 35)}


def test_the_sheet_has_the_mean_of_each_variant_on_both_sets() -> None:
    results = STUDIES["sixteen variants"]
    panels = drawn("sixteen variants")["sheet"].axes
    columns = ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy")
    for axes, column in zip(panels, columns, strict=True):
        whole = [line for line in axes.lines if line.get_linewidth() == 1.7]
        for line, runs in zip(whole, histories(results).values(), strict=True):
            np.testing.assert_allclose(line.get_ydata(), np.mean([run[column] for run in runs], axis=0))
    for left, right in (panels[:2], panels[2:]):
        assert left.get_ylim() == right.get_ylim()
        assert left.get_yscale() == right.get_yscale()
        assert list(left.get_yticks()) == list(right.get_yticks())


@pytest.mark.parametrize("name", ["curves", "sheet"])
def test_variants_without_a_finished_run_are_named_below_the_curves(name: str) -> None:
    figure = drawn("failures")[name]
    assert "No run finished: d." in [text.get_text() for text in figure.texts]
    assert "d" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_outlying_variants_are_named_and_do_not_squeeze_the_others() -> None:
    figures = drawn("sixteen variants, and one that learns nothing")
    costing = costs(lambda i: 1.0 + i, "sixteen variants, and one that learns nothing")
    for figure in (figures["curves"], figures["sheet"], costing):
        assert any("Too far down" in text.get_text() and "10.00" in text.get_text() for text in figure.texts)
    (strip_axes,) = figures["seeds"].axes
    assert any("too far down" in text.get_text() for text in strip_axes.texts)
    assert strip_axes.get_xlim()[0] > 0.9


def test_every_seed_is_a_dot_and_a_gap_where_it_failed() -> None:
    summary = summary_of(STUDIES["failures"])
    values = {"a": [0.9, 0.91], "b": [0.93, None], "c": [None, None], "d": [0.94, 0.95]}
    axes = strip.draw(summary.rows, values, {"a": "baseline"}, "test accuracy").axes[0]
    lines = [line.get_xdata() for line in axes.lines if line.get_color() == canvas.MUTED]
    np.testing.assert_array_equal(lines, [[0.9, 0.93, np.nan, 0.94], [0.91, np.nan, np.nan, 0.95]])
    texts = [" ".join(text.get_text().split()) for text in axes.texts]
    assert {"a", "baseline", "2 runs", "5 runs"} <= set(texts)


def test_gains_are_points_of_the_true_class() -> None:
    before = np.array([[90, 10], [50, 50]])
    after = np.array([[95, 5], [50, 50]])
    matrix_axes, bars = class_gains.draw(before, after, ["a", "b"]).axes
    assert [text.get_text() for text in matrix_axes.texts] == ["+5.0", "−5.0", "", ""]
    assert [patch.get_width() for patch in bars.patches] == pytest.approx([5, 0])


def test_numbers_are_readable_on_the_strongest_gain() -> None:
    for color in (canvas.BLUE, canvas.VERMILLION):
        painted = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        assert contrast(0.6 * painted + 0.4, canvas.INK) > 4.5


def test_disagreements_are_captioned_in_the_order_of_the_test_set() -> None:
    texts = [text.get_text() for text in disagreeing(2, 12).axes[0].texts]
    assert texts[0] == "Only the baseline is wrong: 2 images"
    assert texts[1:3] == ["True 0:", "baseline 1, chosen 0"]
    assert texts[5] == "Only the chosen is wrong: 12 images, of which the first 10"
    assert texts[6:8] == ["True 0:", "baseline 0, chosen 1"]
    assert [text.get_text() for text in disagreeing(0, 1).axes[0].texts][:2] == [
        "Only the baseline is wrong: 0 images",
        "none",
    ]


def test_crowded_names_move_to_a_key() -> None:
    assert not costs(lambda i: 10.0**i).legends
    (key,) = costs(lambda i: 4 + i / 1000, "sixteen variants").legends
    assert [text.get_text() for text in key.get_texts()] == LONG


def test_which_figures_a_study_has() -> None:
    everything = {"forest", "curves", "sheet", "seeds", "classes", "disagreements"}
    ladder = STUDIES["a ladder"]
    assert drawn("a ladder").keys() == everything
    assert all_of(ladder, dataset(image=None)).keys() == everything - {"disagreements"}
    assert drawn("one variant").keys() == {"curves", "sheet", "seeds"}
    assert all_of(make_results({"a": ["killed"], "b": ["killed"]})).keys() == {"forest"}


@pytest.mark.parametrize(
    ("prepare", "values"),
    [
        *(
            (scales.accuracy, v)
            for v in ([0.98, 0.9, 0.5], [0.999, 0.97], [1, 0.5], [0.3, 0.4], [1], [0], [], [np.nan])
        ),
        *((scales.positive, v) for v in ([1e-3, 10], [2], [1e-30, 1e30], [0], [], [np.inf, -1], [0.061, 0.063])),
    ],
)
@pytest.mark.parametrize("which", ["x", "y"])
def test_axes_contain_all_values_that_count_and_have_a_few_ticks(
    prepare: Callable[[Axes, scales.Which, list[float]], str], values: list[float], which: scales.Which
) -> None:
    axes = canvas.new_figure(4, 4, "").subplots()
    prepare(axes, which, values)
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    ticks = axes.get_xticks() if which == "x" else axes.get_yticks()
    smallest = 0 if prepare is scales.accuracy else np.nextafter(0, 1)
    assert all(low <= value <= high for value in values if smallest <= value < np.inf)
    assert 1 <= sum(low <= tick <= high for tick in ticks) <= (9 if prepare is scales.accuracy else 8)
