"""Opens MLflow stores in processes, all at once or one that is killed: `python -m tests.faults.opening FOLDER KILLS`.

MLflow is imported once, before the processes fork.
"""

import contextlib
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from src.config.tracking import Tracking
from src.recording.store import open_store
from tests.helpers.stores import client_of

AT_ONCE = 8


def opens(path: Path) -> int:
    """Starts a process that opens the store and makes a run in it; its id."""
    if child := os.fork():
        return child
    code = 1
    try:
        client, experiment = open_store(Tracking(uri=f"sqlite:///{path}"))
        client.create_run(experiment)
        code = 0
    except BaseException as error:
        print(f"{path}: {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        os._exit(code)


def ends(children: Sequence[int]) -> list[int]:
    """How processes end: exit codes, or minus the signal."""
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def runs(path: Path) -> int:
    """How many runs a store has; it is a whole database."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    client = client_of(f"sqlite:///{path}")
    experiment = client.get_experiment_by_name("mlp")
    return len(client.search_runs([experiment.experiment_id])) if experiment else 0


def main(folder: Path, kills: int) -> None:
    together = folder / "together.db"
    codes = ends([opens(together) for _ in range(AT_ONCE)])
    print(json.dumps({"codes": codes, "runs": runs(together)}), flush=True)

    start = time.monotonic()
    ends([opens(folder / "alone.db")])
    alone = time.monotonic() - start
    for number in range(kills):
        path = folder / f"{number}.db"
        first = opens(path)
        time.sleep(alone * (number + 0.5) / kills)
        os.kill(first, signal.SIGKILL)
        codes = [*ends([first]), *ends([opens(path), opens(path)])]
        left = [file.name for file in folder.glob(f".{path.name}.init*")]
        print(json.dumps({"codes": codes, "runs": runs(path), "left": left}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
