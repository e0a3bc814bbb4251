"""Interruptions that wait until what is under way is completed."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def interrupts_wait() -> Iterator[None]:
    """Holds interruptions back until the block ends: what is under way, like a database's transaction, is completed."""
    waiting: list[int] = []
    held = {}
    if threading.current_thread() is threading.main_thread():  # the only one that signals interrupt
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if callable(signal.getsignal(ending)):
                held[ending] = signal.signal(ending, lambda signum, frame: waiting.append(signum))
    try:
        yield
    finally:
        for ending, handler in held.items():
            signal.signal(ending, handler)
    if waiting:
        raise KeyboardInterrupt
