"""What is refused, by the one line that says why."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from src.foundation.errors import UserError


def refusal(call: Callable[..., object], *arguments: Any, **more: Any) -> str:
    """The message of the `UserError` that a call raises, which is one line."""
    with pytest.raises(UserError) as caught:
        call(*arguments, **more)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


def assert_rejected(done: subprocess.CompletedProcess[str], message: str = "") -> None:
    """A command has printed one line that says what is wrong, nothing else, and has ended with exit code 2."""
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stdout + done.stderr
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
