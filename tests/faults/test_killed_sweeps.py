"""`kill -9` of a sweep's parent, or of one of its workers: the same command goes on, and trains nothing twice."""

import contextlib
import json
import random
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.conftest import Shell, environment
from tests.faults.figures import Injections
from tests.helpers.checkouts import furnish
from tests.helpers.stores import client_of

pytestmark = pytest.mark.slow
JOBS, EPOCHS = 8, 6
SWEEP = (
    *("python", "-m", "src.train", "-m", "experiment=digits", f"seed=range({JOBS})", "hydra.launcher.n_jobs=2"),
    *("model.hidden=[16]", "model.dropout=0.2", f"train.epochs={EPOCHS}", "train.batch_size=4"),
    *("train.checkpoint_seconds=0.1", "tracking.figures=false"),
)
SECONDS_TO_DIE = 30


@pytest.fixture
def checkout(checkout: Path, digits_folder: Path, empty_store: Path) -> Path:
    return furnish(checkout, digits_folder, empty_store)


def finished(checkout: Path) -> dict[str, tuple[str, int]]:
    """The weights of each finished run, and the file that tells of them: another one, were it trained again."""
    found = {}
    for status in (checkout / "runs").glob("*/status.json"):
        result = status.with_name("result.json")
        if json.loads(status.read_text())["status"] == "finished":
            weights = json.loads(result.read_text())["weights_sha256"]
            found[status.parent.name] = (weights, result.stat().st_ino)
    return found


def trains(process: psutil.Process) -> bool:
    """Whether it is a worker, and not what tracks what workers leave; nothing that has ended is one."""
    try:
        return "LokyProcess" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def at_a_run(process: psutil.Process) -> bool:
    """Whether it holds a run's lock."""
    try:
        return any(Path(file.path).name == "lock" for file in process.open_files())
    except psutil.NoSuchProcess:
        return False


def descendants(parent: psutil.Process) -> list[psutil.Process]:
    try:
        return parent.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def killed(checkout: Path, whom: str, delay: float) -> int | None:
    """Starts the sweep and kills; the exit code if the sweep was faster, or went on without the worker."""
    process = subprocess.Popen(
        SWEEP, cwd=checkout, env=environment(), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    parent = psutil.Process(process.pid)
    family = [parent]
    try:
        deadline = time.monotonic() + delay
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if process.poll() is not None:
            return process.returncode
        family += descendants(parent)
        at_work = [child for child in family if trains(child)]
        if whom == "parent":
            process.kill()
        elif at_work:
            with contextlib.suppress(psutil.NoSuchProcess):
                random.choice(at_work).kill()
        code = process.wait(600)
        return None if whom == "parent" else code
    finally:
        # Whoever trains dies with the parent: there is nobody left to train what the next start trains.
        _, alive = psutil.wait_procs([one for one in family if one.pid != process.pid], SECONDS_TO_DIE)
        # A worker that never got a job has not come to our code, and has nothing to do; loky ends it in its time.
        assert not [one for one in alive if at_a_run(one)]
        for one in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()


def assert_level(checkout: Path, reference: dict[str, str]) -> None:
    """All runs stand in the store, finished, with each metric once."""
    client = client_of(checkout)
    experiment = client.get_experiment_by_name("mlp")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    children = [run for run in runs if "fingerprint" in run.data.tags]
    assert len(runs) == JOBS + 1
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert {run.data.tags["fingerprint"]: run.data.tags["weights.sha256"] for run in children} == reference
    for run in children:
        steps = Counter(metric.step for metric in client.get_metric_history(run.info.run_id, "valid/loss"))
        assert steps == dict.fromkeys(range(1, EPOCHS + 1), 1)


@pytest.mark.parametrize("whom", ["parent", "worker"])
def test_a_sweep_goes_on_and_trains_nothing_twice(
    checkout: Path, shell: Shell, whom: str, injections: Injections, empty_store: Path
) -> None:
    start = time.monotonic()
    done = shell(*SWEEP)
    seconds = time.monotonic() - start
    assert done.returncode == 0, done.stdout + done.stderr
    reference = {name: weights for name, (weights, _) in finished(checkout).items()}
    assert len(reference) == JOBS

    def begin_anew() -> None:
        shutil.rmtree(checkout / "runs")
        shutil.rmtree(checkout / "mlartifacts")
        for file in checkout.glob("*mlflow.db*"):
            file.unlink()
        shutil.copy(empty_store, checkout / "mlflow.db")

    begin_anew()
    random.seed(4)
    for _ in range(injections.wanted(30)):
        with injections.of(f"kill -9 of a sweep's {whom}"):
            before = finished(checkout)
            # Anywhere in the sweep: while workers start, while they train, and as the parent records.
            code = killed(checkout, whom, random.uniform(1, seconds))
            after = finished(checkout)
            assert before.items() <= after.items()
            assert {name: weights for name, (weights, _) in after.items()}.items() <= reference.items()
            if code == 0:
                assert_level(checkout, reference)
                begin_anew()
    before = finished(checkout)
    last = shell(*SWEEP)
    assert last.returncode == 0, last.stdout + last.stderr
    assert "MLflow lacks" not in last.stderr, last.stderr
    after = finished(checkout)
    assert before.items() <= after.items()
    assert {name: weights for name, (weights, _) in after.items()} == reference
    assert_level(checkout, reference)
    assert not list((checkout / "runs/.records").glob("*.json"))  # nothing is lacking
