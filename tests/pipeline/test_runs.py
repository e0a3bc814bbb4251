"""The life of runs in checkouts, with real processes: listed, tagged, taken by another checkout, deleted."""

import json
from pathlib import Path

import pytest

from tests.conftest import Shell, make_checkout
from tests.helpers.checkouts import furnish, shell_in
from tests.helpers.stores import stored

QUICK = ("experiment=digits", "train.epochs=2", "tracking.figures=false")
RUNS = ("python", "-m", "src.runs")


@pytest.mark.slow
@pytest.mark.usefixtures("furnished")
def test_runs_are_listed_tagged_adopted_and_deleted(
    checkout: Path, shell: Shell, tmp_path: Path, digits_folder: Path, empty_store: Path
) -> None:
    assert shell("python", "-m", "src.train", "-m", *QUICK, "seed=0,1", "tracking.tags=[draft]").returncode == 0
    listed = json.loads(shell(*RUNS, "--json", "--where", "'draft' in tags").stdout)
    one, other = sorted(row["id"] for row in listed)
    run_id = next(run.info.run_id for run in stored(checkout) if run.data.tags.get("fingerprint") == one)
    assert shell(*RUNS, "tag", run_id[:8], "paper:icml", "--remove", "draft").returncode == 0
    tags = next(run.data.tags for run in stored(checkout) if run.info.run_id == run_id)
    assert (tags.get("paper"), tags.get("draft")) == ("icml", None)

    there = make_checkout(tmp_path / "another")
    furnish(there, digits_folder, empty_store)
    adopted = shell_in(there)(*RUNS, "adopt", str(checkout))
    assert (adopted.returncode, adopted.stdout) == (0, "2 runs taken, 0 here before\n")
    found = {run.data.tags["fingerprint"]: run.data.tags.get("paper") for run in stored(there)}
    assert found == {one: "icml", other: None}

    deleted = shell(*RUNS, "rm", one, other)
    assert (deleted.returncode, deleted.stderr) == (0, "")
    assert deleted.stdout.endswith(", and 3 MLflow runs\n")  # the sweep's own, too
    assert shell("python", "-m", "src.sync", "--all").stdout == "MLflow is up to date\n"
    assert (stored(checkout), [*(checkout / "mlartifacts").glob("*")]) == ([], [])
    assert json.loads(shell(*RUNS, "--json").stdout) == []
