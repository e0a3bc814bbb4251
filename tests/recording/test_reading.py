"""Runs are read back from the store by id, or the beginning of one, and their files no larger than they can be."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.recording import reading
from src.recording.reading import artifact, find_run, runs_of_study, tag
from tests.helpers.stores import client_of

if TYPE_CHECKING:
    from mlflow import MlflowClient


@pytest.fixture
def client(home: Path) -> "MlflowClient":
    client = client_of(home)
    client.create_experiment("mlp", (home / "mlartifacts").as_uri())
    return client


@pytest.fixture
def made(client: "MlflowClient") -> Callable[..., str]:
    experiment = client.get_experiment_by_name("mlp")
    assert experiment is not None

    def make(name: str, **tags: str) -> str:
        return str(client.create_run(experiment.experiment_id, run_name=name, tags=tags).info.run_id)

    return make


def test_a_run_is_found_by_its_id_and_by_a_beginning_that_is_its_own(made: Callable[..., str]) -> None:
    ids = [made(f"run {number}") for number in range(17)]
    for run_id in ids:
        assert find_run(Tracking(), run_id).info.run_id == run_id
        digits = next(n for n in range(1, 33) if sum(other.startswith(run_id[:n]) for other in ids) == 1)
        assert find_run(Tracking(), run_id[:digits]).info.run_id == run_id
    first = {run_id[0] for run_id in ids if sum(other[0] == run_id[0] for other in ids) > 1}
    for digit in first:  # of 17 ids, two begin alike
        with pytest.raises(UserError, match=r"MLflow runs begin so: .* give more of the id"):
            find_run(Tracking(), digit)


@pytest.mark.parametrize("prefix", ["", "%", "_", "A1", "0' OR 1", "0" * 33, "../x"])
def test_what_is_no_id_is_refused(client: "MlflowClient", prefix: str) -> None:
    with pytest.raises(UserError, match="no id of a run"):
        find_run(Tracking(), prefix)


def test_a_missing_run_or_store_is_an_error_and_no_store_is_made(home: Path, client: "MlflowClient") -> None:
    with pytest.raises(UserError, match="no run's id begins so"):
        find_run(Tracking(), "0123abcd")
    elsewhere = Tracking(uri=f"sqlite:///{home}/none.db")
    with pytest.raises(UserError, match="no such MLflow store"):
        find_run(elsewhere, "0123abcd")
    assert not (home / "none.db").exists()


def test_a_run_in_the_trash_is_named_with_what_restores_it(client: "MlflowClient", made: Callable[..., str]) -> None:
    run_id = made("deleted")
    client.delete_run(run_id)
    with pytest.raises(UserError, match=f"in the trash; to restore it, run `mlflow runs restore --run-id {run_id}`"):
        find_run(Tracking(), run_id[:12])
    client.restore_run(run_id)
    assert find_run(Tracking(), run_id[:12]).info.run_id == run_id


def test_a_study_has_its_runs_without_its_parent(made: Callable[..., str]) -> None:
    made("ladder", study="ladder")
    made("relu s0", study="another", fingerprint="f")
    children = [made(name, study="ladder", fingerprint="f") for name in ("relu s1", "relu s0")]
    assert [run.info.run_id for run in runs_of_study(Tracking(), "ladder")] == children[::-1]
    assert runs_of_study(Tracking(), "it's none") == []


def test_files_come_whole_and_no_larger_than_they_can_be(
    home: Path, client: "MlflowClient", made: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = made("a run")
    (home / "result.json").write_text('{"a": 1}')
    client.log_artifact(run_id, str(home / "result.json"))
    fetched = artifact(Tracking(), run_id, "result.json", home / "fetched")
    assert fetched == home / "fetched/result.json"
    assert fetched.read_text() == '{"a": 1}'
    with pytest.raises(UserError, match=r"has no artifact model\.npz"):
        artifact(Tracking(), run_id, "model.npz", home / "fetched")
    with pytest.raises(UserError, match="has no artifact"):
        artifact(Tracking(), run_id, "../result.json", home / "fetched")
    monkeypatch.setattr(reading, "_LIMIT", 7)
    with pytest.raises(UserError, match="has 8 bytes, where at most 7 are expected"):
        artifact(Tracking(), run_id, "result.json", home / "more")
    assert not (home / "more").exists()


def test_tags_are_put_and_cut_to_what_the_store_takes(client: "MlflowClient", made: Callable[..., str]) -> None:
    run_id = made("a run")
    tag(Tracking(), run_id, {"replay.verdict": "bit-identical", "long": "x" * 9000})
    tags = client.get_run(run_id).data.tags
    assert (tags["replay.verdict"], len(tags["long"])) == ("bit-identical", 5000)
