"""Deleting runs: folder, MLflow run, logged models and artifacts go together, or nothing does; what is cited stays."""

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.recording.entry import Entry
from src.recording.outbox import Outbox
from src.recording.outbox_mirror import sync
from src.runs.folder import RunFolder
from src.runs.listing import rows, run_paths
from src.upkeep.deletion import delete, plan
from src.upkeep.selecting import named, old_enough
from tests.helpers.commands import run_main
from tests.helpers.refusals import assert_rejected, refusal
from tests.helpers.stores import client_of, entry_of, stored


@pytest.fixture(autouse=True)
def root(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("src.upkeep.citations", "src.runs.cited"):
        monkeypatch.setattr(f"{module}.ROOT", home)


Recorded = Callable[..., dict[str, Path]]


@pytest.fixture
def recorded(runs: Path, home: Path, empty_store: Path) -> dict[str, Path]:
    """The run folders by the ids of their MLflow runs, below a sweep's own run."""
    shutil.copy(empty_store, home / "mlflow.db")
    parent = Entry(identity="a sweep", name="a sweep", experiment="mlp", status="finished", started=1.0, ended=2.0)
    with Outbox() as dead:
        dead.note(parent)
        for path in run_paths():
            dead.note(entry_of(RunFolder(path), parent="a sweep"))
    assert sync().failures == []
    return {str(e.run_id): e.run_folder.path for e in Outbox().settled() if e.folder}


def left(home: Path) -> dict[str, Any]:
    """All that there is of runs: folders, MLflow runs, those in the trash too, logged models, artifacts, entries."""
    from mlflow.entities import ViewType

    client = client_of(home)
    return {
        "folders": {path.name for path in run_paths()},
        "hidden": {path.name for path in (home / "runs").glob(".*.tmp")},
        "runs": {run.info.run_id for run in client.search_runs(["1"], run_view_type=ViewType.ALL)},
        "models": {model.model_id for model in client.search_logged_models(["1"])},
        "artifacts": {path.name for path in (home / "mlartifacts").glob("*")},
        "entries": {entry.run_id for entry in Outbox().entries()},
    }


def logged_model(home: Path, run_id: str) -> str:
    return str(client_of(home).create_logged_model("1", name="mlp", source_run_id=run_id).model_id)


def test_a_run_goes_with_all_that_mlflow_has_of_it_and_a_sweep_with_its_last_run(
    home: Path, recorded: dict[str, Path]
) -> None:
    (one, path), (other, second), (third, last) = recorded.items()
    logged_model(home, one)
    kept = logged_model(home, other)
    client_of(home).delete_run(one)  # into the trash, by hand
    before = left(home)
    dry = run_main("runs", "rm", path.name[:8], "--dry-run")
    assert (dry.returncode, dry.stderr) == (0, "")
    assert [line[:8] for line in dry.stdout.splitlines()] == ["id      ", "-" * 8, path.name[:8], "would de"]
    assert left(home) == before
    done = run_main("runs", "rm", path.name[:8])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(", and 1 MLflow run\n")
    after = left(home)
    [sweep] = after["runs"] - {other, third}
    assert after == {
        "folders": {second.name, last.name},
        "hidden": set(),
        "runs": {other, third, sweep},
        "models": {kept},
        "artifacts": {other, third},
        "entries": {other, third, sweep},
    }
    done = run_main("runs", "rm", other[:8], str(last))  # by its MLflow id, and by its folder
    assert done.stdout.endswith(", and 3 MLflow runs\n"), done.stderr
    assert not any(left(home).values())
    assert sync().failures == []
    assert not stored(home)


def test_what_is_cited_trained_or_recorded_stays(
    home: Path, recorded: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, path), (_, second), (_, third) = recorded.items()
    client, model = client_of(home), logged_model(home, one)
    client.create_registered_model("digits")
    with monkeypatch.context() as patch:  # where MLflow looks the model up
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home}/mlflow.db")
        client.create_model_version("digits", f"models:/{model}", run_id=None)
    study = home / "models/studies/mine/study.json"
    study.parent.mkdir(parents=True)
    study.write_text(json.dumps({"fingerprint": second.name}))
    before = left(home)
    with RunFolder(third).locked():
        whys = ("registered model digits version 1", "study mine", "it is being trained")
        for each, why in zip((path, second, third), whys, strict=True):
            done = run_main("runs", "rm", each.name)
            assert (done.returncode, done.stdout) == (2, "")
            assert done.stderr.startswith(f"{each.name[:8]}: kept; ")
            assert why in done.stderr
        done = run_main("runs", "prune", "--keep-best", "0")
        assert (done.returncode, done.stdout) == (0, "deleted 0 runs, 0.0 MB, and 0 MLflow runs\n")
        assert sorted(line.partition(": ")[0] for line in done.stderr.splitlines()) == ["kept 1 run"] * 3
    with Outbox() as living:
        living.note(entry_of(RunFolder(third), parent="a sweep"))
        assert "recording it" in run_main("runs", "rm", third.name).stderr
    with Outbox() as waiting:
        with Outbox() as dies:
            dies.note(entry_of(RunFolder(third), parent="a sweep"))
            assert waiting.note(entry_of(RunFolder(third), parent="a sweep")).heir == waiting.owner
        assert "recording it" in run_main("runs", "rm", third.name).stderr
    assert left(home)["runs"] == before["runs"]
    assert left(home)["folders"] == before["folders"]
    assert run_main("runs", "rm", third.name, second.name).returncode == 2  # one can't: none goes
    assert left(home)["folders"] == before["folders"]
    assert run_main("runs", "prune", "--keep-best", "0").stdout.startswith("deleted 1 run, ")


def test_a_run_that_is_being_recorded_by_now_loses_nothing(home: Path, recorded: dict[str, Path]) -> None:
    path, *_ = recorded.values()
    with Outbox() as dead:
        dead.note(entry_of(RunFolder(path), parent="another"))
    assert sync().failures == []
    before = left(home)
    planned = plan([path])
    assert planned.removed == [path]
    last = planned.removal._entries[-1]
    with Outbox() as meanwhile:
        meanwhile.note(last)
        assert "another command is recording this run" in refusal(delete, path, planned.removal)
        assert left(home) == before
    delete(path, planned.removal)
    assert path.name not in left(home)["folders"]


@pytest.mark.parametrize("where", ["_delete_artifacts", "shutil", "Path.rename", "Outbox.remove"])
def test_a_deletion_that_is_cut_off_is_completed_by_repeating_it(
    where: str, home: Path, recorded: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    (run_id, path), *others = recorded.items()
    names = {
        "_delete_artifacts": "src.recording.removal._delete_artifacts",
        "shutil": "src.upkeep.deletion.shutil",
        "Path.rename": "src.upkeep.deletion.Path.rename",
        "Outbox.remove": "src.recording.removal.Outbox.remove",
    }
    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(names[where], Mock(rmtree=die) if where == "shutil" else die)
        run_main("runs", "rm", path.name)
    if where == "shutil":  # all but bytes is gone, and the doctor removes these
        assert path.name not in left(home)["folders"]
    else:
        assert path.name in left(home)["folders"]
        assert run_main("runs", "rm", path.name).returncode == 0
    after = left(home)
    assert run_id not in after["runs"] | after["artifacts"] | after["entries"]
    assert after["folders"] == {other.name for _, other in others}


def test_a_store_that_can_not_be_used_keeps_everything_and_one_that_is_gone_nothing(
    home: Path, recorded: dict[str, Path]
) -> None:
    path, other, _ = recorded.values()
    (home / "mlflow.db").write_bytes(b"no database" * 1000)
    assert_rejected(run_main("runs", "rm", path.name), "can't be used")
    assert path.is_dir()
    (home / "mlflow.db").unlink()
    assert run_main("runs", "rm", other.name).returncode == 0
    assert not other.exists()


def test_a_run_that_is_a_link_stays(home: Path, recorded: dict[str, Path]) -> None:
    path, *_ = recorded.values()
    path.rename(home / "elsewhere")
    path.symlink_to(home / "elsewhere")
    before = left(home)
    done = run_main("runs", "rm", path.name)
    assert (done.returncode, done.stderr.count("kept; it is a link to ")) == (2, 1)
    assert left(home) == before


def test_a_run_of_a_store_that_is_gone_can_be_deleted_once_that_is_forgotten(
    home: Path, recorded: dict[str, Path]
) -> None:
    path, *others = recorded.values()
    gone = {"uri": "nonsense://server", "experiment": "theirs"}
    with Outbox() as dead:
        entry = dead.note(entry_of(RunFolder(path), **gone))
        assert dead.settle(entry, {"end": 0})
    assert_rejected(run_main("runs", "rm", path.name), "if it is gone for good: `python -m src.sync --all --forget`")
    assert run_main("sync", "--forget").returncode == 0  # what it has is not pending
    assert run_main("runs", "rm", path.name).returncode == 2
    told = run_main("sync", "--all", "--forget")
    assert (told.returncode, told.stdout.count("forgotten: ")) == (0, 1)
    assert run_main("runs", "rm", path.name).returncode == 0
    assert {*run_paths()} == {*others}


def test_names_of_runs(runs: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other, third = sorted(run_paths())
    assert named([one.name[:8], one.name, str(one)]) == [one]
    assert named([other.name[:4], one.name[:4]]) == [other, one]
    twin = runs / (one.name[:32] + "0" * 32)
    shutil.copytree(one, twin)
    assert "the ids of 2 runs begin so" in refusal(named, [one.name[:8]])
    assert "give at least 4" in refusal(named, ["abc"])
    assert "no run's id begins so" in refusal(named, ["ABCDEFGH"])
    assert "no run's id begins so" in refusal(named, ["0000"])
    assert "not a run folder of this repository" in refusal(named, [str(home / "elsewhere" / one.name)])
    monkeypatch.chdir(home)
    assert named([f"runs/{third.name}/"]) == [third]


def test_a_condition_or_names_but_not_both_and_not_nothing(runs: Path) -> None:
    assert_rejected(run_main("runs", "rm"), "give runs, or --where CONDITION")
    both = run_main("runs", "rm", "abcd", "--where", "seed == 1")
    assert_rejected(both, "abcd and --where: give runs or a condition, not both")
    assert_rejected(run_main("runs", "rm", "--where", ""), "--where is empty; allowed: columns")
    assert_rejected(run_main("runs", "prune"), "give --older-than AGE, --keep-best N, or both")
    for age in ("3 days", "-3d", "3", "", "d", "1y", "--dryrun"):
        said = f"--older-than {age}: must be a number with h, d or w"
        assert_rejected(run_main("runs", "prune", "--older-than", age), said)
    assert_rejected(run_main("runs", "prune", "--older-than", "--dry-run"), "--older-than: expected one argument")
    assert_rejected(run_main("runs", "prune", "--keep-best", "-1"), "--keep-best -1: must be >= 0")
    assert_rejected(run_main("runs", "prune", "--keep-best", "few"), "invalid int value: 'few'")
    assert_rejected(run_main("runs", "remove", "abcd"), "remove: no such command; allowed: ")
    done = run_main("runs", "rm", "--where", "seed == 1", "--dry-run")
    [seed_1] = [row["id"] for row in rows() if row["seed"] == 1]
    assert done.stdout.splitlines()[2].startswith(seed_1[:8])
    assert run_main("runs", "prune", "--older-than", "1h").stdout.startswith("deleted 0 runs")
    assert run_main("runs", "prune", "--older-than", "1h", "--dry-run").stdout.startswith("would delete 0 runs")


DAYS = [f"2026-01-{day:02}T00:00:00Z" for day in range(1, 29)]
some_rows = st.lists(
    st.fixed_dictionaries(
        {"data": st.sampled_from(["a", "b"]), "ended": st.sampled_from([*DAYS, "2999-01-01T00:00:00Z"])},
        optional={"valid/accuracy": st.floats(0, 1), "note": st.sampled_from([None, "good"])},
    ),
    max_size=12,
)


@given(some_rows, st.integers(0, 3))
def test_pruning_spares_the_young_the_running_the_noted_and_the_best_of_each_data(
    runs: list[dict[str, Any]], keep: int
) -> None:
    status = ("running", "finished")
    found = [row | {"id": str(k), "status": status["valid/accuracy" in row]} for k, row in enumerate(runs)]
    gone = old_enough(found, "30d", keep)
    ids = {row["id"] for row in gone}
    for data in ("a", "b"):
        of_data = [row for row in found if row["data"] == data and row["status"] == "finished"]
        kept = [row["valid/accuracy"] for row in of_data if row["id"] not in ids]
        assert not any(row.get("note") for row in gone)
        assert len(kept) >= min(keep, len(of_data))
        lost = [row["valid/accuracy"] for row in of_data if row["id"] in ids]
        assert not lost or not keep or sorted(kept, reverse=True)[keep - 1] >= max(lost)
    assert all(row["ended"] < "2999" and row["status"] == "finished" for row in gone)
    if not keep:
        old = [row for row in found if row["ended"] < "2999" and not row.get("note")]
        assert len(gone) == sum(row["status"] == "finished" for row in old)
