"""`kill -9` of `dvc repro`, its child left alive or not: the next `make repro` makes it good, with no manual step."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import Shell
from tests.faults.figures import Injections
from tests.helpers.pipelines import compose, ran
from tests.helpers.processes import until
from tests.pipeline.test_doctor import UNTRACKED, doctor, outcome, output, repro, runs, started

pytestmark = pytest.mark.slow
MADE = ("models", "plots", "metrics", "runs", "data", ".dvc/cache", ".dvc/tmp", "dvc.lock", "output.tmp")
STAGES = 6  # up to `train`


@pytest.fixture
def checkout(unrecorded: Path) -> Path:
    return unrecorded


def test_a_repro_killed_at_any_moment_is_made_good_by_the_next_one(
    checkout: Path, shell: Shell, injections: Injections
) -> None:
    reference = outcome(checkout)
    compose(shell, *UNTRACKED)
    draw = random.Random(0)
    for number in range(injections.wanted(30)):
        assert shell("rm", "-rf", *MADE).returncode == 0
        left_alive = number % 3 > 0
        what = "kill -9 of dvc repro" + (", its child left alive" if left_alive else " and of its child")
        with injections.of(what):
            killed = started(checkout, "dvc", "repro", "train")
            begun = draw.randint(0, STAGES)
            until(lambda begun=begun: len(ran(output(checkout))) >= begun, killed)
            time.sleep(draw.uniform(0.1, 1.5))  # a stage takes about a second
            if left_alive:
                killed.send_signal(signal.SIGKILL)
            else:
                os.killpg(killed.pid, signal.SIGKILL)
            killed.wait()
            repro(shell)
            assert outcome(checkout) == reference
            assert doctor(shell).stdout == "all is well\n"
            assert len(runs(checkout)) == 1
