"""MLflow's own first opening of an SQLite store is not safe; ours is, whoever else opens it and whoever is killed."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, environment
from tests.faults import opening
from tests.faults.figures import Injections

pytestmark = pytest.mark.slow


def test_a_store_opens_whoever_opens_it_at_once_and_whoever_is_killed(tmp_path: Path, injections: Injections) -> None:
    kills = injections.wanted(50)
    command = [sys.executable, "-m", "tests.faults.opening", str(tmp_path), str(kills)]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with injections.of("8 processes open a fresh store at once"):
            together = json.loads(process.stdout.readline())
            assert together == {"codes": [0] * opening.AT_ONCE, "runs": opening.AT_ONCE}
        for _ in range(kills):
            with injections.of("kill -9 during the first opening of a store"):
                told = json.loads(process.stdout.readline())
                first, *others = told["codes"]
                assert first in (-signal.SIGKILL, 0)  # 0: it was faster
                assert others == [0, 0]
                assert told["runs"] in (2, 3)
                assert told["left"] == []
    assert process.returncode == 0
