"""How a command starts and ends: wrong options, exit codes, one line for errors, and closed standard streams."""

import errno
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from src.cli.command import Arguments, run_command
from src.cli.stage import alone
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import write_text
from tests.conftest import ROOT
from tests.helpers.commands import run_main
from tests.helpers.refusals import assert_rejected, refusal

COMMANDS = ("check", "compose", "doctor", "evaluate", "fetch", "normalize", "replay", "report", "split", "sync")


def raising(error: BaseException) -> Callable[[], None]:
    def main() -> None:
        raise error

    return main


def test_no_abbreviation_chooses_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """`prune --keep 3` would otherwise keep the 3 best runs, whatever was meant."""
    parser = Arguments("runs prune", None)
    parser.add_argument("--keep-best", type=int)
    parser.add_argument("--dry-run", action="store_true")
    assert parser.parse_args(["--keep-best=3", "--dry-run"]).keep_best == 3
    for option in ("--keep-best", "--dry-run"):
        for end in range(3, len(option)):
            typed = f"{option[:end]}=3"
            monkeypatch.setattr(sys, "argv", ["prune", typed])
            message = refusal(parser.parse_args, [typed])
            assert message.startswith(f"{option[:end]}: no such option of `python -m src.runs prune`; ")
            assert "--dry-run, --help, --keep-best" in message


def test_a_value_may_begin_with_a_dash_unless_it_is_an_option() -> None:
    parser = Arguments("runs", None)
    parser.add_argument("--sort")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("names", nargs="*")
    for value in ("-seconds", "-3", "--none", "-x=1", "-", "seconds"):
        assert parser.parse_args(["--sort", value, "--json"]).sort == value
        assert parser.parse_args([f"--sort={value}", "--json"]).sort == value
    for option in ("--json", "-h", "--", "--help"):
        assert "expected one argument" in refusal(parser.parse_args, ["--sort", option])
    assert "unrecognized arguments: -x" in refusal(parser.parse_args, ["name", "-x"])


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (UserError("key=1:\n no such  key"), 2, "error: key=1: no such key\n"),
        (RunFailed("failed: diverged"), 1, "error: failed: diverged\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), 2, "error: /data/x: no space left on the disk\n"),
    ],
)
def test_an_ending_has_its_exit_code_and_one_line(
    error: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(raising(error))
    assert ended.value.code == code
    assert capsys.readouterr().err == told


USES: list[Callable[[Path], object]] = [
    lambda path: path.mkdir(parents=True, exist_ok=True),
    lambda path: (path / "new").mkdir(),
    lambda path: (path / "deep" / "new").mkdir(parents=True),
    lambda path: (path / "file").read_text(),
    lambda path: write_text(path / "file", ""),
    lambda path: list(os.scandir(path)),
]


@pytest.mark.parametrize("use", USES)
def test_a_link_to_what_is_not_there_is_named(
    use: Callable[[Path], object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "on").symlink_to("nowhere")
    for name, target in (("gone", "/nowhere/runs"), ("loop", "loop"), ("further", "on/there")):
        (link := tmp_path / name).symlink_to(target)
        with pytest.raises(SystemExit) as ended:
            run_command(lambda link=link: use(link))
        assert ended.value.code == 2
        assert capsys.readouterr().err == f"error: {link} is a link to {target}, which is not there\n"


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_the_locale_can_not_write_is_replaced(encoding: str, errors: str) -> None:
    program = """
from src.cli.command import Arguments, run_command
from src.cli.stage import alone
from src.foundation.errors import UserError
def main():
    print("caf\\u00e9 \\u2026")
    raise UserError("name=\\U0001f600: unknown")
run_command(main)
"""
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": f"{encoding}:{errors}"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | variables, capture_output=True)
    letters = "caf? ?\n" if encoding == "ascii" else "caf\u00e9 ?\n"
    assert (done.returncode, done.stdout.decode(encoding), done.stderr) == (2, letters, b"error: name=?: unknown\n")


@pytest.mark.parametrize(
    ("what", "is_here", "told"),
    [
        ("platform", "win32", "WSL"),
        ("version_info", (3, 14, 0), "Python 3.14"),
        ("version_info", (3, 15), "Python 3.15"),
    ],
)
def test_where_it_can_not_work_every_command_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, what: str, is_here: object, told: str
) -> None:
    commands = (*COMMANDS, "train", "ablation", "runs", "predict", "show", "score", "compare", "add", "code")
    for command in commands:  # so that nothing is imported, and kept, as if this were another system
        importlib.import_module("src.runs.__main__" if command == "runs" else f"src.{command}")
    for command in commands:
        with monkeypatch.context() as patch:
            patch.setattr(sys, what, is_here)
            done = run_main(command)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), command
        assert told in done.stderr


def test_every_command_comes_to_say_what_it_needs_without_what_windows_lacks() -> None:
    commands = [
        f"src.{file.stem}" for file in (ROOT / "src").glob("*.py") if file.stem[0] != "_" and file.stem != "src"
    ]
    lacking = "import sys; sys.modules.update(dict.fromkeys(('fcntl', 'grp', 'pwd', 'resource', 'termios')))"
    imports = f"{lacking}; import {', '.join(commands)}, src.runs.__main__"
    done = subprocess.run([sys.executable, "-c", imports], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command(raising(ZeroDivisionError()))


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"], ids=["stdout", "stderr", "all"])
def test_a_closed_stream_leads_nowhere(closed: str, tmp_path: Path) -> None:
    """No traceback; and what this process or its children print is in no file that has got the stream's number."""
    script = (
        "import subprocess, sys; from src.cli.command import run_command\n"
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


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_option_gets_one_line(command: str) -> None:
    done = run_main(command, "--nosuch", "value")
    assert_rejected(done, f"error: --nosuch: no such option of `python -m src.{command}`; allowed: ")
    assert "--help" in done.stderr


def test_a_wrong_value_of_an_option_gets_one_line() -> None:
    done = run_main("replay", "--bound", "x", "0123")
    assert_rejected(
        done, "error: argument --bound: invalid float value: 'x'; `python -m src.replay --help` lists what is"
    )


@pytest.mark.parametrize("error", [UserError("model.act=rleu: unknown"), RunFailed("failed: diverged")])
@pytest.mark.parametrize(
    ("stage", "dvc", "restored"), [("train", "train", True), ("check", "check", False), ("train", "", False)]
)
def test_a_stage_that_fails_says_how_to_restore_the_outs_that_dvc_has_deleted(
    error: Exception, stage: str, dvc: str, restored: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.cli.stage.ROOT", tmp_path)
    monkeypatch.setattr("src.cli.dependencies.refuse_outdated", lambda name: None)
    monkeypatch.setenv("DVC_STAGE", dvc)
    with pytest.raises(type(error)) as caught, alone(stage):
        raise error
    remedy = "; `dvc checkout` restores the former outs of this stage"
    assert str(caught.value) == f"{error}{remedy * restored}"


def test_so_does_one_whose_code_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("src.cli.stage.ROOT", tmp_path)
    monkeypatch.setattr("src.cli.dependencies.DIGESTS", tmp_path)
    monkeypatch.setenv("DVC_STAGE", "train")
    with pytest.raises(RunFailed, match="without -s; `dvc checkout` restores"), alone("train"):
        pytest.fail("it ran")
