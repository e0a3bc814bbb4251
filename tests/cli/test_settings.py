"""Settings as words of a command line: read by their annotations, or refused in one line."""

from dataclasses import dataclass
from typing import Annotated

import pytest

from src.cli.settings import read_settings
from tests.helpers.refusals import refusal


@dataclass(frozen=True)
class Settings:
    part: Annotated[str, ("train", "test")] | None = None
    label: str | None = None
    index: Annotated[int, ">= 0"] | None = None
    angle: float | None = None


def test_settings_are_read_by_their_annotations_and_other_words_are_left() -> None:
    words = ["data=spiral", "label=007", "index=3", "part=test", "a.png", "angle=-4.5e1", "=", "data.seed=1"]
    settings, others = read_settings(Settings, words)
    assert settings == Settings("test", "007", 3, -45.0)
    assert others == ["data=spiral", "a.png", "=", "data.seed=1"]
    assert read_settings(Settings, []) == (Settings(), [])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["index=x"], "index=x: must be an integer >= 0 or null"),
        (["index=1.5"], "index=1.5: must be an integer"),
        (["index=-1"], "index=-1: must be an integer >= 0"),
        (["index="], "index=: must be an integer"),
        (["angle=90°"], "angle=90°: must be a finite number"),
        (["angle=nan"], "angle=nan: must be a finite number"),
        (["angle=1e400"], "angle=inf: must be a finite number"),
        (["part=tset"], "part=tset: unknown; did you mean test?"),
        (["index=1", "index=1"], "index=1: index is given twice"),
    ],
)
def test_a_wrong_setting_is_refused(words: list[str], message: str) -> None:
    assert message in refusal(read_settings, Settings, words)
