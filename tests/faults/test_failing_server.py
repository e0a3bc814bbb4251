"""A real MLflow server that refuses, is silent, answers 500, loses replies, is stopped or killed: training goes on.

Afterwards `python -m src.sync` brings the store level: it equals the journal exactly, and there is no ghost of a run.
"""

import itertools
import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.figures import Injections
from tests.faults.proxy import FAULTS, Proxy
from tests.helpers.checkouts import make_checkout, shell_in
from tests.helpers.commands import reported
from tests.helpers.processes import start, until
from tests.helpers.servers import Server
from tests.helpers.stores import assert_mirrored, stored

pytestmark = pytest.mark.slow
TRAIN = (
    *("python", "-m", "src.train", "experiment=digits", "model.hidden=[16]", "train.batch_size=8"),
    *("train.epochs=120", "tracking.figures=false"),
)


class Site:
    """A checkout, and a server behind a proxy to record its runs on."""

    def __init__(self, checkout: Path, server: Server, proxy: Proxy) -> None:
        self.checkout = checkout
        self.server = server
        self.proxy = proxy
        self.seeds = itertools.count()

    def start(self, seed: int, uri: str) -> subprocess.Popen[str]:
        command = [*TRAIN, f"seed={seed}", *([f"tracking.uri={uri}"] if uri else ["tracking=off"])]
        return start(*command, cwd=self.checkout)

    def sync(self, folder: Path) -> None:
        """Afterwards the store has all of the run in this folder, and no run that only seems to be there."""
        synced = shell_in(self.checkout)("python", "-m", "src.sync")
        assert synced.returncode == 0, synced.stderr
        assert_mirrored(self.server.uri, folder)
        assert {run.info.status for run in stored(self.server.uri)} == {"FINISHED"}
        assert not list((self.checkout / "runs/.records").glob("*.json"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, digits_folder: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("server")
    checkout = make_checkout(folder / "check out")
    shutil.copytree(digits_folder / "data", checkout / "data", dirs_exist_ok=True)
    with Server(folder) as server:
        server.start()
        with Proxy(server.port).serving() as proxy:
            yield Site(checkout, server, proxy)


def seconds(folder: Path) -> float:
    """The wall time of the training: from its first epoch to its results."""
    status = json.loads((folder / "status.json").read_text())
    assert status["status"] == "finished"
    return float(status["time"] - status["started"])


def in_mid_run(site: Site, before: set[str]) -> None:
    """Waits until a new run has some epochs in its journal."""

    def begun() -> bool:
        journals = (site.checkout / "runs").glob("*/journal.jsonl")
        return any(j.read_bytes().count(b"\n") >= 20 for j in journals if j.parent.name not in before)

    until(begun, seconds=300)


# A server that is stopped or killed before the training starts is one that is silent or refuses, to who asks.
CASES = [("at the start", what) for what in FAULTS]
CASES += [("in mid-run", what) for what in (*FAULTS, "is stopped", "is killed")]
FEW = [("at the start", what) for what in ("refuses", "loses every other reply")]
FEW += [("in mid-run", what) for what in ("answers 500", "loses replies", "is stopped", "is killed")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "what" in metafunc.fixturenames:
        metafunc.parametrize(("when", "what"), CASES if metafunc.config.getoption("--all-faults") else FEW)


def test_training_goes_on_and_sync_makes_it_level(site: Site, when: str, what: str, injections: Injections) -> None:
    for _ in range(injections.wanted(3)):
        seed = next(site.seeds)
        folder, _ = finish(site.start(seed, ""))
        undisturbed = Path(shutil.move(folder, site.checkout / f"undisturbed-{seed}"))
        with injections.of(f"the MLflow server {what} {when}"):
            before = {path.name for path in (site.checkout / "runs").iterdir()}
            if when == "at the start":
                break_down(site, what)
            process = site.start(seed, site.proxy.uri)
            if when == "in mid-run":
                in_mid_run(site, before)
                break_down(site, what)
            folder, told = finish(process)
            heal(site, what)
            warnings = [line for line in told.splitlines() if line.startswith("warning:")]
            assert len(warnings) <= 1, told
            if not what.startswith("loses"):  # which may be made good before the end
                assert "`python -m src.sync` records the rest" in told
            assert (folder / "model.npz").read_bytes() == (undisturbed / "model.npz").read_bytes()
            # Whoever waited for the server would wait for 10 s and more. The figure itself is in the report.
            assert seconds(folder) < 2 * seconds(undisturbed) + 30
            site.sync(folder)
        ratio = seconds(folder) / seconds(undisturbed)
        injections.note(f"training while the MLflow server {what} {when}: {ratio:.2f} of its time without MLflow")


def finish(process: subprocess.Popen[str]) -> tuple[Path, str]:
    out, told = process.communicate(timeout=600)
    assert process.returncode == 0, told
    return reported(out)[0], told


def break_down(site: Site, what: str) -> None:
    if what == "is stopped":
        site.server.signal(signal.SIGSTOP)
    elif what == "is killed":
        site.server.kill()
    else:
        site.proxy.fail(what)


def heal(site: Site, what: str) -> None:
    if what == "is stopped":
        site.server.signal(signal.SIGCONT)
    elif what == "is killed":
        site.server.start()
    else:
        assert site.proxy.asked > 0
        site.proxy.heal()
