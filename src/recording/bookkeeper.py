"""Who keeps a store level with what a command records: a thread that looks, writes what is new, and asks again.

The store may be slow, fail, or be away: that costs one warning. Whatever it lacks when the command ends is on the disk,
and `python -m src.sync`, or the next command, brings it level.
"""

import contextlib
import math
import sys
import threading
import time

from src.config.tracking import Tracking
from src.recording.books import Books
from src.recording.records import Record, Records
from src.recording.store import is_server, one_line, store_uri, without_credentials

_SECONDS_BETWEEN_LOOKS = 0.3
_SECONDS_UNTIL_ASKED_AGAIN = 15.0  # a store that failed
_SECONDS_OF_PATIENCE = 8.0  # at the end, with a server that makes no progress
_SECONDS_FOR_A_DATABASE = 60.0  # a local one, which is slow where the machine is, and else fails by itself
_SECONDS_UNTIL_TOLD = 3.0
_MOST_TRIES = 3  # at the end, with a store that does some of what it is asked to


class Bookkeeper:
    """Keeps a store level with what `follow` was told of, between `start` and `leave`, in a thread of its own.

    owner: of the records, who notes them and lives at least as long.
    """

    def __init__(self, tracking: Tracking, owner: str) -> None:
        self._tracking = tracking
        self._patience = _SECONDS_OF_PATIENCE if is_server(store_uri(tracking)) else _SECONDS_FOR_A_DATABASE
        self._books = Books(tracking, Records(owner))
        self._news = threading.Condition()
        self._asked = self._answered = 0  # passes over everything, which someone waits for
        self._progress = math.inf  # when the store last did what it was asked to
        self._left = threading.Event()  # the command has ended
        self._failing = self._gave_up = self._warned = self._told_back = False
        self._hurried = False  # who waits would rather not
        self._thread = threading.Thread(target=self._work, name="recording", daemon=True)

    def start(self, opened: bool) -> None:
        """Begins. With `opened`, the store is opened first, and one that can't be used raises `UserError`."""
        if opened:
            self._books.open()
        self._thread.start()

    def leave(self) -> None:
        """Ends: all is in the store, or told to be missing there."""
        self.settle()
        with self._news:
            self._left.set()
            self._news.notify_all()
        self._thread.join(_SECONDS_BETWEEN_LOOKS if self._failing else self._patience)
        with contextlib.suppress(OSError):  # of a full disk: what isn't noted as level is looked at once more
            self._books.close()
        if self._failing:
            print("MLflow lacks some of this; `python -m src.sync` records the rest", file=sys.stderr)

    def follow(self, noted: Record) -> None:
        """Has the run of the record's folder recorded from now on, or the parent."""
        self._books.follow(noted)

    def settle(self) -> bool:
        """Waits until the store has all that there is by now, unless it makes no progress.

        Returns whether it has all.
        """
        with self._news:
            if self._failing and self._gave_up:
                return False
            self._asked += 1
            asked, since = self._asked, time.monotonic()
            told = not sys.stderr.isatty()  # how long it takes is for a person, as a progress bar is
            self._news.notify_all()
            while self._answered < asked:
                self._news.wait(0.1)
                idle = time.monotonic() - max(self._progress, since)
                if idle > self._patience or self._hurried:
                    self._failing = True
                    break
                if idle > _SECONDS_UNTIL_TOLD and not told:
                    told = True
                    print("waiting for the MLflow store; Ctrl-C leaves it to `python -m src.sync`", file=sys.stderr)
            self._gave_up, self._hurried = self._failing, False
            return not self._failing and self._books.level

    def hurry(self) -> None:
        """Has `settle`, in another thread, give up waiting."""
        with self._news:
            self._hurried = True
            self._news.notify_all()

    # --- The thread

    def _work(self) -> None:
        with contextlib.suppress(Exception):  # the first look tells
            import mlflow  # noqa: F401  # which takes a second or more, and is no fault of the store's

        self._progress = time.monotonic()
        tries = 0
        while not self._left.is_set():
            with self._news:
                asked, start = self._asked, self._progress
            failure: Exception | None = None
            try:
                for _ in self._books.look():
                    self._progress = time.monotonic()
                    if self._left.is_set():
                        return
            except Exception as error:
                failure = error
            self._tell(failure)
            with self._news:
                tries += 1
                if failure is None or self._progress <= start or tries >= _MOST_TRIES:
                    self._answered = asked
                    self._news.notify_all()
                    tries = 0
                pause = _SECONDS_UNTIL_ASKED_AGAIN if failure else _SECONDS_BETWEEN_LOOKS
                self._news.wait_for(lambda: self._left.is_set() or self._asked > self._answered, pause)

    def _tell(self, failure: Exception | None) -> None:
        if failure is None:
            if self._failing and not self._told_back:
                self._told_back = True
                print("the MLflow store is back; recording goes on", file=sys.stderr)
            self._failing = False
            if brought := self._books.news():
                print(f"MLflow: {brought} records of earlier commands brought level", file=sys.stderr)
            return
        self._failing = True
        if not self._warned:
            self._warned = True
            print(
                f"warning: the MLflow store {without_credentials(store_uri(self._tracking))} failed "
                f"({one_line(failure)}); the run folders hold everything, and it gets what it lacks when it is back",
                file=sys.stderr,
            )
