"""Prints where MLflow's UI shows the runs, and opens that page: `python -m src.recording.links PORT`.

A new browser starts on MLflow's pages for language models, and so does any address of runs that names no workflow.
"""

import contextlib
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from urllib.parse import quote

from src.config.tracking import Tracking
from src.recording.descriptions import WORKFLOW
from src.recording.store import database, store_uri

_BEST_FIRST = f"{WORKFLOW}&orderByKey={quote('metrics.`valid/accuracy`', safe='')}&orderByAsc=false"
_SECONDS_TO_START = 60.0
_SHOWN = 5
_WITH_RUNS = """
    SELECT experiments.experiment_id, experiments.name FROM experiments JOIN runs USING (experiment_id)
    WHERE experiments.lifecycle_stage = 'active' AND runs.lifecycle_stage = 'active'
    GROUP BY experiments.experiment_id ORDER BY MAX(start_time) DESC
"""


def links(address: str) -> list[tuple[str, str]]:
    """The experiments that have runs, the latest first: names, and the addresses of their runs, the best run first.

    address: of the UI. Found without MLflow, whose import takes seconds; of a store that is no database, the page of
    all experiments.
    """
    path, found = database(store_uri(Tracking())), list[tuple[int, str]]()
    if path is not None:
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as store:
            found = store.execute(_WITH_RUNS).fetchall()
    listed = [(name, f"{address}/#/experiments/{number}/runs?{_BEST_FIRST}") for number, name in found]
    return listed or [("", f"{address}/#/experiments?{WORKFLOW}")]


def open_when_it_answers(link: str, address: str) -> None:
    """Opens a link in the user's browser as soon as the UI answers, if there is a desktop to open it on."""
    desktop = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not (desktop and sys.stdout.isatty()):
        return
    until = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except urllib.error.HTTPError:  # an answer, too
            break
        except OSError:
            time.sleep(0.5)
        else:
            break
    webbrowser.open(link)


def main() -> None:
    """The command, which `make ui` starts beside MLflow's."""
    address = f"http://127.0.0.1:{sys.argv[1]}"
    (name, first), *others = links(address)
    print(f"the runs{f' of {name}' if others else ''}, best first (Ctrl-C ends it):\n{first}", flush=True)
    for name, link in others[:_SHOWN]:
        print(f"of {name}:\n{link}", flush=True)
    open_when_it_answers(first, address)


if __name__ == "__main__":
    main()
