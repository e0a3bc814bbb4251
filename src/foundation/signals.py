"""Interrupts that wait until a critical section has finished."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def interrupts_wait() -> Iterator[None]:
    """Delays interrupts until the block ends, so that something like a database transaction completes."""
    waiting: list[int] = []
    held = {}
    if threading.current_thread() is threading.main_thread():  # the only thread that receives signals
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
