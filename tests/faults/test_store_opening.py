"""MLflow's own first opening of an SQLite store is not safe; ours is, whoever else opens it and whoever is killed.

As a program, `FOLDER KILLS`, this file opens stores in processes, all at once or one that is killed. MLflow is imported
once, before the processes fork.
"""

import contextlib
import json
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from src.config.tracking import Tracking
from src.recording.store import open_store
from tests.faults.children import end, fork, json_lines
from tests.faults.figures import Injections
from tests.helpers.stores import stored

pytestmark = pytest.mark.slow
AT_ONCE = 8


def opens(path: Path) -> int:
    """Starts a process that opens the store and makes a run in it; its id."""

    def make() -> None:
        client, experiment = open_store(Tracking(uri=f"sqlite:///{path}"))
        client.create_run(experiment)

    return fork(make)


def runs(path: Path) -> int:
    """How many runs a store has; it is a whole database."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return len(stored(f"sqlite:///{path}"))


def main(folder: Path, kills: int) -> None:
    together = folder / "together.db"
    codes = [end(child) for child in [opens(together) for _ in range(AT_ONCE)]]
    print(json.dumps({"codes": codes, "runs": runs(together)}), flush=True)

    start = time.monotonic()
    end(opens(folder / "alone.db"))
    alone = time.monotonic() - start
    for number in range(kills):
        path = folder / f"{number}.db"
        first = opens(path)
        time.sleep(alone * (number + 0.5) / kills)
        os.kill(first, signal.SIGKILL)
        codes = [end(first), *(end(child) for child in [opens(path), opens(path)])]
        left = [file.name for file in folder.glob(f".{path.name}.init*")]
        print(json.dumps({"codes": codes, "runs": runs(path), "left": left}), flush=True)


def test_a_store_opens_whoever_opens_it_at_once_and_whoever_is_killed(tmp_path: Path, injections: Injections) -> None:
    kills = injections.wanted(50)
    with json_lines(__name__, tmp_path, kills) as reports:
        with injections.of("8 processes open a fresh store at once"):
            assert next(reports) == {"codes": [0] * AT_ONCE, "runs": AT_ONCE}
        for _ in range(kills):
            with injections.of("kill -9 during the first opening of a store"):
                report = next(reports)
                first, *others = report["codes"]
                assert first in (-signal.SIGKILL, 0)  # 0: it was faster
                assert others == [0, 0]
                assert report["runs"] in (2, 3)
                assert report["left"] == []


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
