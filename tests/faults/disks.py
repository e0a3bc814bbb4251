"""A small disk: a tmpfs of a size that can change, in a mount namespace of its own, and commands that run on it.

So nothing is left mounted whatever happens, and no privileges are needed where users may have namespaces.
"""

import contextlib
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.helpers.processes import until


class SmallDisk:
    """A disk of `kilobytes` that lies over a folder, for those commands alone that are run by it."""

    def __init__(self, folder: Path, holder: subprocess.Popen[bytes]) -> None:
        self._folder = folder
        self._enter = ["nsenter", f"--target={holder.pid}", "--user", "--mount", "--preserve-credentials"]
        self._enter += ["env", "--chdir", str(folder.parent)]  # entering leads to the root
        self.seen = Path(f"/proc/{holder.pid}/root") / folder.relative_to("/")  # from outside

    def run(self, command: Sequence[str], **more: object) -> subprocess.CompletedProcess[str]:
        given = {"capture_output": True, "text": True, "timeout": 600, "check": False}
        return subprocess.run([*self._enter, *command], **{**given, **more})  # type: ignore[call-overload,no-any-return]

    def resize(self, kilobytes: int) -> None:
        options = f"remount,size={kilobytes}k"
        done = self.run(["mount", "-o", options, str(self._folder)])
        assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[SmallDisk]:
    """Lays a small disk over a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = f"mount -t tmpfs -o size={kilobytes}k small {folder.as_posix()!r} && touch {folder.as_posix()!r}/.there"
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", f"{mount} && exec sleep infinity"]
    with subprocess.Popen(command, start_new_session=True) as holder:
        try:
            disk = SmallDisk(folder, holder)
            until((disk.seen / ".there").exists, holder, seconds=30)  # fails where users have no mount namespaces
            yield disk
        finally:
            os.killpg(holder.pid, signal.SIGKILL)


def no_file_above(limit: int) -> Callable[[], None]:
    """For `preexec_fn`: the process can write no file of more than so many bytes."""

    def set_limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error like any other, instead
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return set_limit
