"""Configurations at random: an allowed one trains, any other is refused in one line; there is nothing in between."""

import contextlib
import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from src.config.composition import compose
from src.config.tree import Config, check_against
from src.data.recipes import prepare
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import canonical_json, sha256
from src.foundation.schema import plain
from src.runs.training_run import run
from tests.conftest import Shell
from tests.faults.configurations import WILD, Override, allowed, refused
from tests.faults.figures import Injections
from tests.faults.trainings import InterruptsAfter
from tests.helpers.refusals import assert_rejected

pytestmark = pytest.mark.slow
MOST_STEPS = 50  # of an epoch that is trained here
DIGITS = ["experiment=digits", "model.hidden=[8]", "tracking=off"]


def trains(config: Config, home: Path) -> None:
    """Trains an epoch, or as much of it as there is before the training diverges."""
    recipe = sha256(canonical_json(plain(config.data, semantic_only=True)))
    dataset = prepare(config.data, home / recipe)
    check_against(config, dataset)
    train = config.train  # an epoch may have 10^9 updates, and the first record may be of the last epoch
    steps = train.steps_per_epoch and min(train.steps_per_epoch, MOST_STEPS)
    shortened = dataclasses.replace(train, steps_per_epoch=steps, evaluate_every=min(train.evaluate_every, 2))
    try:
        run(dataclasses.replace(config, train=shortened), dataset, InterruptsAfter(0))
    except KeyboardInterrupt:
        pass
    except RunFailed as error:
        if "diverged" not in str(error):
            raise
    finally:
        shutil.rmtree(home / "runs", ignore_errors=True)


def each(
    strategy: st.SearchStrategy[Any], full: int, what: str, injections: Injections, check: Callable[[Any], None]
) -> None:
    """Checks drawn cases, `full` in the whole suite; the same ones each time, except there."""

    @settings(
        max_examples=injections.wanted(full),
        database=None,
        derandomize=injections.share < 1,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(strategy)
    def inject(case: Any) -> None:
        with injections.of(f"a random configuration: {what}"):
            check(case)

    inject()


def test_an_allowed_configuration_trains(home: Path, injections: Injections) -> None:
    def check(overrides: list[Override]) -> None:
        trains(compose([*DIGITS, *(override.text for override in overrides)]), home)

    each(allowed(), 800, "allowed", injections, check)


def test_a_mistake_is_refused_by_its_key(injections: Injections) -> None:
    def check(case: tuple[list[Override], Override]) -> None:
        overrides, mistake = case
        with pytest.raises(UserError) as message:
            compose([*DIGITS, *(override.text for override in overrides)])
        assert mistake.key in str(message.value)

    each(refused(), 800, "one mistake", injections, check)


def test_any_line_is_one_or_the_other(injections: Injections) -> None:
    def check(overrides: list[str]) -> None:
        with contextlib.suppress(UserError):
            assert compose([*DIGITS, *overrides]).semantic()

    each(WILD, 400, "any line", injections, check)


def test_the_command_ends_with_2_and_one_line(shell: Shell, injections: Injections) -> None:
    def check(case: tuple[list[Override], Override]) -> None:
        assert_rejected(shell("python", "-m", "src.train", *DIGITS, *(override.text for override in case[0])))

    each(refused(), 40, "one mistake, told by the command", injections, check)
    no_text = Override("model.act", "model.act=\udcff")
    with injections.of("a random configuration: one mistake, told by the command"):
        check(([no_text], no_text))
