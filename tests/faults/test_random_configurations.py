"""Configurations at random: one that is allowed trains, one that is not is refused in a line; nothing in between."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from src.config.composition import compose
from src.config.tree import Config, check_against
from src.data.recipes import prepare
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import canonical_json, sha256
from src.foundation.schema import plain
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.conftest import environment
from tests.faults.configurations import WILD, Override, allowed, refused
from tests.faults.figures import Injections

pytestmark = pytest.mark.slow
DIGITS = ["experiment=digits", "model.hidden=[8]", "tracking=off"]


class OneEpoch(Tracker):
    """Interrupts a run after its first epoch."""

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        raise KeyboardInterrupt


def trains(config: Config, home: Path) -> None:
    """Trains an epoch, or as much of it as there is before the training diverges."""
    recipe = sha256(canonical_json(plain(config.data, semantic_only=True)))
    dataset = prepare(config.data, home / recipe)
    check_against(config, dataset)
    try:
        run(config, dataset, OneEpoch())
    except KeyboardInterrupt:
        pass
    except RunFailed as error:
        if "diverged" not in str(error):
            raise
    finally:
        shutil.rmtree(home / "runs", ignore_errors=True)


def cases(strategy: st.SearchStrategy[Any], count: int, whole: bool) -> Callable[[Callable[..., None]], Any]:
    """Draws so many cases; the same ones each time, save where the whole suite is asked for."""
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    phases = [Phase.explicit, Phase.generate, Phase.shrink]
    drawn = settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=not whole,
        phases=phases,
        suppress_health_check=quiet,
    )
    return lambda test: drawn(given(strategy)(test))


@pytest.fixture
def whole(request: pytest.FixtureRequest) -> bool:
    """Whether the whole suite is asked for."""
    return bool(request.config.getoption("--all-faults"))


def test_what_is_allowed_trains(home: Path, injections: Injections, whole: bool) -> None:
    @cases(allowed(), injections.wanted(800), whole)
    def check(overrides: list[Override]) -> None:
        with injections.of("a random configuration: allowed"):
            trains(compose([*DIGITS, *(override.text for override in overrides)]), home)

    check()


def test_what_is_not_allowed_is_refused_by_its_key(injections: Injections, whole: bool) -> None:
    @cases(refused(), injections.wanted(800), whole)
    def check(drawn: tuple[list[Override], Override]) -> None:
        overrides, mistake = drawn
        with injections.of("a random configuration: one mistake"):
            with pytest.raises(UserError) as told:
                compose([*DIGITS, *(override.text for override in overrides)])
            assert mistake.key in str(told.value)

    check()


def test_anything_else_is_one_or_the_other(home: Path, injections: Injections, whole: bool) -> None:
    @cases(WILD, injections.wanted(400), whole)
    def check(overrides: list[str]) -> None:
        with injections.of("a random configuration: any line"):
            try:
                config = compose([*DIGITS, *overrides])
            except UserError:
                return
            assert config.semantic()

    check()


def test_the_command_ends_with_2_and_one_line(checkout: Path, injections: Injections, whole: bool) -> None:
    bytes_of_no_text = Override("model.act", "model.act=\udcff")

    @cases(refused(), injections.wanted(40), whole)
    @example(([bytes_of_no_text], bytes_of_no_text))
    def check(drawn: tuple[list[Override], Override]) -> None:
        overrides = [override.text for override in drawn[0]]
        command = [sys.executable, "-m", "src.train", *DIGITS, *overrides]
        with injections.of("a random configuration: one mistake, told by the command"):
            done = subprocess.run(command, cwd=checkout, env=environment(), capture_output=True, check=False)
            assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
            assert done.stderr.startswith(b"error: ")

    check()
