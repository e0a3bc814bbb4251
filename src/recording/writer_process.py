"""The command's side of the writer: starts the process, waits for passes, and ends it."""

import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable

from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.foundation.processes import start_module
from src.foundation.signals import interrupts_wait
from src.recording import writer
from src.recording.store import is_server, store_uri

_SECONDS_OF_PATIENCE = 8.0  # with a server that makes no progress
_SECONDS_FOR_A_DATABASE = 60.0  # a local one is slow where the machine is, and fails by itself
_SECONDS_UNTIL_NOTICE = 3.0
_SECONDS_BETWEEN_CHECKS = 0.2
_SECONDS_TO_GO = 5.0


class WriterProcess:
    """The writer of one command. If it dies, that is one warning, and its entries stay pending."""

    def __init__(self, tracking: Tracking, owner: str) -> None:
        self.died = False
        self._tracking = tracking
        self._owner = owner
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None  # None: not started yet, or ended
        self._patience = _SECONDS_OF_PATIENCE if is_server(store_uri(tracking)) else _SECONDS_FOR_A_DATABASE

    def start(self, asked: bytes = b"") -> None:
        """Starts the process, unless that has been done."""
        if self._process is None:
            with interrupts_wait():
                self._channel, theirs = socket.socketpair()
                self._channel.sendall(asked)
                with theirs:
                    self._process = spawn(theirs, self._tracking, self._owner)

    def open_store(self) -> None:
        """Starts the process and waits until it has opened the store; `UserError` if it can't."""
        self.start(writer.OPEN)
        try:
            refusal = self._answer()
        except OSError:
            refusal = "MLflow can't be used: it ended the process that it runs in"
        if refusal:
            raise UserError(f"{refusal}; tracking=off records nothing")

    def wait(self, left: Callable[[int], object] = lambda number: None) -> None:
        """Waits for a whole pass that begins now. Ends the process if it makes no progress, or on a Ctrl-C.

        left: is called with the number of runs that the pass has left.
        """
        if self._channel is None:
            return
        try:
            self._channel.sendall(writer.PASS)
            self._answer(left)
        except KeyboardInterrupt:
            self.end(at_once=True)
        except OSError:
            self.died = True
            self.end()
            what = "warning: the process that writes to MLflow died; `python -m src.sync` records what is missing"
            print(what, file=sys.stderr)

    def end(self, at_once: bool = False) -> None:
        """Ends the process, which has nothing more to do; or to give up."""
        with interrupts_wait():
            if self._channel is None or self._process is None:
                return
            self._channel.close()
            self._channel = None
            if at_once:
                self._process.kill()
            try:
                self._process.wait(_SECONDS_TO_GO)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _answer(self, left: Callable[[int], object] = lambda number: None) -> str | None:
        """Waits until the pass is over; returns why the store could not be opened. `OSError`: the process has died."""
        assert self._channel is not None
        progress = None  # when; before the first one, MLflow may still be being imported
        noticed = not sys.stderr.isatty()  # how long it takes interests a person, like a progress bar
        received = b""
        while True:
            # Waiting for ever would miss a Ctrl-C that came just before.
            if select.select([self._channel], [], [], _SECONDS_BETWEEN_CHECKS)[0]:
                if not (new := self._channel.recv(1 << 16)):
                    raise ConnectionResetError  # as where it died with unread requests
                *lines, received = (received + new).split(b"\n")
                progress = time.monotonic()
                for line in map(bytes.decode, lines):
                    what, _, more = line.partition(" ")
                    if what != writer.PROGRESS:
                        return more if what == writer.REFUSED else None
                    if more:
                        left(int(more))
            idle = time.monotonic() - (progress or time.monotonic())
            if idle > self._patience:
                self.end(at_once=True)
                return None
            if idle > _SECONDS_UNTIL_NOTICE and not noticed:
                noticed = True
                print("waiting for the MLflow store; Ctrl-C leaves the rest to `python -m src.sync`", file=sys.stderr)


def spawn(theirs: socket.socket, tracking: Tracking, owner: str) -> "subprocess.Popen[bytes]":
    """Starts the writer with its end of the channel, which is no standard stream: MLflow prints."""
    arguments = [str(theirs.fileno()), owner, tracking.experiment, *([tracking.uri] if tracking.uri else [])]
    # Its own process group: how a command ended by Ctrl-C is recorded, too.
    quiet = subprocess.DEVNULL
    return start_module(writer.__name__, *arguments, pass_fds=[theirs.fileno()], stdin=quiet, stdout=quiet)
