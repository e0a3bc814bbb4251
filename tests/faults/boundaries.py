"""Kills this process at the n-th boundary of its writing: before or after anything that changes a file or a folder.

What is written goes to the system at once, so that a file can be caught half written.
"""

import builtins
import io
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CALLS = ("open", "replace", "rename", "fsync", "unlink", "mkdir", "rmdir", "truncate", "ftruncate")


class Boundaries:
    """Counts the boundaries of writing below a folder, and dies at number `deadly` of them, from 1; 0: at none."""

    def __init__(self, folder: Path, deadly: int) -> None:
        self._folder = os.path.realpath(folder)
        self._deadly = deadly
        self._descriptors: set[int] = set()
        self.passed: list[str] = []

    def install(self) -> None:
        """From now on, for good."""
        for name in _CALLS:
            setattr(os, name, self._around(name, getattr(os, name)))
        opened = self._opening(io.open)
        builtins.open = io.open = opened

    def _pass(self, what: str) -> None:
        self.passed.append(what)
        if len(self.passed) == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    def _concerns(self, target: Any) -> bool:
        if isinstance(target, int):
            return target in self._descriptors
        return isinstance(target, str | os.PathLike) and os.path.realpath(target).startswith(self._folder)

    def _around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(target: Any, *rest: Any, **more: Any) -> Any:
            reads = name == "open" and not (rest[0] if rest else more["flags"]) & (os.O_WRONLY | os.O_RDWR)
            if reads or not self._concerns(target):
                return call(target, *rest, **more)
            what = f"{name} {'' if isinstance(target, int) else os.path.basename(target)}"
            self._pass(f"before {what}")
            done = call(target, *rest, **more)
            if name == "open":
                self._descriptors.add(done)
            self._pass(f"after {what}")
            return done

        return called

    def _opening(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def opened(target: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
            if not set(mode) & set("wax+") or not self._concerns(target):
                return call(target, mode, *rest, **more)
            if not isinstance(target, int):
                self._pass(f"before opening {os.path.basename(target)}")
            file = _Written(call(target, mode, *rest, **more), self._pass)
            self._descriptors.add(file.fileno())
            return file

        return opened


class _Written:
    """A file whose every write is a boundary, of which half of the bytes are one, too."""

    def __init__(self, file: Any, passed: Callable[[str], None]) -> None:
        self._file = file
        self._passed = passed

    def write(self, data: Any) -> int:
        half = len(data) // 2
        for part in (data[:half], data[half:]) if half else (data,):
            self._passed("before a write")
            self._file.write(part)
            self._file.flush()
        self._passed("after a write")
        return len(data)

    def __enter__(self) -> "_Written":
        self._file.__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        return self._file.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
