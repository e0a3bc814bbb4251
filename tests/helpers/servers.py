"""An MLflow server that tests start, hold, kill and start again."""

import contextlib
import os
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

from tests.helpers.checkouts import environment
from tests.helpers.processes import until


class Server:
    """`mlflow server` on loopback, with a database of its own; use it as a context, which ends it."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *ending: object) -> None:
        self.kill()

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        command = f"python -m mlflow server --host 127.0.0.1 --port {self.port} --workers 1".split()
        command += ["--backend-store-uri", f"sqlite:///{self._folder}/server.db"]
        command += ["--artifacts-destination", str(self._folder / "artifacts")]
        # Without the second it starts a dozen processes.
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, env=environment() | quiet, stdout=log, stderr=log, start_new_session=True
            )
        until(self._answers, self._process, seconds=300)

    def signal(self, number: int) -> None:
        """Sends a signal to the server and its workers."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """Kills it, and waits until it is gone."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(60)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.uri}/health", timeout=5) as reply:
            return bool(reply.status == 200)
        return False
