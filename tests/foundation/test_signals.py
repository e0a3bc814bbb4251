"""Interruptions that wait until what is under way is completed."""

import os
import signal

import pytest

from src.foundation.signals import interrupts_wait


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_waits_for_what_is_under_way(ending: signal.Signals) -> None:
    before = signal.getsignal(ending)
    signal.signal(ending, signal.default_int_handler)
    done = []

    def work() -> None:
        with interrupts_wait():
            os.kill(os.getpid(), ending)
            done.append("completed")
        done.append("gone on")

    try:
        with pytest.raises(KeyboardInterrupt):
            work()
        assert done == ["completed"]
        assert signal.getsignal(ending) is signal.default_int_handler
    finally:
        signal.signal(ending, before)


def test_an_interruption_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_wait():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
