"""At the end of a sweep, a person learns how far recording is where that takes a while."""

from collections.abc import Callable
from typing import Any

import pytest

from src.sweeps import jobs


class Slow:
    """A recording that lacks some runs at first."""

    def __init__(self, lacks: int) -> None:
        self._lacks = lacks

    def settle(self, left: Callable[[int], object]) -> None:
        for number in range(self._lacks, -1, -1):
            left(number)


@pytest.mark.parametrize(
    ("lacks", "told"), [(40, "MLflow has 60 of 100 runs; recording the others\n"), (3, ""), (0, "")]
)
def test_only_many_missing_runs_are_announced_and_once(
    capsys: pytest.CaptureFixture[str], lacks: int, told: str
) -> None:
    recording: Any = Slow(lacks)
    jobs._settle(recording, 100)
    assert capsys.readouterr() == (told, "")
