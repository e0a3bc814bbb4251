"""Starts MLflow's UI and opens the page of the runs: `python -m src.recording.ui HOST PORT`, as `make ui` does.

A new browser starts on MLflow's pages for language models, and so does any address of runs that names no workflow.
"""

import contextlib
import errno
import os
import socket
import sqlite3
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Mapping
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]

from src.cli.command import run_command
from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.recording.descriptions import WORKFLOW
from src.recording.own_store import opening, own_store, prepare_to_open
from src.recording.store import database, is_server, store_uri, without_credentials

_LOCAL = ("127.0.0.1", "localhost")
_HOSTS, _ORIGINS = "MLFLOW_SERVER_ALLOWED_HOSTS", "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"
_MOST_PORTS = 1 << 16
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


def refuse_taken(host: str, port: int) -> None:
    """Raises `UserError` if the UI can't listen there, where MLflow would say so amid its log and end with 0."""
    try:
        if not is_taken(host, port):
            return
    except OSError as error:
        what = f"PORT={port}" if isinstance(error, PermissionError) else f"HOST={host}"
        allowed = "PORT=1024 to 65535" if isinstance(error, PermissionError) else "127.0.0.1; 0.0.0.0: lets others in"
        raise UserError(f"{what}: the UI can't listen there ({error.strerror}); allowed: {allowed}") from None
    free = next((other for other in range(port + 1, _MOST_PORTS) if not is_taken(host, other)), 5001)
    raise UserError(
        f"PORT={port}: another program listens there (on a Mac, AirPlay has 5000); choose another one, as in: "
        f"make ui PORT={free}"
    )


def is_taken(host: str, port: int) -> bool:
    """Whether another program listens on a port; raises `OSError` where none can."""
    with socket.socket() as listening, socket.socket() as asking:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            listening.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise
        # One that listens on all addresses does not keep others from one of them.
        asking.settimeout(1)
        return asking.connect_ex((host, port)) == 0


def opened_to_others(given: Mapping[str, str]) -> dict[str, str]:
    """The variables by which MLflow answers requests to each name and address of this machine, and to those `given`.

    It compares the host that a browser asks for, and, of requests that change or search something, the page's origin.
    """
    names = {*_LOCAL, "0.0.0.0", socket.gethostname(), socket.getfqdn()}
    names |= {a.address for known in psutil.net_if_addrs().values() for a in known if a.family == socket.AF_INET}
    hosts = [host for name in sorted(names) for host in (name, f"{name}:*")]
    hosts += [host.strip() for host in given.get(_HOSTS, "").split(",") if host.strip()]
    origins = [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]
    return {_HOSTS: ",".join(hosts), _ORIGINS: ",".join([*origins, *filter(None, [given.get(_ORIGINS)])])}


def has_desktop() -> bool:
    """Whether the user sits at a desktop, where a browser can be opened."""
    desktop = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(desktop) and sys.stdout.isatty()


def open_when_it_answers(link: str, address: str) -> None:
    """Opens a link in the user's browser as soon as the UI answers."""
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
    """The command."""
    host, number = sys.argv[1:]
    uri = store_uri(Tracking())
    if is_server(uri):
        print(f"The runs are on {without_credentials(uri)}; open that.")
        return
    path = database(uri)
    if path == own_store() and not path.exists():
        raise UserError("no runs yet; make repro, or .venv/bin/python -m src.train, records one")
    if not host:
        raise UserError("HOST=: no address; allowed: 127.0.0.1; 0.0.0.0: lets others in")
    if not (number.isdecimal() and 0 < int(number) < _MOST_PORTS):
        raise UserError(f"PORT={number}: not a port; allowed: 1 to {_MOST_PORTS - 1}")
    refuse_taken(host, port := int(number))
    address = f"http://{'localhost' if host == '0.0.0.0' else host}:{port}"
    variables = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    variables["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    if host not in _LOCAL:
        variables |= opened_to_others(os.environ)
        print(
            f"warning: HOST={host}: whoever reaches this machine can read, change and delete runs, without a password; "
            f"if it has other names than {socket.gethostname()}, list them as in {_HOSTS}=lab.example:{port}",
            file=sys.stderr,
        )
    (name, first), *others = links(address)
    print(f"the runs{f' of {name}' if others else ''}, best first (Ctrl-C ends it):\n{first}", flush=True)
    for name, link in others[:_SHOWN]:
        print(f"of {name}:\n{link}", flush=True)
    if path is not None and path.exists() and os.access(path.parent, os.W_OK):
        with opening(path):
            prepare_to_open(path)
    if has_desktop() and os.fork() == 0:
        open_when_it_answers(first, address)
        os._exit(0)
    store = "sqlite:///mlflow.db" if path == own_store() else uri  # relative: a path may have any character
    served = ("--host", host, "--port", number, "--workers", "1", "--backend-store-uri", store)
    os.execve(sys.executable, [sys.executable, "-m", "mlflow", "ui", *served], variables)


if __name__ == "__main__":
    run_command(main)
