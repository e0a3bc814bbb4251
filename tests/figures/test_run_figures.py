"""Every figure of the table for runs of every kind, and the files in a run's folder."""

import dataclasses
import functools
import json
import math
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import yaml

from src.config.figure_names import EVERY_RUN, FIGURES, STAGE, names
from src.config.tracking import GALLERY
from src.data.recipes import prepare
from src.figures import drawing_process, pca
from src.figures.registry import DRAWINGS, draw
from src.figures.run_figures import RunFigures
from src.figures.run_view import RunView
from src.foundation.files import ROOT
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker
from src.runs.training_run import run
from src.training.metrics import predict
from src.training.session import Session
from tests.helpers.composing import compose
from tests.helpers.refusals import refusal
from tests.reporting.markup import Markup

pytestmark = pytest.mark.filterwarnings("error")

# By experiment, what shortens it.
RUNS = {
    "spiral_adam": ("train.epochs=30",),
    "perceptrons_xor": ("train.epochs=2",),
    "xor_single_output": ("train.epochs=2", "model.hidden=[3,2]", "model.act=[relu,tanh]"),
    "digits": ("train.epochs=8", "model.hidden=[32]", "train.record_steps=true"),
    "spiral_linear": ("train.epochs=2", "model.hidden=[]"),
}
OF_IMAGES = {"samples", "sheet", "versions", "turned"}
OTHERS = [name for name in FIGURES if name not in names(EVERY_RUN)]
OF_A_PLANE = {"scatter", "boundaries", "activation", "perceptrons"}
UNFIT = {
    "spiral_adam": {*OF_IMAGES, "pca", "perceptrons", "steps", "weights", "untrained"},
    "perceptrons_xor": {*OF_IMAGES, "pca"},
    "xor_single_output": {*OF_IMAGES, "pca", "perceptrons", "weights"},
    "digits": {*OF_A_PLANE, "weights", "untrained"},
    "spiral_linear": {*OF_IMAGES, "pca", "perceptrons", "activation", "steps", "weights", "untrained"},
}
Trained = tuple[Path, RunView]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    """Trains an experiment, once; its run folder is not to be changed."""
    root = tmp_path_factory.mktemp("runs")

    @functools.cache
    def train(experiment: str) -> Trained:
        config = compose([f"experiment={experiment}", "tracking=off", *RUNS[experiment]])
        folder = RunFolder(root / experiment)
        folder.path.mkdir()
        dataset = prepare(config.data, root)
        run(config, dataset, Tracker(), folder)
        return folder.path, RunView.of(FinishedRun(folder.path), dataset)

    return train


@pytest.fixture(scope="module")
def shown(trained: Callable[[str], Trained]) -> Callable[[str], RunView]:
    return lambda experiment: trained(experiment)[1]


def test_both_tables_have_the_same_names_and_the_stage_those_of_its_outs() -> None:
    assert tuple(DRAWINGS) == tuple(FIGURES)
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    tables = {"plots/confusion.csv", "plots/scores.json", "metrics/test.json"}
    assert {f"plots/{name}.png" for name in names(STAGE)} | tables == set(stages["evaluate"]["outs"])


def test_an_unknown_figure_is_rejected_in_one_line() -> None:
    unknown = refusal(compose, ["tracking.gallery=[pca,samplse]"])
    assert "tracking.gallery[1]=samplse: unknown; did you mean samples? (allowed" in unknown
    assert "tracking.gallery=pca: must be a list" in refusal(compose, ["tracking.gallery=pca"])
    assert set(GALLERY) <= set(re.findall(r"\w+", refusal(compose, ["tracking.gallery=[?]"])))


@pytest.mark.parametrize(
    ("monitor", "values", "best"),
    [
        ("valid_accuracy", [0.1, 0.3, 0.2, 0.3], 10),
        ("valid_loss", [2.0, math.nan, 1.0, 1.5], 20),
        ("valid_mae", [3.0, 2.0, 1.0, 0.5], 25),
        ("valid_f1", [0.9, math.inf, 0.1, 0.5], 0),
    ],
)
def test_the_best_epoch_is_the_one_that_early_stopping_would_keep(
    monitor: str, values: list[float], best: int, shown: Callable[[str], RunView]
) -> None:
    history = {"epoch": [0, 10, 20, 25], monitor: values}
    view = dataclasses.replace(shown("spiral_linear"), history=history, config={"train": {"monitor": monitor}})
    assert view.best_epoch == best


@pytest.mark.parametrize("experiment", RUNS)
def test_missing_figures_that_fit_a_run_are_drawn_and_existing_ones_kept(
    experiment: str, trained: Callable[[str], Trained], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original, view = trained(experiment)
    folder, dataset = shutil.copytree(original, tmp_path / "run"), view.dataset
    figures = folder / "figures"
    capsys.readouterr()  # of the training
    RunFigures(dataset).ended(folder)
    of_other_data = set() if dataset.image else {"failures", "failures_confident", "hidden_weights"}
    standard = {f"{name}.png" for name in set(names(EVERY_RUN)) - of_other_data}
    assert {file.name for file in figures.iterdir()} == standard
    assert not capsys.readouterr().err

    RunFigures(dataset, OTHERS).ended(folder)
    drawn = {"pca.html" if name == "pca" else f"{name}.png" for name in OTHERS if name not in UNFIT[experiment]}
    assert {file.name for file in figures.iterdir()} == standard | drawn
    reasons = dict(re.findall(r"^figure (\w+): left out, (.*)", capsys.readouterr().err, re.M))
    assert reasons.keys() == UNFIT[experiment]
    assert all(
        re.search("images|features|hidden unit|record_steps|of perceptrons|two classes", reason)
        for reason in reasons.values()
    )

    times = {file: file.stat().st_mtime_ns for file in figures.iterdir()}
    (figures / "confusion_pair.png").unlink()
    RunFigures(dataset, OTHERS).ended(folder)
    after = {file: file.stat().st_mtime_ns for file in figures.iterdir()}
    assert {file.name for file in times if times[file] != after[file]} == {"confusion_pair.png"}


def test_figures_are_drawn_after_an_interruption_with_one_warning_for_one_that_fails(
    trained: Callable[[str], Trained],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    original, view = trained("digits")
    folder, dataset = shutil.copytree(original, tmp_path / "run"), view.dataset
    figures = folder / "figures"
    capsys.readouterr()  # of the training
    monkeypatch.setitem(DRAWINGS, "reliability", Mock(side_effect=[KeyboardInterrupt, RuntimeError("no ink")]))
    with pytest.raises(KeyboardInterrupt):
        RunFigures(dataset, ("samples",)).ended(folder)
    assert [file.name for file in figures.iterdir()] == ["confusion_test.png"]
    RunFigures(dataset, ("samples",)).ended(folder)
    assert re.fullmatch(r"warning: figure reliability of .* could not be drawn \(no ink\)\n", capsys.readouterr().err)
    assert (figures / "samples.png").exists()  # the others are drawn
    monkeypatch.undo()
    RunFigures(dataset, ("samples",)).ended(folder)
    assert {"curves.png", "reliability.png", "failures.png", "samples.png"} <= {file.name for file in figures.iterdir()}

    # A library that is broken costs the figures alone.
    (figures / "curves.png").unlink()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "src.figures.registry", None)
        patch.delattr("src.figures.registry")
        RunFigures(dataset).ended(folder)
    assert "warning: figure curves of" in capsys.readouterr().err

    # A run that did not finish has none.
    shutil.rmtree(figures)
    RunFolder(folder).mark("killed", "interrupted", "interrupted")
    RunFigures(dataset, GALLERY).ended(folder)
    assert not figures.exists()


def test_a_process_that_waits_draws_the_same_bytes_and_what_it_does_not_draw_is_drawn_here(
    trained: Callable[[str], Trained],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    original, view = trained("digits")
    status = json.loads((original / "status.json").read_text())

    def followed(name: str, finished: bool = True, killed: bool = False) -> dict[str, bytes]:
        folder = RunFolder(shutil.copytree(original, tmp_path / name))
        folder.mark("running")
        tracker = RunFigures(view.dataset, ("steps", "samples"), alone=True)
        tracker.started(folder.path)
        process = tracker._process
        assert process
        assert process.poll() is None
        if killed:
            process.kill()
        if finished:
            (folder.path / "status.json").write_text(json.dumps(status))
        tracker.ended(folder.path)
        assert process.poll() is not None
        return {file.name: file.read_bytes() for file in (folder.path / "figures").glob("*")}

    with monkeypatch.context() as patch:  # nothing can be drawn here
        patch.setitem(sys.modules, "src.figures.registry", None)
        patch.delattr("src.figures.registry")
        drawn = followed("process")
    assert not capsys.readouterr().err
    assert drawn.keys() > {"curves.png", "steps.png", "samples.png"}
    assert followed("killed", killed=True) == drawn
    assert not followed("unfinished", finished=False)

    process = drawing_process.start(original)
    with monkeypatch.context() as patch:
        patch.setattr(process, "communicate", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            drawing_process.draw(process, ["curves"])
    process.wait(60)  # though its input is still open
    assert process.stdin
    process.stdin.close()


def test_the_grid_has_the_decisions_at_its_points(shown: Callable[[str], RunView]) -> None:
    of = shown("spiral_adam")
    x, y, labels, p = of.grid()
    assert labels.shape == (101, 101)
    for row, column in ((0, 0), (0, 100), (100, 0), (40, 70)):
        found = of.predict(np.array([[x[column], y[row]]]))
        assert labels[row, column] == found.labels[0]
        np.testing.assert_allclose(p[row, column], found.probabilities[0], rtol=1e-4, atol=1e-6)
    every = np.concatenate([part.x for part in (of.dataset.train, of.dataset.valid, of.dataset.test)])
    ends = [[x[0], y[0]], [x[-1], y[-1]]]
    np.testing.assert_allclose(ends, [every.min(axis=0) - 0.1, every.max(axis=0) + 0.1], rtol=1e-5)


@pytest.mark.parametrize("experiment", ["spiral_adam", "xor_single_output", "digits"])
def test_predictions_and_accuracies_are_those_of_the_run(experiment: str, shown: Callable[[str], RunView]) -> None:
    of = shown(experiment)
    np.testing.assert_array_equal(of.predict(of.dataset.test.x).labels, of.known["test"].labels)
    for part in ("train", "test"):
        x, y, _ = getattr(of.dataset, part)
        right = float(np.mean(of.predict(x).labels == y))
        assert right == pytest.approx(of.accuracy[part])
        assert of.heading(part) == f"{of.names[part].capitalize()} set: {right:.2%} right"


def test_boundaries_are_titled_with_the_accuracies(shown: Callable[[str], RunView]) -> None:
    of = shown("spiral_adam")
    train, test, *maps, _ = draw("boundaries", of).axes
    assert [axes.get_title(loc="left") for axes in maps] == ["P(c1)", "P(c2)", "P(c3)"]
    assert [axes.get_title(loc="left") for axes in (train, test)] == [of.heading("train"), of.heading("test")]
    assert (train.get_xlabel(), train.get_ylabel()) == ("X1, standardized", "X2, standardized")
    assert sum(len(line.get_xdata()) for line in test.lines) == len(of.dataset.test.y)


def test_an_activation_is_drawn_as_it_is_beside_the_regions(shown: Callable[[str], RunView]) -> None:
    of = shown("spiral_adam")
    curve, regions, *_ = draw("activation", of).axes
    z, f = curve.lines[-1].get_data()
    np.testing.assert_allclose(f, np.maximum(z, 0) if of.model.header["model"]["act"] == "relu" else np.tanh(z))
    assert regions.get_title(loc="left") == of.heading("train")


def test_each_perceptron_is_drawn_where_it_fires(trained: Callable[[str], Trained]) -> None:
    folder, of = trained("perceptrons_xor")
    units = RunFolder(folder).result()["units"]
    panels = draw("perceptrons", of).axes[:3]
    assert [axes.get_title(loc="left") for axes in panels] == [
        f"finds lower left: {units['lower_left']:.2%}",
        f"finds upper right: {units['upper_right']:.2%}",
        f"the OR of both: {of.accuracy['train']:.2%}",
    ]
    W, b = of.model.network.parameters.W[0], of.model.network.parameters.b[0]
    x, y = np.meshgrid(*of.grid()[:2])
    for unit, axes in enumerate(panels[:2]):
        fires = 1 / (1 + np.exp(-(W[0, unit] * x + W[1, unit] * y + b[unit]))) > 0.5
        shades = axes.images[0].get_array()
        assert len({tuple(shade) for shade in shades[fires]}) == 1
        assert len({tuple(shade) for shade in shades[~fires]}) == 1
        group = of.dataset.groups.index(("lower_left", "upper_right")[unit])
        found = axes.lines[1].get_xdata()  # of the two looks, the second is that of what is to be found
        np.testing.assert_array_equal(np.sort(found), np.sort(of.dataset.train.x[of.dataset.train.group == group, 0]))


def test_the_turned_image_is_the_upright_one_reversed(shown: Callable[[str], RunView]) -> None:
    of = shown("digits")
    pictures, *bars = draw("turned", of).axes
    upright, around = (np.asarray(picture.get_array()) for picture in pictures.images)
    np.testing.assert_array_equal(around, upright[::-1, ::-1])
    center, scale = (np.asarray(of.dataset.scaling[name]) for name in ("center", "scale"))
    pair = (np.stack([upright.ravel(), around.ravel()]) - center) / scale
    expected = predict(of.model.network, pair, np.zeros(2, np.int64)).probabilities
    for axes, row, name, text in zip(bars, expected, ("Upright", "Turned"), pictures.texts, strict=True):
        np.testing.assert_allclose([bar.get_height() for bar in axes.patches], 100 * row, rtol=1e-4, atol=1e-4)
        assert [label.get_text() for label in axes.get_xticklabels()] == list("0123456789")
        assert text.get_text() == f"{name}: taken for {row.argmax()} ({row.max():.2%})"
    sixes = of.dataset.test.x[(of.dataset.test.y == 6) & (of.known["test"].labels == 6)]
    np.testing.assert_allclose(pair[0], sixes[0], atol=1e-5)


def test_the_activations_of_layers_are_drawn_each_with_its_name(shown: Callable[[str], RunView]) -> None:
    figure = draw("activation", shown("xor_single_output"))
    *_, rectified, hyperbolic = figure.axes[0].lines
    z = rectified.get_xdata()
    np.testing.assert_allclose(rectified.get_ydata(), np.maximum(z, 0))
    np.testing.assert_allclose(hyperbolic.get_ydata(), np.tanh(z))
    keys = [pair for key in figure.legends for pair in zip(key.get_texts(), key.get_lines(), strict=True)]
    named = {text.get_text(): line.get_color() for text, line in keys}
    assert (named["relu"], named["tanh"]) == (rectified.get_color(), hyperbolic.get_color())


def test_weights_by_update_lead_to_the_trained_ones(shown: Callable[[str], RunView]) -> None:
    of = shown("perceptrons_xor")
    panels = draw("weights", of).axes
    assert len(panels) == 3
    W, b = of.model.network.parameters.W[0], of.model.network.parameters.b[0]
    for unit, axes in enumerate(panels[:2]):
        assert [line.get_label() for line in axes.lines] == ["weight 1", "weight 2", "bias"]
        lines = np.array([line.get_ydata() for line in axes.lines])  # [parameters, updates]
        np.testing.assert_array_equal(lines.T, of.steps[f"unit_{unit}"][:, 1:])
        np.testing.assert_allclose(lines[:, -1], [*W[:, unit], b[unit]], atol=0.5)  # one update before the end


def test_an_untrained_network_answers_with_its_first_weights(shown: Callable[[str], RunView]) -> None:
    of = shown("xor_single_output")
    axes = draw("untrained", of).axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == len(of.dataset.train.y)
    assert list(axes.lines[0].get_xdata()) == [50, 50]
    network = Session(compose(["experiment=xor_single_output", *RUNS["xor_single_output"]]), of.dataset).network
    found = predict(network, of.dataset.train.x, np.asarray(of.dataset.train.y))
    p = found.probabilities[:, 1]
    assert axes.get_xlabel().endswith(f"from {p.min():.2%} to {p.max():.2%}")
    assert of.steps["network"][0, 0] == pytest.approx(found.loss, rel=0.3)  # the loss of the first batch


def test_steps_have_the_loss_of_each_update(shown: Callable[[str], RunView]) -> None:
    for experiment, panels in (("digits", [320]), ("perceptrons_xor", [100, 100, 1000])):
        of = shown(experiment)
        drawn = draw("steps", of).axes
        assert [len(axes.lines[0].get_xdata()) for axes in drawn] == panels, experiment
        for axes, rows in zip(drawn, of.steps.values(), strict=True):
            np.testing.assert_array_equal(axes.lines[0].get_ydata(), rows[:, 0])
        each = panels[-1] / of.history["epoch"][-1]
        np.testing.assert_allclose(drawn[-1].lines[-1].get_xdata(), np.multiply(of.history["epoch"], each))
        np.testing.assert_array_equal(drawn[-1].lines[-1].get_ydata(), of.history["valid_loss"])


X = np.random.default_rng(0).standard_normal((200, 5)) * (9, 5, 3, 0.1, 0.1) + 100
Y = np.arange(200) % 3


def plotted(page: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The data and the layout that the page passes to plotly."""
    text = page[page.rindex("Plotly.newPlot(") :]
    data, end = json.JSONDecoder().raw_decode(text, text.index("["))
    layout, _ = json.JSONDecoder().raw_decode(text, text.index("{", end))
    return data, layout


@pytest.mark.parametrize(("x", "y"), [(X, Y), (X.T[:4].repeat(2, axis=1), np.array([0, 1, 2, 0]))])
def test_the_page_has_every_example_with_its_class_at_its_place(x: np.ndarray, y: np.ndarray) -> None:
    page = pca.draw(x, y, ["a", "b", "c"])
    assert page == pca.draw(x.copy(), y, ["a", "b", "c"])
    data, layout = plotted(page)
    assert [trace["name"] for trace in data] == ["a", "b", "c"]
    points = np.empty((len(x), 3))
    for k, trace in enumerate(data):
        assert set(y[trace["customdata"]]) == {k}
        assert trace["hovertemplate"].startswith("abc"[k])
        points[trace["customdata"]] = np.transpose([trace[axis] for axis in "xyz"])
    U, S, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(points), np.abs(U[:, :3] * S[:3]), atol=1e-3)
    share = S[0] ** 2 / (S**2).sum()
    assert layout["scene"]["xaxis"]["title"]["text"] == f"component 1 ({share:.1%})"


def test_the_page_shows_the_first_examples_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pca, "MOST", 50)
    page = pca.draw(X, Y, ["a", "b", "c"])
    assert page == pca.draw(X[:50], Y[:50], ["a", "b", "c"])
    assert sum(len(trace["x"]) for trace in plotted(page)[0]) == 50
    assert "50 examples" in page


def test_the_page_requests_nothing_and_escapes_names() -> None:
    hostile = '</script><script>alert(1)</script>&"'
    page = pca.draw(X, Y, [hostile, "b", "c"])
    markup = Markup(re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))
    assert not [link for link in markup.values("src", "href") if link != "data:,"]
    (policy,) = [content for content in markup.values("content") if "default-src" in content]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert page.count("<script") == page.count("</script>")
    assert "<script>alert" not in page
    assert not re.search(r"<script[^>]+src", page)
