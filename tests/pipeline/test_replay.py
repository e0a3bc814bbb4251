"""`python -m src.replay` as users type it: by folder, fingerprint and MLflow id, of one run and of a study."""

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import Shell
from tests.helpers.checkouts import edit
from tests.helpers.commands import trained
from tests.helpers.stores import client_of, stored
from tests.pipeline.test_ablation import ABLATION, declare

REPLAY = ("python", "-m", "src.replay")
SMALL = ("experiment=digits", "model.hidden=[16]", "train.epochs=3", "model.dropout=0.2", "tracking.figures=false")

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("furnished")]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_run_is_replayed_from_whatever_names_it_and_from_mlflow_alone(checkout: Path, shell: Shell) -> None:
    folder, run_id = trained(shell, *SMALL)
    before, recorded = contents(folder), client_of(checkout).get_run(run_id).to_dictionary()
    for name in (run_id, str(folder)):
        done = shell(*REPLAY, name)
        assert done.returncode == 0, done.stderr
        assert "no differences found; expecting identical weights" in done.stdout
        assert "epoch 3/3" in done.stdout  # it was trained, each time
        assert "\nbit-identical: the same weights" in done.stdout
    assert contents(folder) == before
    assert client_of(checkout).get_run(run_id).to_dictionary() == recorded
    [replay] = [run for run in stored(checkout) if run.info.run_id != run_id]
    assert replay.info.status == "FINISHED"
    assert replay.data.tags["replay.of"] in (run_id, folder.name)
    assert replay.data.tags["replay.verdict"].startswith("bit-identical")
    assert f"python -m src.replay {run_id}" in recorded["data"]["tags"]["mlflow.note.content"]

    shutil.rmtree(folder)  # MLflow alone is enough
    done = shell(*REPLAY, run_id[:6], "--tag-original")
    assert done.returncode == 0, done.stderr
    assert "bit-identical" in done.stdout
    assert client_of(checkout).get_run(run_id).data.tags["replay.verdict"].startswith("bit-identical")
    assert not folder.exists()


def test_a_result_that_does_not_come_out_again_fails_and_says_why(checkout: Path, shell: Shell) -> None:
    _, run_id = trained(shell, *SMALL)
    edit(checkout / "src/nn/activations.py", ("np.maximum(z, 0", "np.maximum(z, 0.01"))
    done = shell(*REPLAY, run_id, "--tag-original")
    assert done.returncode == 1
    assert re.search(r"^code +\w{12} +\w{12} +decides the bits$", done.stdout, re.M)
    assert re.search(
        r"^The code differs. To replay with the original's: git worktree add \.\./then \w{12}$", done.stdout, re.M
    )
    assert "\ndifferent: " in done.stdout
    assert done.stderr == "error: different; these decide the bits and have changed: code\n"
    assert client_of(checkout).get_run(run_id).data.tags["replay.verdict"].startswith("different")
    commit = re.search(r"worktree add \.\./then (\w+)", done.stdout)[1]
    assert shell("git", "worktree", "add", "../then", commit).returncode == 0  # which is what to do next
    then = checkout.parent / "then"
    shutil.copytree(checkout / "data", then / "data", dirs_exist_ok=True)
    again = shell(
        *REPLAY, str(checkout / "runs" / client_of(checkout).get_run(run_id).data.tags["fingerprint"]), cwd=then
    )
    assert again.returncode == 0, again.stderr
    assert "bit-identical" in again.stdout


def test_another_precision_gives_other_bits_and_the_bound_judges(checkout: Path, shell: Shell) -> None:
    folder, _ = trained(shell, *SMALL, "train=native")
    # The record says so; it was trained otherwise.
    edit(folder / "config.yaml", ("valid_accuracy\n  dtype: float32", "valid_accuracy\n  dtype: float64"))
    strict, lenient = shell(*REPLAY, str(folder), "--bound", "1e-12"), shell(*REPLAY, str(folder), "--bound", "0.5")
    assert (strict.returncode, lenient.returncode) == (1, 0)
    assert "weights not comparable" in strict.stdout
    assert "\nnumerically equal: " in lenient.stdout


def test_all_runs_of_a_study_are_replayed(checkout: Path, shell: Shell) -> None:
    declare(checkout, "tiny", ("range(3)", "range(2)"))
    assert shell(*ABLATION, "ablation=tiny", "hydra/launcher=basic").returncode == 0
    done = shell(*REPLAY, "--all", "--study", "tiny", "--tag-original")
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^(cold|hot) s(\d)  .*bit-identical$", done.stdout, re.M)
    assert rows == [(variant, seed) for variant in ("cold", "hot") for seed in "01"]
    assert done.stdout.endswith("4 of 4 runs are bit-identical\n")
    of_study = [
        run for run in stored(checkout) if run.data.tags.get("study") == "tiny" and "fingerprint" in run.data.tags
    ]
    assert len(of_study) == 4
    assert all(run.data.tags["replay.verdict"].startswith("bit-identical") for run in of_study)
    for folder in ("models", "runs"):  # and without what this machine remembers
        shutil.rmtree(checkout / folder)
    again = shell(*REPLAY, "--all", "--study", "tiny")
    assert again.returncode == 0, again.stderr
    assert again.stdout.endswith("4 of 4 runs are bit-identical\n")
