"""Recordings whose writer works in this process, where its store can be made to fail."""

import functools
import shutil
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from src.config.tracking import Tracking
from src.recording import store, writer_process
from src.recording.writer import Writer


@pytest.fixture
def home(home: Path, empty_store: Path) -> Path:
    """In the place of the repository, with a store that has nothing in it."""
    shutil.copy(empty_store, home / "mlflow.db")
    return home


class InThread:
    """A writer in a thread, in the place of its process."""

    def __init__(self, channel: socket.socket, tracking: Tracking, owner: str) -> None:
        self._channel = channel.dup()  # the other one is closed when the process has been started
        self.writer = Writer(self._channel, tracking, owner)
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        self.writer.listen()
        self._channel.close()
        for thread in threading.enumerate():
            if thread.name == "writer":
                thread.join()

    def kill(self) -> None:
        """It ends with its channel."""

    def wait(self, timeout: float | None = None) -> int:
        self._thread.join(60)
        return 0


@pytest.fixture
def in_thread(monkeypatch: pytest.MonkeyPatch) -> list[InThread]:
    """Has writers work in threads; they are listed here."""
    started: list[InThread] = []

    def spawn(channel: socket.socket, tracking: Tracking, owner: str) -> InThread:
        started.append(InThread(channel, tracking, owner))
        return started[-1]

    monkeypatch.setattr(writer_process, "spawn", spawn)
    return started


def fail(message: str, *code: int) -> NoReturn:
    """Fails as MLflow does, which is imported by then."""
    from mlflow.exceptions import MlflowException

    raise MlflowException(message, *code)


class Client:
    """A client of a store, some of whose calls go otherwise."""

    def __init__(self, client: Any, **otherwise: Callable[..., Any]) -> None:
        self._client, self._otherwise = client, otherwise

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return functools.partial(self._otherwise[name], method) if name in self._otherwise else method


@pytest.fixture
def otherwise(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has all stores that are opened from now on do some calls otherwise: given the method, and its arguments."""

    def install(**calls: Callable[..., Any]) -> None:
        monkeypatch.setattr(store, "_client", lambda uri: Client(store_client(uri), **calls))

    store_client = store._client
    return install
