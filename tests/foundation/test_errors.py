"""Exit codes, and one line for the user's mistakes."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from src.foundation import errors
from tests.conftest import ROOT


def raising(error: BaseException) -> Callable[[], None]:
    def main() -> None:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (errors.UserError("key=1:\n no such  key"), 2, "error: key=1: no such key\n"),
        (errors.RunFailed("failed: diverged"), 1, "error: failed: diverged\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), 2, "error: /data/x: no space left on the disk\n"),
    ],
)
def test_an_ending_has_its_exit_code_and_one_line(
    error: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        errors.run_command(raising(error))
    assert ended.value.code == code
    assert capsys.readouterr().err == told


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        errors.run_command(raising(ZeroDivisionError()))


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_waits_for_what_is_under_way(ending: signal.Signals) -> None:
    before = signal.getsignal(ending)
    signal.signal(ending, signal.default_int_handler)
    done = []

    def work() -> None:
        with errors.interrupts_wait():
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
        with errors.interrupts_wait():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_kill_ends_as_an_interruption() -> None:
    script = (
        "import os, signal; from src.foundation.errors import run_command\n"
        "run_command(lambda: os.kill(os.getpid(), signal.SIGTERM))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "error: interrupted\n")


def test_a_misspelt_word_is_answered_with_the_nearest() -> None:
    assert errors.suggestion("rleu", ["relu", "tanh"]).startswith("did you mean relu?")
    assert errors.suggestion("xyzzy", ["relu", "tanh"]) == "allowed: relu, tanh"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"], ids=["stdout", "stderr", "all"])
def test_a_closed_stream_leads_nowhere(closed: str, tmp_path: Path) -> None:
    """No traceback; and what this process or its children print is in no file that has got the stream's number."""
    script = (
        "import subprocess, sys; from src.foundation.errors import run_command\n"
        "def main():\n"
        "    with open(sys.argv[1], 'w') as file:\n"
        "        print('told', flush=True)\n"
        "        print('warned', file=sys.stderr)\n"
        "        subprocess.run(['sh', '-c', 'cat; echo told; echo warned >&2'], check=True, close_fds=False)\n"
        "        file.write('content')\n"
        "run_command(main)"
    )
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", script, str(tmp_path / "file")]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout == ("told\ntold\n" if closed == "2>&-" else "")
    assert done.stderr == ("warned\nwarned\n" if closed == ">&-" else "")
    assert (tmp_path / "file").read_text() == "content"
