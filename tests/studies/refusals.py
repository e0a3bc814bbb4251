"""What is refused, by the one line that says why."""

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
