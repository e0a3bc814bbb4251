"""`kill -9` of `dvc repro`, its child left alive or not: the next `make repro` makes it good, with no manual step."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import Shell
from tests.faults.figures import Injections
from tests.pipeline.test_doctor import MADE, compose, doctor, outcome, repro, started

pytestmark = pytest.mark.slow


def test_a_repro_killed_at_any_moment_is_made_good_by_the_next_one(
    checkout: Path, shell: Shell, injections: Injections
) -> None:
    compose(shell, "train.epochs=30")
    start = time.monotonic()
    repro(shell)
    seconds = time.monotonic() - start
    reference = outcome(checkout)
    draw = random.Random(0)
    for number in range(injections.wanted(30)):
        assert shell("rm", "-rf", *MADE).returncode == 0
        left_alive = number % 3 > 0
        what = "kill -9 of dvc repro" + (", its child left alive" if left_alive else " and of its child")
        with injections.of(what):
            killed = started(checkout, "dvc", "repro", "train")
            time.sleep(draw.uniform(0.2, seconds))
            if left_alive:
                killed.send_signal(signal.SIGKILL)
            else:
                os.killpg(killed.pid, signal.SIGKILL)
            killed.wait()
            repro(shell)
            assert outcome(checkout) == reference
            assert doctor(shell).stdout == "all is well\n"
            trained = [path for path in checkout.glob("runs/*") if len(path.name) == 64]
            assert len(trained) == 1
