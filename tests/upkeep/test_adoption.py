"""Taking runs from another machine: what is whole comes, once; what is not, stays away, and nothing is overwritten."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from src.config.tracking import Tracking
from src.data.dataset import Dataset
from src.recording.outbox import Outbox
from src.runs.annotations import annotate, read_annotations
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.runs.listing import rows
from src.runs.tracker import Tracker
from src.runs.training_run import run
from src.upkeep import adoption
from tests.helpers.commands import run_main
from tests.helpers.composing import Small
from tests.helpers.refusals import assert_rejected
from tests.helpers.stores import entry_of


@pytest.fixture
def elsewhere(trained_runs: Path, tmp_path: Path) -> Path:
    """A checkout of another machine, with three runs."""
    shutil.copytree(trained_runs, tmp_path / "elsewhere" / "runs")
    return tmp_path / "elsewhere"


def folders(elsewhere: Path) -> list[Path]:
    return sorted(path for path in (elsewhere / "runs").iterdir() if path.is_dir())


def test_runs_come_once_and_are_the_same(home: Path, elsewhere: Path, digits: Dataset, small: Small) -> None:
    one, *_ = folders(elsewhere)
    (one / "figures").mkdir()
    (one / "figures" / "curves.png").write_bytes(b"png")
    (one / "virus.py").write_text("print()")
    assert run_main("runs", "adopt", str(one)).stdout == "1 run taken, 0 here before\n"
    (one / "result.json").rename(one / "away")  # a run that is here needs nothing any more
    for source in (elsewhere, elsewhere / "runs"):
        (one / "away").rename(one / "result.json") if (one / "away").exists() else None
        done = run_main("runs", "adopt", str(source))
        assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "0 runs taken, 3 here before\n"
    assert {row["id"] for row in rows()} == {path.name for path in folders(elsewhere)}
    here = RunFolder.of(one.name).path
    assert (here / "figures/curves.png").read_bytes() == b"png"
    assert not (here / "virus.py").exists()
    assert FinishedRun.open(here).result == FinishedRun.open(one).result
    assert run(small("seed=1"), digits, Tracker()).reused  # it is the run that this configuration asks for


def test_what_is_not_whole_is_not_taken_and_named(home: Path, elsewhere: Path) -> None:
    from src.runs.model import load_model, save_model

    one, other, third = folders(elsewhere)
    header = load_model(one / "model.npz").header

    def tampered(folder: Path) -> None:
        model = load_model(folder / "model.npz")
        model.network.parameters.theta[0] += np.float32(1)
        about = {key: header[key] for key in ("fingerprint", "labels", "image", "features", "scaling", "recipe")}
        save_model(folder / "model.npz", model.network, FinishedRun(folder).config.model, about)

    def edit(name: str, before: str, after: str) -> None:
        text = (one / name).read_text()
        assert before in text
        (one / name).write_text(text.replace(before, after))

    damages = {
        "predictions.npz: missing": lambda: (one / "predictions.npz").unlink(),
        "this run is killed": lambda: edit("status.json", '"finished"', '"killed"'),
        "not what the run's fingerprint was made from": lambda: edit("config.yaml", "epochs: 3", "epochs: 4"),
        "not what the run's fingerprint": lambda: edit("run.json", one.name, "0" * 64),
        "model of another run": lambda: tampered(one),
        "not a model of this project, or damaged": lambda: (one / "model.npz").write_bytes(b"PK"),
        "history.csv: damaged": lambda: (one / "history.csv").write_text("epoch\n"),
        "config.yaml: a link": lambda: (
            (one / "config.yaml").unlink(),
            (one / "config.yaml").symlink_to("/etc/passwd"),
        ),
        "run.json is not of this project": lambda: (one / "run.json").write_text("{}"),
        "damaged, or of another version": lambda: edit("result.json", '"accuracy"', '"accurate"'),
    }
    whole = {file.name: file.read_bytes() for file in one.iterdir() if file.is_file()}
    for message, damage in damages.items():
        damage()
        done = run_main("runs", "adopt", str(one))
        assert (done.returncode, done.stdout) == (1, "0 runs taken, 0 here before\n")
        assert message in done.stderr
        assert not rows()
        assert not [path for path in (home / "runs").glob("*") if path.is_dir() and path.name == one.name]
        for name, content in whole.items():
            (one / name).unlink(missing_ok=True)
            (one / name).write_bytes(content)
    shutil.rmtree(other / "figures", ignore_errors=True)
    (third / "model.npz").unlink()
    assert_rejected(run_main("runs", "adopt", str(one), str(home)), "neither a run folder, nor a folder or checkout")
    assert not rows()
    done = run_main("runs", "adopt", *map(str, (one, other, third)))
    assert (done.returncode, done.stdout) == (1, "2 runs taken, 0 here before\n")


def test_a_run_here_is_never_replaced(home: Path, elsewhere: Path, runs: Path) -> None:
    one, other, _ = folders(elsewhere)
    here = RunFolder.of(one.name).path
    result = json.loads((here / "result.json").read_text())
    (here / "result.json").write_text(json.dumps(result | {"weights_sha256": "0" * 64}))
    (RunFolder.of(other.name).path / "status.json").unlink()  # it has not finished
    with RunFolder.of(other.name).locked():
        done = run_main("runs", "adopt", str(elsewhere))
        assert (done.returncode, done.stdout) == (1, "0 runs taken, 1 here before\n")
        assert "with other weights" in done.stderr
        assert "a process is training this very run" in done.stderr
    assert run_main("runs", "adopt", str(elsewhere)).stdout == "1 run taken, 1 here before\n"


def test_what_a_retraining_set_aside_and_what_was_noted_here_stays(home: Path, elsewhere: Path, runs: Path) -> None:
    one, other, _ = folders(elsewhere)
    here = RunFolder.of(one.name)
    config, about = FinishedRun(one).plain_config, here.run()
    here.begin(config, about)  # a retraining, killed
    assert not here.finished()
    annotate(RunFolder.of(other.name).path, ["mine"], note="seen here")
    annotate(other, ["theirs"])
    (RunFolder.of(other.name).path / "result.json").unlink()
    assert run_main("runs", "adopt", str(elsewhere)).stdout == "1 run taken, 2 here before\n"
    assert here.finished()
    assert not (here.path / "former").exists()
    assert read_annotations(RunFolder.of(other.name).path) == ({"mine": ""}, "seen here")


def test_what_holds_no_run_is_refused(home: Path, tmp_path: Path, runs: Path) -> None:
    for source, message in {
        "nothing": "not a folder",
        ".": "these are the runs of this repository",
        "runs": "these are the runs of this repository",
        "runs/studies": "neither a run folder, nor a folder or checkout with run folders",
    }.items():
        (runs / "studies").mkdir(exist_ok=True)
        assert_rejected(run_main("runs", "adopt", str(tmp_path / source)), message)


def test_adopted_runs_are_recorded_here_wherever_they_were_recorded_before(
    home: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[object] = []

    class Noting:
        def __init__(self, tracking: Tracking) -> None:
            noted.append((tracking.uri, tracking.experiment))

        def __enter__(self) -> "Noting":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def run(self, name: str, folder: RunFolder, study: str | None) -> None:
            noted.append((name[-3:], folder.path.name, study))

    monkeypatch.setattr(adoption, "Recording", Noting)
    one, other, _ = folders(elsewhere)
    for folder, experiment in ((one, "mlp"), (other, "theirs")):
        tree = yaml.safe_load((folder / "config.yaml").read_text())
        tree["tracking"] |= {"name": "mlflow", "uri": "http://far.away", "experiment": experiment, "study": "s"}
        (folder / "config.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    assert len(adoption.adopt(elsewhere).taken) == 3  # the third has tracking=off
    seeds = {folder: FinishedRun(folder).config.seed for folder in (one, other)}
    of_one, of_other = ((f" s{seeds[folder]}", folder.name, "s") for folder in (one, other))
    assert noted == [(None, "mlp"), of_one, (None, "theirs"), of_other]
    del noted[:]
    with Outbox() as outbox:  # the command was killed when it had recorded the first run
        outbox.note(entry_of(RunFolder.of(one.name)))
    assert len(adoption.adopt(elsewhere).known) == 3
    assert noted == [(None, "theirs"), of_other]
