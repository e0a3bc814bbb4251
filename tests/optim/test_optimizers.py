import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.optim.optimizers import OPTIMIZERS, Optimizer, State

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
    optimizer: Optimizer, theta: np.ndarray, gradients: np.ndarray, rate: float = 0.1, weights: int | None = None
) -> tuple[np.ndarray, State]:
    theta = theta.copy()
    state = optimizer.init(theta)
    for g in gradients:
        optimizer.step(theta, g.copy(), rate, state, theta.size if weights is None else weights)
    return theta, state


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_follows_the_recorded_sequence(case: dict[str, Any]) -> None:
    optimizer = OPTIMIZERS[case["name"]](lr=1.0, **case["settings"])
    np.testing.assert_allclose(trajectory(optimizer), case["thetas"], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_follows_the_recorded_sequence_in_float32(case: dict[str, Any]) -> None:
    thetas = trajectory(OPTIMIZERS[case["name"]](lr=1.0, **case["settings"]), "float32")
    assert thetas.dtype == np.float32
    np.testing.assert_allclose(thetas, case["thetas"], rtol=2e-5, atol=2e-5)


def test_recorded_settings_tell_on_the_sequence() -> None:
    ends = [tuple(case["thetas"][-1]) for case in CASES]
    assert len(set(ends)) == len(ends)


@pytest.mark.parametrize("name", OPTIMIZERS)
class TestEveryOptimizer:
    def test_has_a_reference_for_its_defaults_and_for_each_field_of_its_own(self, name: str) -> None:
        recorded = [case["settings"] for case in CASES if case["name"] == name]
        assert {} in recorded, f"{name} has no recorded sequence: add it to record_references.py and run that"
        shared = {"lr", "l2", "clip_norm"}  # and a field that PyTorch lacks has tests of its own, below
        own = (
            {f.name for f in dataclasses.fields(OPTIMIZERS[name])} - shared - {"rate_in_velocity"}
        )  # which PyTorch lacks
        assert own <= set().union(*recorded)

    def test_is_in_the_table_under_its_name(self, name: str) -> None:
        assert OPTIMIZERS[name].name == name

    def test_descends_a_convex_quadratic(self, name: str) -> None:
        def value(theta: np.ndarray) -> float:
            offset = theta - PROBLEM["center"]
            return float(offset @ PROBLEM["H"] @ offset) / 2

        theta = PROBLEM["theta"].copy()
        optimizer = OPTIMIZERS[name](lr=0.05)
        state = optimizer.init(theta)
        before = value(theta)
        for _ in range(300):
            optimizer.step(theta, PROBLEM["H"] @ (theta - PROBLEM["center"]), optimizer.lr, state, theta.size)
        assert value(theta) < 0.02 * before

    def test_its_first_step_goes_downhill(self, name: str) -> None:
        g = PROBLEM["noise"][0]
        theta, _ = stepped(OPTIMIZERS[name](lr=1.0), np.zeros(SIZE), g[np.newaxis])
        assert (np.sign(theta) == -np.sign(g)).all()

    def test_steps_in_place_and_counts(self, name: str) -> None:
        whole = np.zeros(SIZE + 2)
        theta = whole[1:-1]
        optimizer = OPTIMIZERS[name](lr=1.0)
        state = optimizer.init(theta)
        for step in range(3):
            assert state.steps == step
            optimizer.step(theta, np.ones(SIZE), 0.1, state, SIZE)
        assert (whole[1:-1] < 0).all()
        assert whole[0] == whole[-1] == 0

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_keeps_slots_of_its_own_that_start_at_zero(self, name: str, dtype: str) -> None:
        theta = np.ones(SIZE, dtype)
        state = OPTIMIZERS[name](lr=1.0).init(theta)
        assert tuple(state.slots) == OPTIMIZERS[name].slots
        vectors = [theta, state.scratch, *state.slots.values()]
        assert all(vector.shape == theta.shape and vector.dtype == theta.dtype for vector in vectors)
        assert not any(slot.any() for slot in state.slots.values())
        assert not any(np.shares_memory(a, b) for i, a in enumerate(vectors) for b in vectors[:i])

    def test_repeats_itself_to_the_bit(self, name: str) -> None:
        optimizer = OPTIMIZERS[name](lr=1.0, l2=0.1, clip_norm=0.5)
        assert trajectory(optimizer, "float32").tobytes() == trajectory(optimizer, "float32").tobytes()

    def test_moves_nothing_at_rate_zero(self, name: str) -> None:
        theta, _ = stepped(OPTIMIZERS[name](lr=1.0, l2=0.1), PROBLEM["theta"], PROBLEM["noise"], rate=0.0)
        np.testing.assert_array_equal(theta, PROBLEM["theta"])

    def test_l2_is_a_gradient_of_weights_alone(self, name: str) -> None:
        optimizer = OPTIMIZERS[name](lr=1.0, l2=0.5, **({"weight_decay": 0.0} if name == "adamw" else {}))
        theta, _ = stepped(optimizer, PROBLEM["theta"], np.zeros((5, SIZE)), 0.01, WEIGHTS)
        np.testing.assert_array_equal(theta[WEIGHTS:], PROBLEM["theta"][WEIGHTS:])
        assert (np.abs(theta[:WEIGHTS]) < np.abs(PROBLEM["theta"][:WEIGHTS])).all()

        by_hand = dataclasses.replace(optimizer, l2=0.0)
        g = PROBLEM["noise"][0]
        penalty = np.where(np.arange(SIZE) < WEIGHTS, 0.5 * PROBLEM["theta"], 0)
        with_l2, _ = stepped(optimizer, PROBLEM["theta"], g[np.newaxis], weights=WEIGHTS)
        without, _ = stepped(by_hand, PROBLEM["theta"], (g + penalty)[np.newaxis], weights=WEIGHTS)
        np.testing.assert_array_equal(with_l2, without)

    def test_l2_on_a_network_without_biases(self, name: str) -> None:
        theta, _ = stepped(OPTIMIZERS[name](lr=1.0, l2=0.5), PROBLEM["theta"], np.zeros((5, SIZE)), 0.01)
        assert (np.abs(theta) < np.abs(PROBLEM["theta"])).all()

    def test_clipping_lets_short_gradients_through_as_they_are(self, name: str) -> None:
        longest = float(np.linalg.norm(PROBLEM["noise"], axis=1).max())
        clipped, _ = stepped(OPTIMIZERS[name](lr=1.0, clip_norm=longest + 1e-9), PROBLEM["theta"], PROBLEM["noise"])
        free, _ = stepped(OPTIMIZERS[name](lr=1.0), PROBLEM["theta"], PROBLEM["noise"])
        np.testing.assert_array_equal(clipped, free)

    def test_clipping_shortens_long_gradients_and_keeps_their_direction(self, name: str) -> None:
        g = 1e3 * PROBLEM["noise"]
        shortened = 0.5 * g / np.linalg.norm(g, axis=1, keepdims=True)
        clipped, _ = stepped(OPTIMIZERS[name](lr=1.0, clip_norm=0.5), PROBLEM["theta"], g)
        by_hand, _ = stepped(OPTIMIZERS[name](lr=1.0), PROBLEM["theta"], shortened)
        np.testing.assert_allclose(clipped, by_hand, rtol=1e-12)


def test_weight_decay_shrinks_weights_alone_by_rate_times_decay() -> None:
    theta, _ = stepped(
        OPTIMIZERS["adamw"](lr=1.0, weight_decay=0.5), PROBLEM["theta"], np.zeros((3, SIZE)), 0.1, WEIGHTS
    )
    np.testing.assert_array_equal(theta[WEIGHTS:], PROBLEM["theta"][WEIGHTS:])
    np.testing.assert_allclose(theta[:WEIGHTS], PROBLEM["theta"][:WEIGHTS] * (1 - 0.1 * 0.5) ** 3, rtol=1e-14)


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
def test_momentum_zero_is_sgd(name: str) -> None:
    with_momentum, _ = stepped(OPTIMIZERS[name](lr=1.0, momentum=0.0), PROBLEM["theta"], PROBLEM["noise"])
    plain, _ = stepped(OPTIMIZERS["sgd"](lr=1.0), PROBLEM["theta"], PROBLEM["noise"])
    np.testing.assert_array_equal(with_momentum, plain)


def test_adamw_without_decay_is_adam() -> None:
    assert (
        trajectory(OPTIMIZERS["adamw"](lr=1.0, weight_decay=0.0)).tobytes()
        == trajectory(OPTIMIZERS["adam"](lr=1.0)).tobytes()
    )


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_adams_first_step_has_the_length_of_the_rate_whatever_the_scale(scale: float) -> None:
    g = scale * np.array([1.0, -2.0, 3.0])
    theta, _ = stepped(OPTIMIZERS["adam"](lr=1.0, eps=1e-30), np.zeros(3), g[np.newaxis], rate=0.1)
    np.testing.assert_allclose(theta, [-0.1, 0.1, -0.1], rtol=1e-12)


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
class TestRateInVelocity:
    def test_is_the_same_while_the_rate_stays(self, name: str) -> None:
        gradients = np.random.default_rng(1).standard_normal((20, 5))
        plain, _ = stepped(OPTIMIZERS[name](lr=1.0), np.ones(5), gradients)
        inside, _ = stepped(OPTIMIZERS[name](lr=1.0, rate_in_velocity=True), np.ones(5), gradients)
        np.testing.assert_allclose(inside, plain, rtol=1e-12)

    def test_takes_steps_of_the_rate_that_each_gradient_had(self, name: str) -> None:
        optimizer = OPTIMIZERS[name](lr=1.0, momentum=0.5, rate_in_velocity=True)
        theta, state = np.zeros(1), optimizer.init(np.zeros(1))
        for rate in (1.0, 0.1):
            optimizer.step(theta, np.ones(1), rate, state, 1)
        # v: 1, then 0.5 * 1 + 0.1 = 0.6. Momentum steps by v, Nesterov by rate g + momentum v.
        assert theta[0] == pytest.approx({"momentum": -1.6, "nesterov": -(1.5 + 0.4)}[name])
