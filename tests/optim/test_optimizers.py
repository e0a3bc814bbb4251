import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.optim.optimizers import OPTIMIZERS, Optimizer

RECORDED = json.loads(Path(__file__).with_name("references.json").read_text())
PROBLEM = {name: np.array(value) for name, value in RECORDED["problem"].items() if name != "weights"}
WEIGHTS = RECORDED["problem"]["weights"]
CASES = RECORDED["optimizers"]
IDS = ["-".join([case["name"], *(f"{key}={value}" for key, value in case["settings"].items())]) for case in CASES]
SIZE = len(PROBLEM["theta"])


def trajectory(optimizer: Optimizer, dtype: str = "float64") -> np.ndarray:
    """Theta after each step on the recorded problem: [steps, size]."""
    H, center, noise = PROBLEM["H"], PROBLEM["center"], PROBLEM["noise"]
    theta = PROBLEM["theta"].astype(dtype)
    state = optimizer.init(theta)
    thetas = []
    for step, rate in enumerate(PROBLEM["rates"]):
        g = (H @ (theta - center) + noise[step]).astype(dtype)
        optimizer.step(theta, g, float(rate), state, WEIGHTS)
        thetas.append(theta.copy())
    return np.array(thetas)


def stepped(
    name: str,
    gradients: np.ndarray = PROBLEM["noise"],
    start: np.ndarray = PROBLEM["theta"],
    rate: float = 0.1,
    weights: int = SIZE,
    **settings: Any,
) -> np.ndarray:
    """Theta after a step with each gradient; the first `weights` entries are weights, the others biases."""
    theta, optimizer = start.copy(), OPTIMIZERS[name](lr=1.0, **settings)
    state = optimizer.init(theta)
    for g in gradients:
        optimizer.step(theta, g.copy(), rate, state, weights)
    return theta


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_follows_the_recorded_sequence(case: dict[str, Any], dtype: str, tolerance: float) -> None:
    thetas = trajectory(OPTIMIZERS[case["name"]](lr=1.0, **case["settings"]), dtype)
    assert thetas.dtype == dtype
    np.testing.assert_allclose(thetas, case["thetas"], rtol=tolerance, atol=tolerance)


def test_recorded_settings_change_the_sequence() -> None:
    ends = [tuple(case["thetas"][-1]) for case in CASES]
    assert len(set(ends)) == len(ends)


@pytest.mark.parametrize("name", OPTIMIZERS)
class TestEveryOptimizer:
    def test_has_a_reference_for_its_defaults_and_for_each_field_of_its_own(self, name: str) -> None:
        assert OPTIMIZERS[name].name == name
        recorded = [case["settings"] for case in CASES if case["name"] == name]
        assert {} in recorded, f"{name} has no recorded sequence: add it to record_references.py and run that"
        apart = {"lr", "l2", "clip_norm", "rate_in_velocity"}  # shared; PyTorch lacks the last, which is tested below
        own = {f.name for f in dataclasses.fields(OPTIMIZERS[name])} - apart
        assert own <= set().union(*recorded)

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_has_its_own_slots_which_start_at_zero_steps_in_place_and_counts(self, name: str, dtype: str) -> None:
        whole = np.zeros(SIZE + 2, dtype)
        theta, optimizer = whole[1:-1], OPTIMIZERS[name](lr=1.0)
        state = optimizer.init(theta)
        assert tuple(state.slots) == optimizer.slots
        vectors = [theta, state.scratch, *state.slots.values()]
        assert all(vector.shape == theta.shape and vector.dtype == theta.dtype for vector in vectors)
        assert not any(slot.any() for slot in state.slots.values())
        assert not any(np.shares_memory(a, b) for i, a in enumerate(vectors) for b in vectors[:i])
        for step in range(3):
            assert state.steps == step
            optimizer.step(theta, np.ones(SIZE, dtype), 0.1, state, SIZE)
        assert (theta < 0).all()
        assert whole[0] == whole[-1] == 0

    def test_moves_nothing_at_rate_zero(self, name: str) -> None:
        np.testing.assert_array_equal(stepped(name, rate=0.0, l2=0.1), PROBLEM["theta"])

    @pytest.mark.parametrize("weights", [WEIGHTS, SIZE], ids=["with biases", "without biases"])
    def test_l2_is_a_gradient_of_weights_alone(self, name: str, weights: int) -> None:
        start, plain = PROBLEM["theta"], {"weight_decay": 0.0} if name == "adamw" else {}
        theta = stepped(name, np.zeros((5, SIZE)), rate=0.01, weights=weights, l2=0.5, **plain)
        np.testing.assert_array_equal(theta[weights:], start[weights:])
        assert (np.abs(theta[:weights]) < np.abs(start[:weights])).all()

        g, penalty = PROBLEM["noise"][0], np.where(np.arange(SIZE) < weights, 0.5 * start, 0)
        with_l2 = stepped(name, g[np.newaxis], weights=weights, l2=0.5, **plain)
        np.testing.assert_array_equal(with_l2, stepped(name, (g + penalty)[np.newaxis], weights=weights, **plain))

    def test_clipping_shortens_long_gradients_alone_and_keeps_their_direction(self, name: str) -> None:
        g = PROBLEM["noise"]
        lengths = np.linalg.norm(g, axis=1, keepdims=True)
        np.testing.assert_array_equal(stepped(name, clip_norm=float(lengths.max()) + 1e-9), stepped(name))
        shortened = stepped(name, 0.5 * g / lengths)
        np.testing.assert_allclose(stepped(name, 1e3 * g, clip_norm=0.5), shortened, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "settings", "equal"),
    [
        ("momentum", {"momentum": 0.0}, "sgd"),
        ("nesterov", {"momentum": 0.0}, "sgd"),
        ("adamw", {"weight_decay": 0.0}, "adam"),
    ],
)
def test_an_extension_that_is_switched_off_changes_nothing(name: str, settings: dict[str, float], equal: str) -> None:
    np.testing.assert_array_equal(stepped(name, **settings), stepped(equal))


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
class TestRateInVelocity:
    def test_changes_nothing_while_the_rate_is_constant(self, name: str) -> None:
        np.testing.assert_allclose(stepped(name, rate_in_velocity=True), stepped(name), rtol=1e-12)

    def test_applies_to_each_gradient_the_rate_of_its_step(self, name: str) -> None:
        optimizer = OPTIMIZERS[name](lr=1.0, momentum=0.5, rate_in_velocity=True)
        theta, state = np.zeros(1), optimizer.init(np.zeros(1))
        for rate in (1.0, 0.1):
            optimizer.step(theta, np.ones(1), rate, state, 1)
        # v: 1, then 0.5 * 1 + 0.1 = 0.6. Momentum steps by v, Nesterov by rate g + momentum v.
        assert theta[0] == pytest.approx({"momentum": -1.6, "nesterov": -(1.5 + 0.4)}[name])
