"""The process that writes to MLflow: it makes passes over the outbox until its command ends.

    python -m src.recording.writer CHANNEL OWNER EXPERIMENT [URI]

CHANNEL is the number of a socket. `OPEN`, only at the start, and `PASS` ask for a whole pass; a closed socket ends the
process. Replies are lines, sent only while a pass is asked for: `PROGRESS`, which may be followed by the number of runs
that the pass has left, then `OVER`. The reply to `OPEN` may be `REFUSED`, and why the store can't be opened.

A server that is away, or a store that fails, costs the command one warning: training goes on, the entries stay pending,
and the next pass tries again after `_SECONDS_AFTER_A_FAILURE`.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, cast

from src.cli.command import FAILED
from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.recording.outbox import Outbox
from src.recording.outbox_mirror import OutboxMirror, Synced
from src.recording.store import Store, open_store, store_uri, without_credentials
from src.recording.store_errors import as_user_errors, one_line

OPEN, PASS = b"!", b"?"
PROGRESS, OVER, REFUSED = "progress", "over", "refused"
_SECONDS_BETWEEN_PASSES = 1.0
_SECONDS_AFTER_A_FAILURE = 15.0
_MOST_TRIES = 3  # for a pass that is asked for, while each try makes progress
_OBJECTS_BETWEEN_COLLECTIONS = 100_000
# MLflow imports these if they are there, and does without them if not. Recording needs none, and importing them is a
# quarter of the time until the first record.
_IN_VAIN = ("matplotlib", "pandas", "pyarrow", "scipy", "sklearn")


class Writer:
    """Makes passes over the outbox in a thread, while `listen` reads the channel."""

    def __init__(self, channel: socket.socket, tracking: Tracking, owner: str) -> None:
        self._channel = channel
        self._tracking = tracking
        self._outbox = Outbox(owner)
        self._mirror: OutboxMirror | None = None  # until the store has been opened
        self._synced = Synced([], [], [], [])
        self._requests = threading.Semaphore(0)
        self._opens = False  # whether the command waits for the store to be opened, and says why it can't be
        self._waiting = False  # whether the command waits
        self._awaited = False  # whether it waits for the present pass, and not for the next one
        self._imported = self._ended = False
        self._progress = 0  # calls that the store has served
        self._warned = self._back = False  # whether each message has been printed

    def listen(self) -> None:
        """Reads the channel until it is closed, or the command at its other end has died."""
        first = self._channel.recv(1) if select.select([self._channel], [], [], 0)[0] else b""
        self._opens, self._waiting, self._awaited = first == OPEN, bool(first), bool(first)
        threading.Thread(target=self._write, name="writer", daemon=True).start()
        with contextlib.suppress(OSError):  # a command that is killed with unread replies resets the connection
            while self._channel.recv(1):
                self._waiting = True
                if self._imported:  # from now on the store is to blame if it takes long
                    self._reply(PROGRESS)
                self._requests.release()
        self._ended = True
        self._requests.release()

    def _write(self) -> None:
        try:
            while not self._ended:
                failure = self._pass_over_the_outbox()
                pause = _SECONDS_AFTER_A_FAILURE if failure else _SECONDS_BETWEEN_PASSES
                self._awaited = self._requests.acquire(timeout=pause)
        except BaseException:
            try:
                traceback.print_exc()
            finally:  # stderr may be what is broken
                os._exit(FAILED)

    def _pass_over_the_outbox(self) -> str | None:
        """Returns why it failed. One that is asked for is tried again at once where it failed after progress."""
        for _ in range(_MOST_TRIES if self._awaited else 1):
            before, failure = self._progress, self._try()
            if failure is None or self._progress == before:
                break
        if failure and self._opens and self._mirror is None:
            self._reply(f"{REFUSED} {failure}", over=True)
        else:
            with contextlib.suppress(OSError):  # of a stderr that nobody reads
                self._print(failure)
            self._reply(OVER, over=True)
        return failure

    def _try(self) -> str | None:
        try:
            import mlflow  # noqa: F401  # takes seconds
        except Exception as error:
            return f"MLflow can't be imported: {one_line(error)}"
        self._imported = True
        self._reply(PROGRESS)
        try:
            if self._mirror is None:
                with as_user_errors(self._tracking):
                    client, experiment = open_store(self._tracking)
                store = Store(cast(Any, _Counted(client, self._count)), experiment)
                self._mirror = OutboxMirror(self._outbox, self._tracking, store, self._synced, self._left)
                self._count()
            self._mirror.mirror(last=self._awaited)
        except UserError as error:
            return str(error)
        except Exception as error:
            return f"the MLflow store {without_credentials(store_uri(self._tracking))} failed: {one_line(error)}"
        return None

    def _count(self) -> None:
        self._progress += 1
        self._reply(PROGRESS)

    def _left(self, number: int) -> None:
        if self._awaited:
            self._reply(f"{PROGRESS} {number}")

    def _reply(self, text: str, over: bool = False) -> None:
        if self._waiting and (self._awaited or not over):
            if over:
                self._waiting = False  # first: once the command has the answer, it may wait for another pass
            with contextlib.suppress(OSError):  # `listen` finds out, too
                self._channel.sendall(f"{' '.join(text.split())}\n".encode())

    def _print(self, failure: str | None) -> None:
        if failure:
            if not self._warned:
                self._warned = True
                later = "the run folders have everything, and it is recorded when the store is back"
                print(f"warning: {failure}; {later}", file=sys.stderr)
            return
        if self._warned and not self._back:
            self._back = True
            print("the MLflow store is back; recording continues", file=sys.stderr)
        if recorded := len(self._synced.recorded):
            print(f"MLflow: {recorded} run{'s'[: recorded != 1]} of earlier commands recorded", file=sys.stderr)
        for entries in self._synced:
            entries.clear()


class _Counted:
    """A client of the store that calls `count` after each of its own calls."""

    def __init__(self, client: object, count: Callable[[], None]) -> None:
        self._client, self._count = client, count

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            answer = getattr(self._client, name)(*arguments, **named)
            self._count()
            return answer

        return call


def main() -> None:
    """The process."""
    # A shutdown signals every process: the command records how it ended, and then ends this one. With `stty tostop`, a
    # terminal stops background processes that write.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTTOU):
        signal.signal(ignored, signal.SIG_IGN)
    # Importing MLflow makes a million objects that stay. Searching them for garbage after every 700 new ones, as is the
    # default, is a third of the time that it takes.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    for name in _IN_VAIN:
        sys.modules[name] = None  # type: ignore[assignment]  # how Python marks what can't be imported
    channel, owner, experiment, *uri = sys.argv[1:]
    tracking = Tracking(uri=uri[0] if uri else None, experiment=experiment)
    Writer(socket.socket(fileno=int(channel)), tracking, owner).listen()
    os._exit(0)  # at once: MLflow's own handlers, which have nothing to do, take half a second


if __name__ == "__main__":
    main()
