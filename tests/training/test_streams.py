"""The random streams of a training: each can be restored, and the legacy ones are NumPy's."""

import json

import numpy as np
import pytest

from src.training.draws import KINDS
from src.training.streams import Streams


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_orders_have_each_example_once_and_depend_on_the_seed(self, kind: str) -> None:
        orders = [Streams.of(seed, kind).order.permutation(50).tolist() for seed in (3, 3, 4)]
        assert orders[0] == orders[1] != orders[2]
        assert sorted(orders[0]) == list(range(50))
        drawn = Streams.of(3, kind).order.draw(50, 20).tolist()
        assert len(set(drawn)) == 20
        assert set(drawn) <= set(range(50))

    def test_the_state_is_json_and_restores_the_stream(self, kind: str) -> None:
        order, other = Streams.of(3, kind).order, Streams.of(8, kind).order
        order.permutation(11)
        state = json.dumps(order.state)
        expected = [order.permutation(50).tolist(), order.draw(50, 7).tolist()]
        other.state = json.loads(state)
        assert [other.permutation(50).tolist(), other.draw(50, 7).tolist()] == expected
        assert json.dumps(order.state) != state

    def test_drawing_is_uniform(self, kind: str) -> None:
        order = Streams.of(1, kind).order
        counts = np.bincount(np.concatenate([order.draw(10, 4) for _ in range(3000)]), minlength=10)
        assert np.abs(counts - 1200).max() < 5 * np.sqrt(3000 * 0.4 * 0.6)


def test_legacy_orders_are_shuffles_of_randomstate_and_evaluations_shuffle_too() -> None:
    order, stream = Streams.of(123, "legacy").order, np.random.RandomState(123)
    for n, evaluated in ((55, False), (55, True), (5, True), (55, False)):
        expected = np.arange(n)
        stream.shuffle(expected)
        if evaluated:
            order.evaluated(n)
        else:
            np.testing.assert_array_equal(order.permutation(n), expected)


def test_the_legacy_kind_does_not_change_dropout() -> None:
    assert Streams.of(5, "legacy").dropout.random(4).tolist() == Streams.of(5).dropout.random(4).tolist()


def test_each_stream_of_a_seed_differs_and_that_of_an_evaluation_is_always_the_same() -> None:
    draws = set()
    for streams in map(Streams.of, (0, 1)):
        generators = (np.random.default_rng(streams.initialization), streams.order, streams.dropout)
        draws |= {rng.permutation(100).tobytes() for rng in generators}
        evaluated = [[streams.evaluation(epoch).permutation(100).tobytes() for epoch in (1, 2)] for _ in range(2)]
        assert evaluated[0] == evaluated[1]
        draws |= set(evaluated[0])
    assert len(draws) == 10
