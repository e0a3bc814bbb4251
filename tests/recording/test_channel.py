"""The channel between a command and its writer: two signals in; progress, the end of a pass or a refusal back."""

import functools
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from src.cli.command import FAILED
from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.foundation.files import ROOT
from src.recording import writer, writer_process
from src.recording.store import Store
from src.recording.writer import Writer
from src.recording.writer_process import WriterProcess
from tests.conftest import environment
from tests.helpers.processes import until

# --- The command's side


class Fake:
    """A writer's process that does as the test says."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel.dup()
        self.killed = False

    def kill(self) -> None:
        self.killed = True

    def wait(self, timeout: float | None = None) -> int:
        return 0

    def say(self, *lines: str) -> None:
        self.channel.sendall("".join(f"{line}\n" for line in lines).encode())


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[WriterProcess, Fake]]:
    """A command's side whose process has been started, and that process."""
    started: list[Fake] = []
    monkeypatch.setattr(writer_process, "spawn", lambda channel, *_: started.append(Fake(channel)) or started[-1])
    process = WriterProcess(Tracking(), "me")
    process.start()
    yield process, started[0]
    process.end()
    started[0].channel.close()


def later(act: Callable[[], object], seconds: float = 0.3) -> None:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()


def test_a_wait_asks_once_and_ends_with_the_pass(both: tuple[WriterProcess, Fake]) -> None:
    process, fake = both
    for _ in range(2):
        fake.say(writer.PROGRESS, writer.PROGRESS)
        later(lambda: fake.say(writer.PROGRESS, writer.OVER))
        process.wait()
        assert fake.channel.recv(10) == b"?"
    assert not fake.killed
    process.end()
    assert fake.channel.recv(10) == b""
    process.wait()  # of a process that has ended


def test_a_wait_learns_how_many_runs_are_left(both: tuple[WriterProcess, Fake]) -> None:
    process, fake = both
    said = "".join(f"{line}\n" for line in (f"{writer.PROGRESS} 12", writer.PROGRESS, f"{writer.PROGRESS} 3", "over"))
    for cut in range(len(said)):  # wherever the channel cuts it
        left: list[int] = []
        fake.channel.sendall(said[:cut].encode())
        later(lambda rest=said[cut:]: fake.channel.sendall(rest.encode()), 0.01)
        process.wait(left.append)
        assert left == [12, 3]


def test_a_refusal_is_raised_before_training(both: tuple[WriterProcess, Fake]) -> None:
    process, fake = both
    fake.say(writer.PROGRESS, f"{writer.REFUSED} the store is locked")
    with pytest.raises(UserError, match=r"^the store is locked; tracking=off records nothing$"):
        process.open_store()


def test_no_progress_is_waited_for_only_so_long(
    both: tuple[WriterProcess, Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    process, fake = both
    monkeypatch.setattr(process, "_patience", 1.5)
    start = time.monotonic()
    later(lambda: fake.say(writer.PROGRESS), 2.0)  # before the first sign, MLflow is being imported
    later(lambda: fake.say(writer.PROGRESS), 3.0)
    process.wait()
    assert fake.killed
    assert time.monotonic() - start > 4.0


@pytest.mark.parametrize("terminal", [True, False])
def test_only_a_terminal_gets_a_notice_that_a_store_is_slow(
    both: tuple[WriterProcess, Fake],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
) -> None:
    process, fake = both
    monkeypatch.setattr(writer_process, "_SECONDS_UNTIL_NOTICE", 0.1)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    fake.say(writer.PROGRESS)
    later(lambda: fake.say(writer.OVER), 1.0)
    process.wait()
    notice = "waiting for the MLflow store; Ctrl-C leaves the rest to `python -m src.sync`\n"
    assert capsys.readouterr().err == (notice if terminal else "")


@pytest.mark.parametrize("read", [True, False])
def test_a_writer_that_dies_is_one_line(
    both: tuple[WriterProcess, Fake], capsys: pytest.CaptureFixture[str], read: bool
) -> None:
    """Without having read all, it resets the connection."""
    process, fake = both

    def die() -> None:
        if read:
            fake.channel.recv(10)
        fake.channel.close()

    later(die)
    process.wait()
    process.wait()
    told = capsys.readouterr().err
    assert (told.count("\n"), told.count("warning: the process that writes to MLflow died")) == (1, 1)
    assert process.died


def test_a_ctrl_c_just_before_waiting_gives_up(both: tuple[WriterProcess, Fake]) -> None:
    """The system call that waits is not interrupted then, as it is not by a signal that another thread receives."""
    process, fake = both
    later(lambda: signal.pthread_kill(threading.get_ident(), signal.SIGINT))
    start = time.monotonic()
    process.wait()
    assert fake.killed
    assert time.monotonic() - start < 30


# --- The writer's side


class Passes:
    """An `OutboxMirror` that only counts."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.awaited: list[bool] = []
        self._act = act

    def mirror(self, last: bool) -> None:
        self.awaited.append(last)
        self._act()


@pytest.fixture
def listening(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., tuple[socket.socket, Passes, threading.Thread]]]:
    """Starts a writer in a thread, whose passes call `act`."""
    monkeypatch.setattr(writer, "open_store", lambda tracking: Store(None, "0"))  # type: ignore[arg-type]
    channels: list[socket.socket] = []

    def start(act: Callable[[], object] = lambda: None) -> tuple[socket.socket, Passes, threading.Thread]:
        ours, theirs = socket.socketpair()
        channels.extend((ours, theirs))
        listener, passes = Writer(theirs, Tracking(), "me"), Passes(act)
        monkeypatch.setattr(writer, "OutboxMirror", lambda *_: passes)
        thread = threading.Thread(target=listener.listen)
        thread.start()
        return ours, passes, thread

    yield start
    for channel in channels:
        channel.close()


def replies(channel: socket.socket) -> str:
    """What comes up to the end of a pass."""
    channel.settimeout(60)
    text = ""
    while not text.endswith(f"{writer.OVER}\n"):
        text += channel.recv(1000).decode()
    return text


@pytest.mark.parametrize("asked", [writer.OPEN, writer.PASS])
def test_only_a_request_to_open_the_store_is_refused_and_another_one_gets_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: bytes
) -> None:
    """Either may be there before the writer listens: a training can be shorter than the start of a process."""

    def refuse(tracking: Tracking) -> Store:
        raise UserError("the store is locked")

    monkeypatch.setattr(writer, "open_store", refuse)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(asked)
        thread = threading.Thread(target=Writer(theirs, Tracking(), "me").listen)
        thread.start()
        ours.settimeout(60)
        text = ours.recv(1000).decode()
        while text.splitlines()[-1] == writer.PROGRESS:
            text += ours.recv(1000).decode()
        ours.shutdown(socket.SHUT_RDWR)
        thread.join(60)
    warning, last = capsys.readouterr().err, text.splitlines()[-1]
    if asked == writer.OPEN:
        assert (last, warning) == (f"{writer.REFUSED} the store is locked", "")
    else:
        assert (last, warning[:29]) == (writer.OVER, "warning: the store is locked;")


def test_replies_come_only_while_a_pass_is_awaited(listening: Callable[..., Any]) -> None:
    channel, passes, thread = listening()
    until(lambda: len(passes.awaited) > 2)
    channel.setblocking(False)
    with pytest.raises(BlockingIOError):
        channel.recv(1)
    channel.setblocking(True)
    for _ in range(2):
        channel.sendall(b"?")
        assert set(replies(channel).split()) == {writer.PROGRESS, writer.OVER}
    assert passes.awaited.count(True) == 2
    channel.close()
    thread.join(60)
    assert not thread.is_alive()


def test_a_pass_that_has_begun_is_not_the_one_that_is_asked_for(listening: Callable[..., Any]) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def act() -> None:
        begun.set()
        assert go_on.wait(60)

    channel, passes, _ = listening(act)
    assert begun.wait(60)
    channel.sendall(b"?")
    until(lambda: channel.recv(100, socket.MSG_PEEK))  # progress: MLflow has been imported
    go_on.set()
    replies(channel)
    assert passes.awaited[:2] == [False, True]


def test_a_command_that_is_killed_with_unread_replies_ends_the_writer(listening: Callable[..., Any]) -> None:
    channel, _, thread = listening()
    channel.sendall(b"?")
    until(lambda: channel.recv(1000, socket.MSG_PEEK).endswith(f"{writer.OVER}\n".encode()))
    channel.close()  # which the other end reads as `ConnectionResetError`
    thread.join(60)
    assert not thread.is_alive()


def test_a_request_that_meets_the_answer_to_the_one_before_gets_its_own_replies(
    listening: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command may ask for the next pass as soon as it has the answer, and progress is sent only to one that waits."""
    send, asked_again, heard = socket.socket.sendall, threading.Event(), threading.Event()
    channel, _, _ = listening()

    def ask_again(self: socket.socket, data: bytes) -> None:
        send(self, data)
        if asked_again.is_set():
            heard.set()
        elif data == f"{writer.OVER}\n".encode():
            asked_again.set()
            send(channel, b"?")
            assert heard.wait(60)  # `listen` has read it, and sent progress

    monkeypatch.setattr(socket.socket, "sendall", ask_again)
    channel.sendall(b"?")
    told = replies(channel)
    while told.count(writer.OVER) < 2:
        told += replies(channel)
    assert told.split(writer.OVER)[1].split() == [writer.PROGRESS] * 2  # for the request, and when MLflow is imported


def test_a_writer_that_breaks_down_ends_even_if_it_cannot_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlflow.py").write_text("raise SystemExit('not an Exception')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    reading, stderr = os.pipe()
    os.close(reading)
    monkeypatch.setattr(subprocess, "Popen", functools.partial(subprocess.Popen, stderr=stderr))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert writer_process.spawn(theirs, Tracking(), "me").wait(60) == FAILED
    os.close(stderr)


_WARNS = """
import sys
from pathlib import Path
import src.recording.own_store, src.runs.folder
src.recording.own_store.home = src.runs.folder.home = lambda: Path(sys.argv[1])
from src.recording.recording import Recording
from src.cli.command import FAILED
from src.config.tracking import Tracking
with Recording(Tracking(uri="http://127.0.0.1:9")) as recording:
    recording.follow(recording.entry(identity="i", name="a run", folder="none"))
    while not recording._writer._process.poll() and sys.stdin.readline() != "end\\n":
        pass
"""


def test_a_terminal_that_stops_background_processes_which_write_does_not_stop_the_writer(tmp_path: Path) -> None:
    """SIGTTOU, after `stty tostop`: the writer is in another process group than the command."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        command = f'stty tostop -echo; exec \'{sys.executable}\' -c "$0" "$1"'
        os.execvpe("sh", ["sh", "-c", command, _WARNS, str(tmp_path)], environment())
    told = b""
    try:
        deadline = time.monotonic() + 120
        while b"warning: the MLflow store" not in told and time.monotonic() < deadline:
            told += os.read(terminal, 1000)
        os.write(terminal, b"end\n")
        while b"records the rest" not in told and time.monotonic() < deadline:
            told += os.read(terminal, 1000)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, told
    finally:
        os.close(terminal)
        subprocess.run(["kill", "-9", str(child)], check=False, stderr=subprocess.DEVNULL)
