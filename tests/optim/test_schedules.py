import dataclasses
import json
from fractions import Fraction
from itertools import product
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from src.optim.schedules import SCHEDULES, Schedule

CASES = json.loads(Path(__file__).with_name("references.json").read_text())["schedules"]
IDS = ["-".join([case["name"], *(f"{key}={value}" for key, value in case["settings"].items())]) for case in CASES]


def factors(schedule: Schedule, epochs: int, steps: int) -> np.ndarray:
    """Of every update of a training: [epochs, steps]."""
    return np.array([[schedule.factor(epoch, step, epochs, steps) for step in range(steps)] for epoch in range(epochs)])


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_follows_the_recorded_sequence(case: dict[str, Any]) -> None:
    schedule = SCHEDULES[case["name"]](**case["settings"])
    epochs, steps, recorded = case["epochs"], case["steps"], np.array(case["factors"])
    expected = np.repeat(recorded, steps) if schedule.by == "epoch" else recorded  # of every update
    np.testing.assert_allclose(factors(schedule, epochs, steps).ravel(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", SCHEDULES)
def test_has_references_with_and_without_warmup_by_epoch_and_by_step_and_for_each_field(name: str) -> None:
    assert SCHEDULES[name].name == name
    recorded = [case["settings"] for case in CASES if case["name"] == name]
    kinds = {("warmup" in settings, settings.get("by", "epoch")) for settings in recorded}
    assert kinds == {(warm, by) for warm in (False, True) for by in ("epoch", "step")}, (
        f"{name} lacks recorded sequences: add them to record_references.py and run that"
    )
    assert {f.name for f in dataclasses.fields(SCHEDULES[name])} == set().union({"by", "warmup"}, *recorded)


SHARED = {
    "warmup": st.one_of(st.just(0.0), st.integers(0, 8).map(float), st.floats(0, 8)),
    "by": st.sampled_from(["epoch", "step"]),
}
OWN = {
    "final": st.floats(0.001, 1),
    "gamma": st.floats(0.001, 1),
    "interval": st.one_of(st.integers(1, 8).map(float), st.floats(0.1, 8)),
}
LENGTHS = {"epochs": st.integers(1, 6), "steps": st.integers(1, 7)}


@st.composite
def schedules(draw: st.DrawFn, name: str) -> Schedule:
    fields = [f.name for f in dataclasses.fields(SCHEDULES[name])]
    return SCHEDULES[name](**{field: draw((SHARED | OWN)[field]) for field in fields})


@pytest.mark.parametrize("name", SCHEDULES)
class TestEverySchedule:
    @given(data=st.data(), **LENGTHS)
    def test_factors_are_above_0_and_at_most_1_never_rise_after_the_warmup_and_by_epoch_are_constant_within(
        self, name: str, data: st.DataObject, epochs: int, steps: int
    ) -> None:
        schedule = data.draw(schedules(name))
        every = factors(schedule, epochs, steps)
        assert (every > 0).all()
        assert (every <= 1 + 1e-12).all()
        after = every.ravel()[np.repeat(np.arange(epochs), steps) >= schedule.warmup]
        assert (np.diff(after) <= 1e-12).all()
        assert schedule.by == "step" or (every == every[:, :1]).all()

    @given(by=st.sampled_from(["epoch", "step"]), ticks=st.integers(0, 60), **LENGTHS)
    @example(by="step", ticks=19, epochs=5, steps=4)  # all updates but the last
    @example(by="epoch", ticks=5, epochs=5, steps=4)  # as long as the training
    @example(by="epoch", ticks=0, epochs=1, steps=1)  # none
    def test_warmup_rises_in_equal_steps_to_1_from_where_the_decay_starts(
        self, name: str, by: str, ticks: int, epochs: int, steps: int
    ) -> None:
        every = factors(SCHEDULES[name](warmup=ticks / (steps if by == "step" else 1), by=by), epochs, steps)
        warm = (every.ravel() if by == "step" else every[:, 0])[: ticks + 1]
        np.testing.assert_allclose(warm, np.minimum(np.arange(1, len(warm) + 1) / max(ticks, 1), 1), rtol=1e-12)

    def test_by_step_one_epoch_is_enough_for_the_whole_decay(self, name: str) -> None:
        one_epoch = factors(SCHEDULES[name](by="step", **({"interval": 0.25} if name == "step" else {})), 1, 12)[0]
        twelve = factors(SCHEDULES[name](**({"interval": 3.0} if name == "step" else {})), 12, 1)[:, 0]
        np.testing.assert_allclose(one_epoch, twelve, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("by", ["epoch", "step"])
@pytest.mark.parametrize("warmup", [0.0, 2.0, 2.5])
@pytest.mark.parametrize(
    ("name", "final"),
    [
        (name, final)
        for name, kind in SCHEDULES.items()
        for final in (0.0, 0.01, 0.3, 1.0)
        if "final" in (f.name for f in dataclasses.fields(kind))
        and (name, final) != ("exponential", 0.0)  # which it never reaches, and its annotation says so
    ],
)
def test_ends_at_its_final_factor(name: str, final: float, warmup: float, by: str) -> None:
    last = factors(SCHEDULES[name](final=final, warmup=warmup, by=by), 8, 5)[-1, -1]
    assert last == pytest.approx(final, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_no_factor_is_below_a_final_factor_of_0(name: str) -> None:
    # A rate below zero would climb.
    lasts = [
        SCHEDULES[name](by="step", warmup=warmup).factor(epochs - 1, steps - 1, epochs, steps)
        for epochs in range(1, 21)
        for steps in range(1, 41)
        for warmup in (0.0, 0.1, 0.3, 1.0, 2.5, 2.9)
    ]
    assert min(lasts) >= 0


@pytest.mark.parametrize("interval", ["0.1", "0.2", "0.4", "0.5", "0.8", "1", "1.1"])
def test_step_falls_exactly_at_its_intervals(interval: str) -> None:
    wrong = []
    for warmup, steps in product(("0", "0.1", "0.5"), (10, 550)):
        schedule = SCHEDULES["step"](by="step", interval=float(interval), warmup=float(warmup), gamma=0.5)
        for update in range(4 * steps):
            time = Fraction(update, steps) - Fraction(warmup)
            if time >= 0:
                factor = schedule.factor(update // steps, update % steps, 4, steps)
                if factor != 0.5 ** floor(time / Fraction(interval)):
                    wrong.append({"warmup": warmup, "steps": steps, "update": update})
    assert wrong == []
