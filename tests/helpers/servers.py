"""A server of MLflow that tests start, hold, kill and start again."""

import contextlib
import os
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

from tests.helpers.checkouts import environment
from tests.helpers.processes import until

_COMMAND = (
    "python -m mlflow server --host 127.0.0.1 --port {port} --workers 1 "
    "--backend-store-uri sqlite:///server.db --artifacts-destination artifacts"
)


class Server:
    """`mlflow server` with a database of its own, or the server of another command; use it as a context, which ends it.

    It runs in `folder`, where it leaves server.log, and serves on a free port of loopback: `{port}` in the command.
    """

    def __init__(self, folder: Path, *command: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._command = [part.replace("{port}", str(self.port)) for part in command or _COMMAND.split()]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *ending: object) -> None:
        self.kill()

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        # Without the second it starts a dozen processes.
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        environ = environment() | quiet
        log = self._folder / "server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=environ, stdout=output, stderr=output, start_new_session=True
            )
        try:
            until(self._answers, self._process, seconds=300)
        except AssertionError as error:
            raise RuntimeError(f"{self._command} did not start:\n{log.read_text(errors='replace')}") from error

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
