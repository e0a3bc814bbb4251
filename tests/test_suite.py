"""The suite itself: what collecting it costs, and that nothing a test starts outlives it."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.conftest import COLLECTED, ROOT
from tests.helpers.processes import until

TESTS = """
import os, signal, subprocess, sys
from pathlib import Path

SLEEP = "import time; time.sleep(1000)"
LEAVES_ONE = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdout=2).pid)"


def test_that_fails_with_a_process_under_way():
    process = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
    orphan = subprocess.run(
        [sys.executable, "-c", LEAVES_ONE, SLEEP], stdout=subprocess.PIPE, start_new_session=True
    ).stdout.decode()
    Path("pids").write_text(f"{process.pid} {orphan}")
    assert False


def test_that_interrupts():
    process = subprocess.Popen([sys.executable, "-c", "print('ready', flush=True);" + SLEEP], stdout=subprocess.PIPE)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == -signal.SIGINT
"""


def test_collecting_imports_no_mlflow_and_composes_nothing(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.stash[COLLECTED] == set()


def test_what_a_failing_test_started_ends_and_a_background_shell_ignores_no_interrupt(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    pytest_ = "-m pytest -q -p tests.helpers.processes -c /dev/null --rootdir . test_it.py"
    done = subprocess.run(
        ["sh", "-c", f'trap "" INT; exec "$0" {pytest_}', sys.executable],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    until(lambda: not any(psutil.pid_exists(pid) for pid in pids), seconds=10)
