"""The real pipeline: `dvc repro`, and what stops it.

Each test works in a copy of a checkout in which it has run on the digits.
"""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.conftest import ROOT, Shell
from tests.helpers.checkouts import edit, statuses
from tests.helpers.pipelines import MAIN_LINE, OUTPUT, SHRUNKEN, SMALL, STUDIES, compose, ran, repro
from tests.helpers.stores import children

pytestmark = pytest.mark.slow
STUDY = "one_factor"  # of tests that need a single one


@pytest.fixture
def checkout(reproduced: Path) -> Path:
    return reproduced


def test_repro_on_digits_keeps_every_contract(pipeline: Path, checkout: Path, shell: Shell) -> None:
    output = pipeline.with_name(OUTPUT).read_text()
    assert "epoch 3/3" in output
    assert "%|" not in output  # no progress bar where there is no terminal

    train = json.loads((checkout / "metrics/train.json").read_text())
    assert set(train) == {"train", "valid", "epochs", "kept_epoch"}
    assert set(train["train"]) == set(train["valid"]) == {"loss", "accuracy"}
    assert train["epochs"] == 3
    test = json.loads((checkout / "metrics/test.json").read_text())
    assert set(test) == {"loss", "accuracy", "precision", "recall", "f1"}
    scores = json.loads((checkout / "plots/scores.json").read_text())
    assert set(scores["class"]) == set("0123456789")
    for of in (scores["overall"], *scores["class"].values()):
        assert set(of) - {"calibration_error"} == {"precision", "recall", "f1", "num_samples"}
    assert sum(of["num_samples"] for of in scores["class"].values()) == scores["overall"]["num_samples"] == 359
    assert all(scores["overall"][name] == test[name] for name in ("precision", "recall", "f1"))
    assert 0.5 < test["accuracy"] <= 1

    with (checkout / "plots/curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy"]
    assert float(rows[-1]["train_accuracy"]) == train["train"]["accuracy"]
    with (checkout / "plots/confusion.csv").open() as file:
        pairs = list(csv.DictReader(file))
    right = sum(pair["actual"] == pair["predicted"] for pair in pairs)
    assert right / len(pairs) == pytest.approx(test["accuracy"])

    with np.load(checkout / "models/model.npz", allow_pickle=False) as model:
        assert {"W0", "b0", "W1", "b1", "header"} == set(model.files)
    normalized = {file.name for file in (checkout / "data/normalized/digits").iterdir()}
    arrays = {f"{axis}_{part}.npy" for axis in "xy" for part in ("train", "valid", "test")}
    assert normalized == arrays | {"dataset.json"}

    [run] = children(checkout)
    assert run.info.status == "FINISHED"
    assert test["accuracy"] == pytest.approx(run.data.metrics["test/accuracy"], rel=1e-8)  # nine digits of it
    with np.load(checkout / "models/model.npz") as model:
        assert run.data.tags["weights.sha256"] == json.loads(str(model["header"]))["weights_sha256"]
    assert (checkout / "runs" / run.data.tags["fingerprint"] / "result.json").exists()

    shown = json.loads(shell("dvc", "metrics", "show", "--json").stdout)[""]["data"]
    for study, variants in STUDIES.items():
        files, summary, _ = report_of(checkout, study)
        assert {"index.html", "summary.json", "runs.csv"} < files
        assert [variant["reported"]["n"] for variant in summary["variants"]] == [1] * variants
        headline = json.loads((checkout / f"metrics/{study}.json").read_text())
        assert (headline["finished"], headline["failed"]) == (variants, 0)
        assert shown[f"metrics/{study}.json"]["data"] == headline
        assert [run.info.status for run in children(checkout, study)] == ["FINISHED"] * variants

    # Again there is nothing to do, and what runs leave behind stays out of Git's sight.
    assert "Data and pipelines are up to date." in repro(shell)
    changed = shell("git", "status", "--porcelain").stdout.split()
    written = {"params.yaml", "dvc.lock", "metrics/", *(f"metrics/{name}.json" for name in NAMES)}
    assert set(changed[1::2]) <= written | {f"conf/{name}.yaml" for name in SHRUNKEN}


NAMES = ("accuracy", *STUDIES)


def test_the_outcome_is_the_same_to_the_bit_without_tracking_and_from_nothing(checkout: Path, shell: Shell) -> None:
    outs = ("models/model.npz", "plots/curves.csv", "plots/confusion.csv", "metrics/train.json", "metrics/test.json")
    outs += ("plots/curves.png", "plots/failures.png", "plots/scores.json", "data/normalized/digits/dataset.json")

    def outcome() -> dict[str, bytes]:
        return {out: (checkout / out).read_bytes() for out in outs}

    tracked = outcome()
    assert len(children(checkout)) == 1
    for folder in ("runs", "models", "plots", "metrics", "data/normalized", "data/split", ".dvc/cache"):
        assert shell("rm", "-r", folder).returncode == 0
    assert shell("rm", "dvc.lock", "mlflow.db").returncode == 0
    compose(shell, *SMALL, "tracking=off")
    repro(shell, MAIN_LINE)
    assert outcome() == tracked
    assert not (checkout / "mlflow.db").exists()


def test_only_what_an_edit_changes_runs_again(checkout: Path, shell: Shell) -> None:
    file = checkout / f"conf/ablation/{STUDY}.yaml"
    # A snapshot that is stale is stopped, and mending it reruns the check alone.
    with (checkout / "conf/schedule/linear.yaml").open("a") as opened:
        opened.write("# An edit that the snapshot has not seen.\n")
    stopped = shell("dvc", "repro", MAIN_LINE)
    assert stopped.returncode != 0
    assert "run `python -m src.compose`" in stopped.stderr
    compose(shell, *SMALL, "tracking=off", f"studies=[{STUDY}]")
    (checkout / "mlflow.db").unlink()
    assert ran(repro(shell)) == ["check"]
    model = (checkout / "models/model.npz").read_bytes()

    # A comment, a message and a new study change no digest. Nor does a pull, which brings data/code/, too.
    network = checkout / "src/nn/network.py"
    network.write_text(network.read_text() + "# A comment.\n")
    edit(checkout / "src/studies/plan.py", ("seed: none; a study needs", "seed: none; each study needs"))
    (checkout / "conf/ablation/new.yaml").write_text(file.read_text() + "# Another one.\n")
    status = shell("dvc", "status").stdout
    assert "code:" in status
    assert "train:" not in status
    assert ran(repro(shell)) == ["code"]

    # Then there is nothing to do, but to restore a report from the cache.
    report = report_of(checkout)
    shutil.rmtree(checkout / "reports")
    assert ran(repro(shell)) == []
    assert report_of(checkout) == report

    # A study's results alone, without its runs, give the same report.
    shutil.rmtree(checkout / "runs")
    with (checkout / "src/figures/strip.py").open("a") as drawing:
        drawing.write("\n_EDITED = True\n")
    assert ran(repro(shell)) == ["code", f"report@{STUDY}"]
    assert report_of(checkout) == report
    assert statuses(checkout) == []

    # A typo is rejected while all outs are in place, and the message says how to restore the file.
    params = (checkout / "params.yaml").read_text()
    (checkout / "params.yaml").write_text(params.replace("epochs: 3", "epochs: three"))
    refused = shell("dvc", "repro")
    assert refused.returncode != 0
    [line] = [line for line in refused.stderr.splitlines() if line.startswith("error: ")]
    assert "train.epochs=three" in line
    assert "`git checkout params.yaml` or `python -m src.compose`" in line
    assert (checkout / "models/model.npz").read_bytes() == model
    assert (checkout / f"models/studies/{STUDY}/study.json").exists()
    (checkout / "params.yaml").write_text(params.replace(f"- {STUDY}", "- one_facter"))
    assert "studies=[one_facter]: no such study; did you mean one_factor?" in shell("dvc", "repro", "check").stderr
    (checkout / "params.yaml").write_text(params)

    # An experiment on data without studies runs none; the outs of the studies come back from the run cache.
    done = shell("dvc", "exp", "run", *EXPERIMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(ran(done.stdout)) == {"check", "train", "evaluate"}
    assert yaml.safe_load((checkout / "params.yaml").read_text())["studies"] == []
    (checkout / "params.yaml").write_text(params)
    assert ran(repro(shell)) == []
    assert (checkout / f"models/studies/{STUDY}/study.json").exists()

    # A change of arithmetic reruns what computes with it. -s skips the stage `code`, and the stage notices.
    edit(network, ("ops.sum_rows(errors, db[l])", "ops.sum_rows(1.0 * errors, db[l])"))
    (checkout / "params.yaml").write_text(params.replace("epochs: 3", "epochs: 4"))
    refused = shell("dvc", "repro", "--single-item", "train")
    assert refused.returncode != 0
    assert (
        "error: train: its code has changed since the stage `code` ran; run `dvc repro`, without -s" in refused.stderr
    )
    again = ran(repro(shell))
    assert set(again) == {"code", "check", "train", "evaluate", f"study@{STUDY}", f"report@{STUDY}"}
    assert statuses(checkout) == ["finished"] * (STUDIES[STUDY] + 2)  # the study's, the experiment's and this one
    assert not (checkout / "mlflow.db").exists()  # for params.yaml says tracking=off


def test_points_of_another_seed_go_through_the_pipeline_beside_those_of_the_recipe(
    checkout: Path, shell: Shell
) -> None:
    another = ("data=spiral", "data.seed=5")
    done = shell("dvc", "exp", "run", "normalize", *(word for setting in another for word in ("-S", setting)))
    assert done.returncode == 0, done.stdout + done.stderr
    compose(shell, "data=spiral")
    repro(shell, "normalize")
    seeds = {file.parent.name: json.loads(file.read_text())["recipe"]["seed"] for file in manifests(checkout)}
    assert seeds == {"digits": 0, "spiral": 1234, "spiral_seed5": 5}
    for settings in (another, another[:1]):
        shown = shell("python", "-m", "src.show", *settings)
        assert (shown.returncode, shown.stderr) == (0, "")
    assert len(manifests(checkout)) == 3


def manifests(checkout: Path) -> list[Path]:
    return list(checkout.glob("data/normalized/*/dataset.json"))


def report_of(checkout: Path, study: str = STUDY) -> tuple[set[str], dict[str, Any], str]:
    """The files of a report and all that it says, whatever code drew it."""
    folder = checkout / "reports" / study
    summary = json.loads((folder / "summary.json").read_text())
    summary.pop("made_from")
    return {file.name for file in folder.iterdir()}, summary, (folder / "runs.csv").read_text()


EXPERIMENT = [word for setting in (*SMALL[:2], "train.epochs=4", "tracking=off") for word in ("-S", setting)]


def test_a_shrunken_run_on_the_real_mnist(checkout: Path, shell: Shell) -> None:
    fetched = ROOT / "data/raw/mnist"
    mirror = [f"data.mirror='{fetched}'"] if fetched.exists() else []  # else from where users get it
    split = ("data.split.train=5000", "data.split.valid=1000", "data.split.test=2000")
    compose(shell, "experiment=quick", "tracking=off", *split, *mirror)
    repro(shell, MAIN_LINE)
    assert json.loads((checkout / "plots/scores.json").read_text())["overall"]["num_samples"] == 2000
    assert json.loads((checkout / "metrics/test.json").read_text())["accuracy"] > 0.75
    raw = {file.name: file.stat().st_size for file in (checkout / "data/raw/mnist").iterdir()}
    assert raw == {
        "train-images-idx3-ubyte": 47_040_016,
        "train-labels-idx1-ubyte": 60_008,
        "t10k-images-idx3-ubyte": 7_840_016,
        "t10k-labels-idx1-ubyte": 10_008,
    }
