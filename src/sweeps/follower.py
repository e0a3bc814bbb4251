"""Follows the runs of other processes by their folders, and prints a line when one ends.

The jobs of a sweep only write their folders; the parent reports on them, so it also reports what a killed worker left.
"""

import contextlib
import threading
from collections.abc import Sequence

from src.foundation.errors import UserError
from src.reporting.console import print_above, progress_bar
from src.runs.folder import RunFolder, Status

_SECONDS_BETWEEN_LOOKS = 0.3


class Follower:
    """A context in which a thread watches run folders, and prints how each run ends above one progress bar for all.

    runs: each with the label of its job, and with its status before the launch, which is of an earlier attempt and is
    ignored.
    """

    def __init__(self, runs: Sequence[tuple[RunFolder, str, Status]]) -> None:
        self._running = list(runs)
        self._bar = progress_bar(len(runs), "job")
        self._stop = threading.Event()
        self._looking = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="follower", daemon=True)

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()  # a line that is under way is completed

    def look(self) -> None:
        """Prints what has ended since the last look."""
        with self._looking:  # an interruption may leave the context before the thread has ended
            self._running = [run for run in self._running if not self._has_ended(*run)]

    def close(self) -> None:
        """Looks once more, for what ended last, and removes the bar; to be called after the context."""
        self.look()
        self._bar.close()

    def _watch(self) -> None:
        while not self._stop.wait(_SECONDS_BETWEEN_LOOKS):
            self.look()

    def _has_ended(self, folder: RunFolder, label: str, before: Status) -> bool:
        try:
            status = folder.status()
            # Figures are drawn after the status is final: all is there when the run's process lets go.
            if not status or status == before or status["status"] == "running" or not folder.idle():
                return False
            line = f"{status['status']}: {label}"
            if folder.finished():
                with contextlib.suppress(LookupError, TypeError):  # a damaged result: the line goes without numbers
                    line += f"  test {folder.result()['test']['accuracy']:.2%}  {folder.timing()['seconds']:.1f} s"
        except (UserError, OSError):  # the folder is being emptied for a new attempt; the next look shows
            return False
        with contextlib.suppress(OSError, ValueError):  # a full disk, a closed stream: the table at the end has it, too
            print_above(self._bar, line)
            self._bar.update()
        return True
