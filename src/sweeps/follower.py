"""Follows the runs of other processes by their folders.

The jobs of a sweep only write their folders; the parent reports on them, so it also reports what a killed worker left.
"""

import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from src.foundation.errors import UserError
from src.runs.folder import RunFolder, Status
from src.runs.journal import Journal
from src.runs.tracker import Tracker

_SECONDS_BETWEEN_LOOKS = 0.3
_FINAL = ("finished", "failed", "killed")


class Follower:
    """A context in which a thread watches run folders and calls each one's tracker about news.

    runs: each with its status before the launch, which is of an earlier attempt and is ignored; an empty status for a
    run that nobody trains now, so that its folder is reported as it is.
    """

    def __init__(self, runs: Sequence[tuple[RunFolder, Tracker, Status]]) -> None:
        self._followed = [_Followed(*run) for run in runs]
        self._stop = threading.Event()
        self._looking = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="follower", daemon=True)

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()  # a write that is under way is completed

    def look(self) -> None:
        """Reports what is new; call it once more after the context, for the last news."""
        with self._looking:  # an interruption may leave the context before the thread has ended
            for followed in self._followed:
                followed.look()

    def _watch(self) -> None:
        while not self._stop.wait(_SECONDS_BETWEEN_LOOKS):
            self.look()


class _Followed:
    """One run folder, and how much of it has been reported."""

    def __init__(self, folder: RunFolder, tracker: Tracker, before: Status) -> None:
        self._folder = folder
        self._tracker = tracker
        self._before = before
        self._started = self._ended = False
        self._journal = Journal(folder.path / "journal.jsonl")
        self._epoch = -1  # the last one that was reported

    def look(self) -> None:
        if self._ended:
            return
        try:
            status = self._folder.status()
            if not status or status == self._before:
                return
            news = [record for record in self._journal.new() if record["epoch"] > self._epoch]
        except (UserError, OSError):  # the folder is being emptied for a new attempt; the next look shows
            return
        # Figures are drawn after the status is final: all is there when the run's process lets go.
        self._ended = status["status"] in _FINAL and self._folder.idle()
        try:
            self._report(news)
        except Exception as error:
            self._ended = True
            print(f"warning: {error} ({self._folder.path} holds everything)", file=sys.stderr)

    def _report(self, news: list[dict[str, Any]]) -> None:
        if not self._started:
            self._tracker.started(self._folder.path)
            self._started = True
        if news:
            self._tracker.advanced(self._folder.path, news[-1])
            self._epoch = news[-1]["epoch"]
        if self._ended:
            self._tracker.ended(self._folder.path)
