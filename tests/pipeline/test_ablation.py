"""`python -m src.ablation` as users type it: declared, reused, changed, cut short, edited."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from filelock import FileLock

from src.studies.comparisons.results import Results, read_results
from tests.conftest import Shell, make_checkout
from tests.helpers import checkouts, processes
from tests.helpers.checkouts import edit, running, shell_in, statuses
from tests.helpers.composing import compose
from tests.helpers.processes import until
from tests.helpers.stores import client_of, family, stored

pytestmark = pytest.mark.slow
ABLATION = ("python", "-m", "src.ablation")
ONE_BY_ONE = ("hydra/launcher=basic", "tracking=off")  # in one process, and without MLflow: the quickest way
TWO_WORKERS = "hydra.launcher.n_jobs=2"  # on any machine, while joblib's -1 means no worker at all on a single core

TINY = """\
# @package _global_
defaults:
  - override /data: digits
  - override /optimizer: sgd
  - override /schedule: constant
model:
  hidden: [8]
  dropout: 0.0
train:
  epochs: 2
tracking:
  figures: false
ablation:
  title: Is the default rate too cold?
  baseline: cold
  variants:
    cold: []
    hot: [optimizer.lr=0.2]
hydra:
  mode: MULTIRUN
  sweeper:
    params:
      seed: range(3)
"""
TINY_JOBS = [f"{variant} s{seed}" for variant in ("cold", "hot") for seed in range(3)]
Changes = tuple[tuple[str, str], ...]
IN_ONE_PROCESS = ("hydra/launcher: joblib", "hydra/launcher: basic")  # for a stage, which takes no overrides
# Two trainings that are over at once, and two that last long enough to be stopped.
LONG: Changes = (
    ("  epochs: 2", "  epochs: 8\n  batch_size: 1"),
    ("baseline: cold", "baseline: short"),
    ("    cold: []\n    hot: [optimizer.lr=0.2]", "    short: [train.epochs=1]\n    long: []"),
    ("range(3)", "range(2)"),
)
LONG_JOBS = ["short s0", "short s1", "long s0", "long s1"]


def declare(checkout: Path, name: str, *changes: tuple[str, str]) -> None:
    file = checkout / f"conf/ablation/{name}.yaml"
    file.write_text(TINY)
    edit(file, *changes)


def furnish(checkout: Path, digits_folder: Path, empty_store: Path) -> Path:
    declare(checkout, "tiny")
    declare(checkout, "long", *LONG)
    return checkouts.furnish(checkout, digits_folder, empty_store)


@pytest.fixture
def checkout(checkout: Path, digits_folder: Path, empty_store: Path) -> Path:
    """A checkout with the digits, an empty store, and two small studies."""
    return furnish(checkout, digits_folder, empty_store)


class Studied(NamedTuple):
    """A checkout in which `tiny` has run, and what that printed."""

    checkout: Path
    told: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory, digits_folder: Path, empty_store: Path) -> Studied:
    """For tests that leave the study as it was."""
    checkout = furnish(make_checkout(tmp_path_factory.mktemp("studied") / "check out"), digits_folder, empty_store)
    return Studied(checkout, ablation(checkout, "ablation=tiny", TWO_WORKERS))


@pytest.fixture(scope="module")
def undisturbed(studied: Studied) -> dict[tuple[str, int], str]:
    """The digests of the weights that the study `long` comes to."""
    done = ablation(studied.checkout, "ablation=long", *ONE_BY_ONE)
    assert done.returncode == 0, done.stderr
    return weights(studied.checkout, "long")


def ablation(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return shell_in(checkout)(*ABLATION, *arguments)


@contextlib.contextmanager
def started(checkout: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command under way, in a process group of its own, which ends with the block."""
    with processes.started(*ABLATION, *arguments, cwd=checkout) as process:
        patience = threading.Timer(300, process.kill)  # of whoever waits for what it prints
        patience.start()
        try:
            yield process
        finally:
            patience.cancel()


def read_until(process: subprocess.Popen[str], stream: Any, wanted: str) -> None:
    line = ""
    while wanted not in line:
        line = stream.readline()
        assert line, (wanted, process.poll())


def hold_long(checkout: Path, process: subprocess.Popen[str]) -> int:
    """Waits until both short trainings are over and a long one runs, stops its process there, and returns that's id."""
    while True:
        [pid, *_] = until(lambda: statuses(checkout).count("finished") == 2 and running(checkout), process)
        os.kill(pid, signal.SIGSTOP)
        if pid in running(checkout):
            return int(pid)
        os.kill(pid, signal.SIGCONT)


def jobs(told: str) -> dict[str, str]:
    """How each job ended, by the closing table."""
    return dict(re.findall(r"^ +\d+  (\S.* s\d+) +(reused|finished|failed|killed|running|not started) ", told, re.M))


def results(checkout: Path, study: str) -> Results:
    return read_results(checkout / "models/studies" / study)


def weights(checkout: Path, study: str) -> dict[tuple[str, int], str]:
    runs = results(checkout, study).runs
    return {(run.variant, run.seed): run.result["weights_sha256"] for run in runs if run.result}


def snapshot(checkout: Path, *folders: str) -> dict[str, tuple[int, bytes]]:
    """The bytes of all files, and when they were written: to rewrite is to touch, too."""
    files = [file for folder in folders for file in (checkout / folder).rglob("*") if file.is_file()]
    return {str(file): (file.stat().st_mtime_ns, file.read_bytes()) for file in files}


def made(checkout: Path) -> list[Path]:
    """The files of a study's results and report. A lock is nothing: it says who may begin."""
    files = [file for folder in ("reports", "models") for file in (checkout / folder).rglob("*") if file.is_file()]
    return [file for file in files if file.name != "lock" and file.suffix != ".lock"]


def assert_finished(checkout: Path, study: str, jobs: list[str]) -> None:
    """MLflow has the study's parent and a child for each job, all finished, and each metric once."""
    client, (parent, children) = client_of(checkout), family(checkout, study)
    assert sorted(children) == sorted(jobs)
    for run in (parent, *children.values()):
        assert run.info.status == "FINISHED"
        for metric in run.data.metrics:
            steps = [point.step for point in client.get_metric_history(run.info.run_id, metric)]
            assert len(steps) == len(set(steps)), (run.info.run_name, metric)


def without_resumptions(errors: str) -> str:
    """What stands on stderr, but for the lines that tell from where a run goes on."""
    return "".join(line for line in errors.splitlines(keepends=True) if not line.startswith("resuming "))


# --- A study as it is declared


def test_a_study_is_trained_and_reported_and_in_mlflow_a_parent_with_named_children(studied: Studied) -> None:
    checkout, told = studied
    assert (told.returncode, told.stderr) == (0, "")
    assert jobs(told.stdout) == dict.fromkeys(TINY_JOBS, "finished")
    assert re.search(r"^hot( \*)? +3 ", told.stdout, re.M)
    assert told.stdout.splitlines()[-1] == str(checkout / "reports/tiny/index.html")
    assert {"index.html", "summary.json", "runs.csv"} < {file.name for file in (checkout / "reports/tiny").iterdir()}
    assert len(list((checkout / "reports/tiny").glob("*.png"))) >= 3

    came_to = results(checkout, "tiny")
    assert [(run.variant, run.seed) for run in came_to.runs] == [(v, s) for v in ("cold", "hot") for s in range(3)]
    for run in came_to.runs:
        folder = checkout / "runs" / run.fingerprint
        assert run.result == json.loads((folder / "result.json").read_text())
        assert run.history is not None
        assert run.history["epoch"] == [1, 2]
    headline = json.loads((checkout / "metrics/tiny.json").read_text())
    assert (headline["finished"], headline["failed"]) == (6, 0)
    reached = [
        run.result["test"]["accuracy"] for run in came_to.runs if run.variant == headline["chosen"] and run.result
    ]
    assert headline["test_accuracy"] == pytest.approx(sum(reached) / 3)

    parent, children = family(checkout, "tiny")
    assert (parent.info.run_name, parent.info.status) == ("tiny", "FINISHED")
    assert {"variants/cold accuracy", "variants/hot accuracy", "variants/hot p"} < parent.data.metrics.keys()
    artifacts = client_of(checkout).list_artifacts(parent.info.run_id, "report")
    assert {"report/index.html", "report/summary.json", "report/runs.csv"} < {file.path for file in artifacts}
    for run in came_to.runs:
        child = children[f"{run.variant} s{run.seed}"]
        assert run.result is not None
        assert (child.info.status, child.data.tags["variant"]) == ("FINISHED", run.variant)
        assert child.data.metrics["test/accuracy"] == run.result["test"]["accuracy"]
    assert len(children) == 6

    best = max(child.data.metrics["test/accuracy"] for child in children.values())
    query = f"tags.study = 'tiny' and metrics.\"test/accuracy\" > {best - 1e-6}"
    found = client_of(checkout).search_runs([parent.info.experiment_id], query)
    assert [run.data.metrics["test/accuracy"] for run in found] == [best]


def test_again_nothing_is_trained_nor_recorded(studied: Studied) -> None:
    checkout = studied.checkout
    before = snapshot(checkout, "runs", "reports", "models")
    again = ablation(checkout, "ablation=tiny")
    assert (again.returncode, again.stderr) == (0, "")
    assert set(jobs(again.stdout).values()) == {"reused"}
    assert again.stdout.splitlines()[-1] == str(checkout / "reports/tiny/index.html")
    assert snapshot(checkout, "runs", "reports", "models") == before
    assert_finished(checkout, "tiny", TINY_JOBS)


def test_with_overrides_it_is_another_study_and_one_seed_gives_no_verdict(studied: Studied) -> None:
    checkout = studied.checkout
    before = snapshot(checkout, "reports", "models", "metrics")
    done = ablation(checkout, "ablation=tiny", "train.epochs=1", "seed=7", *ONE_BY_ONE)
    assert (done.returncode, done.stderr) == (0, "")
    assert jobs(done.stdout) == {"cold s7": "finished", "hot s7": "finished"}
    page = Path(done.stdout.splitlines()[-1])
    assert re.fullmatch(r"tiny-[0-9a-f]{8}", page.parent.name)
    assert page.parent.parent == checkout / "runs/studies"
    assert snapshot(checkout, "reports", "models", "metrics") == before

    summary = json.loads((page.parent / "summary.json").read_text())
    assert [variant["reported"]["n"] for variant in summary["variants"]] == [1, 1]
    assert summary["variants"][1]["against_baseline"]["verdict"] == "no verdict"
    assert "With fewer than 3 seeds there are numbers, but no verdicts" in page.read_text()
    assert "ablation=tiny train.epochs=1 seed=7" in page.read_text()


@pytest.mark.parametrize(
    ("study", "variants"), [("width", 4), ("depth", 4), ("learning_rate", 16), ("l2", 8), ("ladder", 7)]
)
def test_a_long_study_runs_on_a_shrunken_setting(checkout: Path, study: str, variants: int) -> None:
    done = ablation(checkout, f"ablation={study}", "data=digits", "train.epochs=1", "seed=0", *ONE_BY_ONE)
    assert done.returncode == 0, done.stderr
    page = Path(done.stdout.splitlines()[-1])
    summary = json.loads(page.with_name("summary.json").read_text())
    assert [variant["reported"]["n"] for variant in summary["variants"]] == [1] * variants
    assert all(variant["variant"] in page.read_text() for variant in summary["variants"])


def test_a_training_that_two_studies_share_is_trained_once_and_stands_in_both(studied: Studied) -> None:
    checkout = studied.checkout
    declare(checkout, "sharing", ("    hot: [optimizer.lr=0.2]", "    warm: [optimizer.lr=0.15]"))
    done = ablation(checkout, "ablation=sharing", "hydra/launcher=basic")
    assert (done.returncode, done.stderr) == (0, "")
    seeds = range(3)
    assert jobs(done.stdout) == {f"cold s{s}": "reused" for s in seeds} | {f"warm s{s}": "finished" for s in seeds}
    _, there = family(checkout, "tiny")
    _, here = family(checkout, "sharing")
    assert here.keys() == {*(f"cold s{s}" for s in seeds), *(f"warm s{s}" for s in seeds)}
    for name in here.keys() & there.keys():
        assert here[name].info.run_id != there[name].info.run_id
        assert here[name].data.tags["fingerprint"] == there[name].data.tags["fingerprint"]
        assert here[name].data.metrics == there[name].data.metrics


# --- Faults


def test_a_variant_that_diverges_leaves_a_gap_and_the_others_complete(checkout: Path, shell: Shell) -> None:
    wild = [f"wild s{seed}" for seed in range(3)]
    ends = {f"cold s{seed}": "finished" for seed in range(3)} | dict.fromkeys(wild, "failed")
    declare(checkout, "wild", ("hot: [optimizer.lr=0.2]", "wild: [optimizer.lr=1e38]"))
    edit(checkout / "conf/config.yaml", IN_ONE_PROCESS)
    (checkout / "params.yaml").write_text(yaml.safe_dump(compose(["data=digits", "tracking=off"]).plain()))

    # A stage of the pipeline records it, and another stage reports.
    stage = ablation(checkout, "--stage", "wild")
    assert (stage.returncode, stage.stderr) == (0, "")
    assert jobs(stage.stdout) == ends
    assert not (checkout / "reports").exists()
    gaps = {run.reason for run in results(checkout, "wild").runs if run.status == "failed"}
    assert gaps == {"diverged at epoch 1"}
    report = shell("python", "-m", "src.report", "wild")
    assert (report.returncode, report.stderr) == (0, "")
    assert report.stdout.splitlines()[-1] == str(checkout / "reports/wild/index.html")
    assert "diverged at epoch 1" in (checkout / "reports/wild/index.html").read_text()
    assert stored(checkout) == []

    shutil.rmtree(checkout / "reports")
    alone = ablation(checkout, "ablation=wild", *ONE_BY_ONE)
    assert alone.returncode == 1
    assert without_resumptions(alone.stderr) == f"error: {', '.join(wild)}: diverged; the report shows the gap\n"
    assert jobs(alone.stdout) == {job: "failed" if job in wild else "reused" for job in ends}
    assert "diverged at epoch 1" in (checkout / "reports/wild/index.html").read_text()


@pytest.mark.parametrize("how", ["interrupt", "kill a worker"])
def test_a_study_that_is_cut_short_is_finished_by_the_same_command(
    checkout: Path, undisturbed: dict[tuple[str, int], str], how: str
) -> None:
    with started(checkout, "ablation=long", TWO_WORKERS) as process:
        held = hold_long(checkout, process)
        if how == "interrupt":
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        else:
            os.kill(held, signal.SIGKILL)
        told, errors = process.communicate(timeout=120)
    last = errors.splitlines()[-1]
    ends = jobs(told)
    assert list(ends) == LONG_JOBS
    assert (ends["short s0"], ends["short s1"]) == ("finished", "finished")
    cut = [job for job in ("long s0", "long s1") if ends[job] == "killed"]
    assert cut
    if how == "interrupt":
        assert (process.returncode, last) == (130, "error: interrupted")
    else:
        assert process.returncode == 1
        assert last.startswith("error: ")
        assert all(f"{job} (killed)" in last for job in cut)
    assert set(statuses(checkout)) == {"finished", "killed"}
    assert made(checkout) == []
    parent, children = family(checkout, "long")
    assert parent.info.status == ("KILLED" if how == "interrupt" else "FAILED")
    told_there = {name: child.info.status for name, child in children.items()}
    assert told_there == {job: status.upper() for job, status in ends.items() if status != "not started"}

    again = ablation(checkout, "ablation=long", "hydra/launcher=basic")
    assert (again.returncode, without_resumptions(again.stderr)) == (0, "")
    assert jobs(again.stdout) == {job: "reused" if end == "finished" else "finished" for job, end in ends.items()}
    assert weights(checkout, "long") == undisturbed
    assert_finished(checkout, "long", LONG_JOBS)


def test_studies_at_once_train_no_run_twice(checkout: Path, undisturbed: dict[tuple[str, int], str]) -> None:
    """One study twice, and another one that shares runs with it, all while one of the shared runs is under way."""
    other_variants = (("short: [train.epochs=1]", "brief: [train.epochs=2]"), ("baseline: short", "baseline: long"))
    declare(checkout, "other", *LONG, *other_variants)
    with (checkout / "src/runs/folder.py").open("a") as file:
        file.write(COUNT_BEGINNINGS)
    with started(checkout, "ablation=long", TWO_WORKERS) as first:
        held = hold_long(checkout, first)
        with (
            started(checkout, "ablation=long", TWO_WORKERS) as same,
            started(checkout, "ablation=other", "hydra/launcher=basic") as other,
        ):
            read_until(same, same.stderr, "waiting for another process that is running the same study")
            read_until(other, other.stderr, f"waiting for process {held} on ")
            os.kill(held, signal.SIGCONT)
            told = [process.communicate(timeout=120) for process in (first, same, other)]
            assert [process.returncode for process in (first, same, other)] == [0, 0, 0], told
    assert set(jobs(told[1][0]).values()) == {"reused"}
    begun = Counter((checkout / "runs/begun").read_text().split())
    assert set(begun) == {run.fingerprint for study in ("long", "other") for run in results(checkout, study).runs}
    assert set(begun.values()) == {1}
    assert weights(checkout, "long") == undisturbed
    assert_finished(checkout, "long", LONG_JOBS)
    assert_finished(checkout, "other", ["brief s0", "brief s1", "long s0", "long s1"])


COUNT_BEGINNINGS = """

def _counted(begin):
    def counting(folder, *about):
        with (runs_folder() / "begun").open("a") as file:
            file.write(folder.path.name + "\\n")
        begin(folder, *about)
    return counting


RunFolder.begin = _counted(RunFolder.begin)
"""


# --- Edits while a study runs


def code_digests(checkout: Path, study: str) -> set[str]:
    """Of the numeric code, as the folders of a study's runs have it."""
    folders = [checkout / "runs" / run.fingerprint for run in results(checkout, study).runs]
    return {json.loads((folder / "run.json").read_text())["digests"]["code"] for folder in folders}


def test_an_edit_of_conf_stops_the_jobs_that_are_still_to_come(checkout: Path) -> None:
    with started(checkout, "ablation=long", *ONE_BY_ONE) as process:
        held = hold_long(checkout, process)
        with (checkout / "conf/train/default.yaml").open("a") as opened:
            opened.write("# An edit.\n")
        os.kill(held, signal.SIGCONT)
        told, errors = process.communicate(timeout=120)
    assert (process.returncode, errors.count("\n")) == (1, 1)
    assert "1 of 4 jobs are missing: long s1 (failed)" in errors
    assert "job 3 (long s1): changed since the sweep began: conf/train/default.yaml" in told
    assert made(checkout) == []
    again = ablation(checkout, "ablation=long", *ONE_BY_ONE)
    assert (again.returncode, again.stderr) == (0, "")
    assert jobs(again.stdout) == dict.fromkeys(LONG_JOBS[:3], "reused") | {"long s1": "finished"}
    assert len(code_digests(checkout, "long")) == 1


def test_an_edit_of_the_code_mixes_no_two_versions(checkout: Path, studied: Studied) -> None:
    locks = (studied.checkout / "runs/studies").glob(".tiny-*/lock")
    [known] = [lock for lock in locks if not (lock.parent / "results").exists()]  # not of the study with overrides
    lock = FileLock(checkout / "runs/studies" / known.parent.name / "lock")
    Path(lock.lock_file).parent.mkdir(parents=True)

    def edited_as_it_begins(*arguments: str) -> tuple[int, str, str]:
        """The study, kept waiting when it has imported its code, and edited before its first job."""
        lock.acquire()
        with started(checkout, "ablation=tiny", "tracking=off", *arguments) as process:
            read_until(process, process.stderr, "waiting for another process that is running the same study")
            with (checkout / "src/nn/losses.py").open("a") as losses:
                losses.write("edited = True\n")
            lock.release()
            told, errors = process.communicate(timeout=120)
        return process.returncode, told, errors

    # Jobs in the same process run what it has imported, and are known by that, not by the file as it is now.
    exit_code, told, errors = edited_as_it_begins("hydra/launcher=basic")
    assert (exit_code, errors) == (0, "")
    assert set(jobs(told).values()) == {"finished"}
    assert told.splitlines()[-1] == str(checkout / "reports/tiny/index.html")
    assert weights(checkout, "tiny") == weights(studied.checkout, "tiny")  # which two workers have trained
    assert stored(checkout) == []
    old = code_digests(studied.checkout, "tiny")
    assert code_digests(checkout, "tiny") == old

    # Workers would run the file as it is now, and refuse.
    exit_code, told, errors = edited_as_it_begins(TWO_WORKERS)
    assert (exit_code, errors.count("\n")) == (1, 1)
    assert set(jobs(told).values()) == {"failed"}
    assert told.count("changed since the sweep began: src/nn/losses.py; run the same command again") == 6

    again = ablation(checkout, "ablation=tiny", *ONE_BY_ONE)
    assert (again.returncode, again.stderr) == (0, "")
    assert set(jobs(again.stdout).values()) == {"finished"}
    assert not code_digests(checkout, "tiny") & old
    assert results(checkout, "tiny").digests["code"] != results(studied.checkout, "tiny").digests["code"]
    assert weights(checkout, "tiny") == weights(studied.checkout, "tiny")
