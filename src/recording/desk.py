"""A bookkeeper in a process of its own, and the desk at which it is told and asked, in JSON.

The process ends with who started it, however that ends: the connection is closed then.
"""

import contextlib
import dataclasses
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from src.cli.command import FAILED
from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.foundation.files import ROOT
from src.foundation.signals import interrupts_wait
from src.recording.bookkeeper import Bookkeeper
from src.recording.records import Record

_SECONDS_TO_GO = 5.0
_OBJECTS_BETWEEN_COLLECTIONS = 100_000

Message = dict[str, Any]  # a question, and its answer, have a `number`


class Desk:
    """A `Bookkeeper` that works elsewhere; one that dies costs a warning, and its records are left to `src.sync`."""

    def __init__(self, tracking: Tracking, owner: str) -> None:
        self._hired = {"uri": tracking.uri, "experiment": tracking.experiment, "owner": owner}
        self._asked = 0
        self._answer: Message = {}  # the last one
        self._dead = False

    def start(self, opened: bool) -> None:
        """Starts the process. With `opened`, waits until it has opened the store: `UserError` where it can't."""
        self._connection, theirs = Pipe()
        path = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                process_group=0,  # not that of a terminal's Ctrl-C, whose consequences are to be recorded
            )
        try:
            self._send(self._hired)
            if not opened:
                self._send({"what": "start", "opened": False})
            else:
                self._ask("start", opened=True)
                if self._wait() is None:
                    raise UserError(
                        "MLflow can't be used: it ended the process that it runs in; tracking=off does without"
                    )
        except BaseException:
            self._close()
            raise

    def follow(self, noted: Record) -> None:
        """As of a `Bookkeeper`."""
        self._send({"what": "follow", "noted": dataclasses.asdict(noted)})

    def settle(self) -> bool:
        """As of a `Bookkeeper`; a Ctrl-C ends the waiting."""
        answer = self._ask_and_wait("settle")
        return bool(answer and answer["level"])

    def leave(self) -> None:
        """As of a `Bookkeeper`; a Ctrl-C ends the waiting."""
        try:
            self._ask_and_wait("leave")
        finally:
            self._close()

    def _ask_and_wait(self, what: str) -> Message | None:
        before, hurried = self._asked, False
        while True:
            try:
                if self._asked == before:
                    self._ask(what)
                return self._wait()
            except KeyboardInterrupt:
                if hurried:
                    self._process.kill()
                hurried = True
                self._send({"what": "hurry"})

    def _ask(self, what: str, **arguments: Any) -> None:
        with interrupts_wait():
            self._asked += 1
            self._send({"what": what, "number": self._asked, **arguments})

    def _wait(self) -> Message | None:
        """The answer to what was asked last; None if there is nobody to give it."""
        while self._answer.get("number") != self._asked:
            if self._dead:
                return None
            try:
                while not self._connection.poll(0.2):  # for ever, it would miss a Ctrl-C that came just before
                    pass
                with interrupts_wait():  # or half of an answer might be lost
                    self._answer = json.loads(self._connection.recv_bytes())
            except (EOFError, OSError):
                self._tell_death()
        if "refused" in self._answer:
            raise UserError(self._answer["refused"])
        if "machine" in self._answer:
            raise OSError(*self._answer["machine"])
        return self._answer

    def _send(self, message: Message) -> None:
        if not self._dead:
            try:
                with interrupts_wait():
                    self._connection.send_bytes(json.dumps(message).encode())
            except OSError:
                self._tell_death()

    def _tell_death(self) -> None:
        self._dead = True
        print(
            "warning: the process that writes to MLflow is gone; `python -m src.sync` records what it has left",
            file=sys.stderr,
        )

    def _close(self) -> None:
        self._connection.close()
        try:
            self._process.wait(_SECONDS_TO_GO)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Clerk:
    """The other side of the desk."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._messages: SimpleQueue[Message] = SimpleQueue()

    def work(self) -> None:
        """Takes messages as long as there is somebody who sends them."""
        with contextlib.suppress(EOFError, OSError):
            hired = self._receive()
            bookkeeper = Bookkeeper(Tracking(uri=hired["uri"], experiment=hired["experiment"]), hired["owner"])
            threading.Thread(target=self._serve, args=[bookkeeper], daemon=True).start()
            while message := self._receive():
                if message["what"] == "hurry":  # who is waited for in the other thread
                    bookkeeper.hurry()
                else:
                    self._messages.put(message)

    def _receive(self) -> Message:
        message: Message = json.loads(self._connection.recv_bytes())
        return message

    def _serve(self, bookkeeper: Bookkeeper) -> None:
        try:
            while True:
                message = self._messages.get()
                answer = _do(bookkeeper, **message)
                if "number" in message:
                    self._connection.send_bytes(json.dumps({"number": message["number"], **answer}).encode())
        except OSError:  # the command is gone
            os._exit(FAILED)
        except BaseException:
            traceback.print_exc()
            os._exit(FAILED)


def _do(bookkeeper: Bookkeeper, what: str, number: int | None = None, **arguments: Any) -> Message:
    try:
        match what:
            case "start":
                bookkeeper.start(**arguments)
            case "follow":
                bookkeeper.follow(Record(**arguments["noted"]))
            case "settle":
                return {"level": bookkeeper.settle()}
            case "leave":
                bookkeeper.leave()
    except UserError as error:
        return {"refused": str(error)}
    except OSError as error:
        return {"machine": [error.errno, error.strerror, error.filename]}
    return {}


def main() -> None:
    """The process."""
    # Whoever ends everything, as a shutdown does, leaves the command to end this.
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # some terminals stop whoever writes from another group
    # Importing MLflow makes a million objects that stay. To look through them after every 700 new ones, as is the
    # default, is a third of the time that it takes.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    Clerk(Connection(sys.stdin.fileno())).work()
    os._exit(0)  # at once: MLflow's own handlers, which have nothing to do, take half a second


if __name__ == "__main__":
    main()
