"""`tracking.sheet`: the runs of a multirun on one figure."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from src.data.recipes import prepare
from src.figures import canvas
from src.foundation.errors import UserError
from src.runs.folder import RunFolder
from src.runs.job import Job
from src.runs.tracker import Tracker
from src.runs.training_run import run
from src.sweeps.sheets import check_sheets, draw_sheets
from tests.figures.drawings import check_sheet
from tests.helpers.composing import compose

pytestmark = pytest.mark.filterwarnings("error")
SHORT = ("tracking=off", "train.epochs=2")


def jobs_of(*labels: str, more: Sequence[str] = SHORT) -> list[Job]:
    made = []
    for label in labels:
        config = compose([*label.split(" "), *more])
        made.append(Job(label, config.run_name, label, config, ()))
    return made


def trained(jobs: Sequence[Job]) -> list[RunFolder]:
    return [run(job.config, prepare(job.config.data), Tracker()).folder for job in jobs]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The sheets that have been drawn, each checked."""
    figures: list[Figure] = []

    def save(figure: Figure, path: Path) -> None:
        figures.append(figure)
        check_sheet(figure, path)

    monkeypatch.setattr(canvas, "save", save)
    return figures


def test_three_activations_stand_on_one_sheet(home: Path, drawn: list[Figure]) -> None:
    names = ("sigmoid", "tanh", "relu")
    asked = (*SHORT, "tracking.sheet=activations")
    jobs = jobs_of(*(f"experiment=xor_{name}" for name in names), more=asked)
    check_sheets(jobs)
    folders = trained(jobs)
    target = draw_sheets(jobs, folders, "0123456789abcdef" * 4)
    assert target == home / "runs/sheets/0123456789abcdef"
    assert [file.name for file in target.iterdir()] == ["activations.png"]
    [figure] = drawn
    *panels, scale = figure.axes
    assert len(panels) == 6
    z = np.linspace(-4, 4, 401)
    for axes, f in zip(panels[:3], (1 / (1 + np.exp(-z)), np.tanh(z), np.maximum(z, 0)), strict=True):
        np.testing.assert_allclose(axes.lines[-1].get_ydata(), f, atol=1e-12)
    assert [axes.get_title(loc="left") for axes in panels[:3]] == [f"2-3-2 {name}" for name in names]
    scores = [f"{folder.result()['test']['accuracy']:.2%} right" for folder in folders]
    assert all(axes.get_title(loc="left").endswith(score) for axes, score in zip(panels[3:], scores, strict=True))
    assert scale.get_yticks().tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])


@pytest.mark.usefixtures("home")
def test_curves_are_means_over_the_seeds_of_the_runs_that_finished(
    drawn: list[Figure], capsys: pytest.CaptureFixture[str]
) -> None:
    labels = [f"model.act={act} seed={seed}" for act in ("relu", "tanh") for seed in (0, 1)]
    jobs = jobs_of(*labels, more=("experiment=xor_relu", *SHORT, "tracking.sheet=curves"))
    folders = trained(jobs)
    folders[3].mark("failed", "diverged", "")
    capsys.readouterr()
    target = draw_sheets(jobs, folders, "f" * 64)
    assert target
    assert capsys.readouterr().out == f"sheet         {target / 'curves.png'}\n"
    [figure] = drawn
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["model.act=relu", "model.act=tanh"]
    loss = figure.axes[1].lines[0].get_ydata()  # on the validation set, of relu
    both = [
        [float(line.split(",")[3]) for line in (folder.path / "history.csv").read_text().split()[1:]]
        for folder in folders[:2]
    ]
    np.testing.assert_allclose(loss, np.mean(both, axis=0))
    best = max(folder.result()["valid"]["accuracy"] for folder in folders[:3])
    title = figure.get_suptitle()
    assert title.startswith("Learning curves; best: model.act=")
    assert f"2-3-2 {title.partition('=')[2].partition(',')[0]} (" in title
    assert f"{best:.2%} right" in title


@pytest.mark.usefixtures("home")
def test_where_only_the_seed_varies_each_has_a_line(drawn: list[Figure]) -> None:
    jobs = jobs_of("seed=0", "seed=1", more=("experiment=xor_relu", *SHORT, "tracking.sheet=curves"))
    assert draw_sheets(jobs, trained(jobs), "f" * 64)
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["seed=0", "seed=1"]


@pytest.mark.usefixtures("home")
def test_a_sheet_that_fails_costs_one_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = jobs_of("seed=0", more=("experiment=xor_relu", *SHORT, "tracking.sheet=curves"))
    folders = trained(jobs)
    monkeypatch.setattr("src.figures.sheets.DRAWINGS", {})
    assert draw_sheets(jobs, folders, "f" * 64) is None
    assert capsys.readouterr().err == "warning: tracking.sheet=curves could not be drawn ('curves')\n"
    assert draw_sheets(jobs_of("seed=0"), folders, "f" * 64) is None
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["experiment=digits"], "tracking.sheet=activations: needs data of 2 features; data=digits has 64"),
        (
            ["experiment=xor_tanh", "experiment=xor_tanh model.hidden=[]"],
            "needs hidden units; experiment=xor_tanh model.hidden",
        ),
        (
            ["experiment=xor_tanh", "experiment=spiral_adam"],
            "needs runs on the same data; these are on xor_all, spiral",
        ),
    ],
)
def test_a_sheet_of_activations_needs_hidden_units_on_one_plane(labels: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_sheets(jobs_of(*labels, more=("tracking=off", "tracking.sheet=activations")))
