from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pytest

from src.data.dataset import Examples
from src.foundation.errors import UserError
from src.nn.network import Network
from src.optim.optimizers import OPTIMIZERS
from src.optim.schedules import SCHEDULES, Schedule
from src.training.loop import Diverged, Epoch, Training, train
from src.training.metrics import predict
from src.training.processor import held
from src.training.streams import Streams

TIMES = {"seconds", "images_per_second"}


def results(epochs: list[Epoch]) -> list[dict[str, Any]]:
    """What two trainings of one seed must agree on."""
    return [{key: value for key, value in asdict(epoch).items() if key not in TIMES} for epoch in epochs]


class BatchSpy:
    """Notes the batches that a network is trained on, in their order."""

    def __init__(self) -> None:
        self.initial = b""
        self.batches: list[tuple[bytes, bytes]] = []

    def __call__(self, network: Network) -> None:
        self.initial = network.parameters.theta.tobytes()
        learn = network.loss_and_gradient

        def watched(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> float:
            self.batches.append((x.tobytes(), y.tobytes()))
            return learn(x, y, rng)

        network.loss_and_gradient = watched  # type: ignore[method-assign]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
class TestDeterminism:
    def test_the_same_seed_gives_the_same_bits_and_another_seed_others(
        self, plan: Any, optimizer: str, dropout: float, dtype: str
    ) -> None:
        plan = plan.changed(
            optimizer=OPTIMIZERS[optimizer](lr=0.01),
            model=replace(plan.model, dropout=dropout),
            training=replace(plan.training, dtype=dtype),
        )
        (one, records), (other, again) = plan.run(), plan.run()
        assert one.parameters.theta.tobytes() == other.parameters.theta.tobytes()
        assert results(records) == results(again)
        elsewhere, others = plan.changed(seed=1).run()
        assert (elsewhere.parameters.theta != one.parameters.theta).all()
        assert results(others) != results(records)


class TestStreams:
    @pytest.mark.parametrize(
        "change",
        [{"dropout": 0.5}, {"act": "relu"}, {"init": "zeros"}, {"hidden": (3,)}, {"loss": "mse", "output": "sigmoid"}],
        ids=str,
    )
    def test_a_change_of_the_model_leaves_the_order_of_batches_alone(self, plan: Any, change: dict[str, Any]) -> None:
        before, after = BatchSpy(), BatchSpy()
        plan.run(before)
        plan.changed(model=replace(plan.model, **change)).run(after)
        assert len(before.batches) == 3 * 11
        assert before.batches == after.batches

    @pytest.mark.parametrize("change", [{"dropout": 0.5}, {"act": "relu"}], ids=str)
    def test_a_change_of_dropout_or_activation_leaves_the_initial_weights_alone(
        self, plan: Any, change: dict[str, Any]
    ) -> None:
        before, after = BatchSpy(), BatchSpy()
        plan.run(before)
        plan.changed(model=replace(plan.model, **change)).run(after)
        assert before.initial == after.initial

    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_a_change_of_the_optimizer_leaves_both_alone(self, plan: Any, optimizer: str) -> None:
        before, after = BatchSpy(), BatchSpy()
        plan.run(before)
        plan.changed(optimizer=OPTIMIZERS[optimizer](lr=0.01), schedule=SCHEDULES["linear"]()).run(after)
        assert (before.initial, before.batches) == (after.initial, after.batches)

    def test_more_epochs_begin_like_fewer(self, plan: Any) -> None:
        _, short = plan.run()
        _, long = plan.changed(training=replace(plan.training, epochs=6)).run()
        assert results(long)[:3] == results(short)

    def test_the_three_streams_of_a_seed_differ_from_each_other_and_by_seed(self) -> None:
        draws = set()
        for seed in (0, 1):
            streams = Streams.of(seed)
            initialization = np.random.default_rng(streams.initialization)
            for drawn in (initialization.permutation(100), streams.order.permutation(100)):
                draws.add(drawn.tobytes())
            for rng in (streams.dropout, streams.evaluation(1), streams.evaluation(2)):
                draws.add(rng.permutation(100).tobytes())
        assert len(draws) == 10

    def test_global_random_state_has_no_part_in_it(self, plan: Any) -> None:
        np.random.seed(1)  # noqa: NPY002
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        one, _ = plan.run()
        assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
        np.random.seed(2)  # noqa: NPY002
        other, _ = plan.run()
        assert one.parameters.theta.tobytes() == other.parameters.theta.tobytes()


class TestRecords:
    def test_say_what_a_prediction_at_the_epochs_end_says(self, plan: Any, dataset: Any) -> None:
        streams = Streams.of(0)
        network = plan.initialized(streams)
        for record in train(network, plan.optimizer, plan.schedule, dataset, plan.training, streams):
            on_train = predict(network, dataset.train.x, dataset.train.y)
            on_valid = predict(network, dataset.valid.x, dataset.valid.y)
            assert (record.train_loss, record.train_accuracy) == (on_train.loss, on_train.accuracy)
            assert (record.valid_loss, record.valid_accuracy) == (on_valid.loss, on_valid.accuracy)

    def test_are_numbered_from_1_and_carry_times(self, plan: Any) -> None:
        _, records = plan.run()
        assert [record.epoch for record in records] == [1, 2, 3]
        for record in records:
            assert record.seconds > 0
            assert record.images_per_second == pytest.approx(103 / record.seconds)

    def test_count_only_the_images_that_were_used(self, plan: Any) -> None:
        _, records = plan.changed(training=Training(epochs=1, batch_size=10, drop_last=True)).run()
        assert records[0].images_per_second * records[0].seconds == pytest.approx(100)

    @pytest.mark.parametrize("by", ["epoch", "step"])
    @pytest.mark.parametrize("name", SCHEDULES)
    def test_carry_the_rate_of_the_epochs_last_update(self, plan: Any, name: str, by: str) -> None:
        schedule = SCHEDULES[name](by=by, warmup=1.0)
        _, records = plan.changed(schedule=schedule).run()
        assert [record.lr for record in records] == [0.1 * schedule.factor(epoch, 10, 3, 11) for epoch in range(3)]

    def test_do_not_change_the_training(self, plan: Any, dataset: Any) -> None:
        # Dropout is off at the epoch's end, and evaluating draws from no stream.
        plan = plan.changed(model=replace(plan.model, dropout=0.3))
        trained, _ = plan.run()
        streams = Streams.of(0)
        network = plan.initialized(streams)
        with held(1):
            for _ in train(network, plan.optimizer, plan.schedule, dataset, plan.training, streams):
                predict(network, dataset.test.x, dataset.test.y)
        assert network.parameters.theta.tobytes() == trained.parameters.theta.tobytes()


class TestLearning:
    def test_equals_steps_taken_by_hand(self, plan: Any, dataset: Any) -> None:
        # Full batches of plain gradient descent on a linear model: theta -= lr grad, written out.
        plan = plan.changed(
            model=replace(plan.model, hidden=()), training=Training(epochs=4, batch_size=103, dtype="float64")
        )
        trained, _ = plan.run()
        x, t = dataset.train.x.astype(np.float64), np.eye(3)[dataset.train.y]
        W, b = plan.network().parameters.W[0].copy(), np.zeros(3)
        for _ in range(4):
            p = np.exp(x @ W + b)
            p /= p.sum(axis=1, keepdims=True)
            W, b = W - 0.1 * x.T @ (p - t) / 103, b - 0.1 * (p - t).mean(axis=0)
        np.testing.assert_allclose(trained.parameters.W[0], W, rtol=1e-12)
        np.testing.assert_allclose(trained.parameters.b[0], b, rtol=1e-12)

    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_every_optimizer_learns(self, plan: Any, optimizer: str) -> None:
        plan = plan.changed(optimizer=OPTIMIZERS[optimizer](lr=0.02), training=Training(epochs=15, batch_size=10))
        _, records = plan.run()
        assert records[-1].train_loss < 0.8 * np.log(3)
        assert records[-1].train_accuracy > 0.7

    def test_a_batch_of_the_whole_set_and_of_one_example_both_work(self, plan: Any) -> None:
        for size in (1, 103):
            _, records = plan.changed(training=Training(epochs=1, batch_size=size)).run()
            assert np.isfinite(records[0].train_loss)

    def test_a_caller_may_stop_after_any_epoch(self, plan: Any, dataset: Any) -> None:
        streams = Streams.of(0)
        network = plan.initialized(streams)
        with held(1):
            first = next(train(network, plan.optimizer, plan.schedule, dataset, plan.training, streams))
        trained, records = plan.changed(training=replace(plan.training, epochs=1)).run()
        assert results([first]) == results(records)
        assert network.parameters.theta.tobytes() == trained.parameters.theta.tobytes()


@dataclass(frozen=True, kw_only=True)
class Explosion(Schedule):
    """factor = 1 before `epoch`, 10^30 from then on."""

    name = "explosion"
    epoch: int

    def factor(self, epoch: int, step: int, epochs: int, steps: int) -> float:
        return 1.0 if epoch < self.epoch else 1e30


class TestDivergence:
    # Warnings are errors in this suite, so these also show that there are none.

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("size", [10, 103])
    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_a_huge_rate_diverges_in_the_first_epoch(self, plan: Any, optimizer: str, size: int, dtype: str) -> None:
        plan = plan.changed(
            model=replace(plan.model, act="relu", init="he"),
            optimizer=OPTIMIZERS[optimizer](lr=1e30 if dtype == "float32" else 1e200),
            training=Training(epochs=3, batch_size=size, dtype=dtype),
        )
        with pytest.raises(Diverged) as caught:
            plan.run()
        assert caught.value.epoch == 1
        assert str(caught.value) == "diverged at epoch 1"

    def test_ends_the_training_in_mid_epoch(self, plan: Any) -> None:
        spy = BatchSpy()
        plan = plan.changed(model=replace(plan.model, act="relu"), optimizer=OPTIMIZERS["sgd"](lr=1e30))
        with pytest.raises(Diverged):
            plan.run(spy)
        assert 2 <= len(spy.batches) <= 4  # of 11

    @pytest.mark.parametrize("epoch", [0, 1, 2])
    def test_tells_the_epoch_and_keeps_the_records_before_it(self, plan: Any, dataset: Any, epoch: int) -> None:
        plan = plan.changed(model=replace(plan.model, act="relu"), schedule=Explosion(epoch=epoch))
        streams = Streams.of(0)
        network = plan.initialized(streams)
        records = []
        with held(1), pytest.raises(Diverged) as caught:  # noqa: PT012
            for record in train(network, plan.optimizer, plan.schedule, dataset, plan.training, streams):
                records.append(record)
        assert caught.value.epoch == epoch + 1
        assert [record.epoch for record in records] == list(range(1, epoch + 1))

    @pytest.mark.parametrize("part", ["train", "valid"])
    @pytest.mark.parametrize(
        ("act", "value"),  # a bounded activation makes an infinite input finite again
        [("tanh", np.nan), ("sigmoid", np.nan), ("relu", np.nan), ("relu", np.inf)],
    )
    def test_inputs_that_are_not_finite_are_found(
        self, plan: Any, dataset: Any, act: str, value: float, part: str
    ) -> None:
        x, y, _ = getattr(dataset, part)
        x = x.copy()
        x[:, 2] = value
        plan = plan.changed(
            dataset=replace(dataset, **{part: Examples(x, y)}), model=replace(plan.model, act=act, hidden=(8,))
        )
        with pytest.raises(Diverged) as caught:
            plan.run()
        assert caught.value.epoch == 1

    def test_a_single_nan_among_all_pixels_is_found(self, plan: Any, dataset: Any) -> None:
        x = dataset.train.x.copy()
        x[57, 3] = np.nan
        with pytest.raises(Diverged) as caught:
            plan.changed(dataset=replace(dataset, train=Examples(x, dataset.train.y))).run()
        assert caught.value.epoch == 1


class TestEvaluation:
    def test_between_evaluations_nothing_is_measured_and_the_weights_are_the_same(self, plan: Any) -> None:
        seven = replace(plan.training, epochs=7)
        each, records = plan.changed(training=seven).run()
        some, sparse = plan.changed(training=replace(seven, evaluate_every=3)).run()
        assert [record.epoch for record in sparse] == [3, 6, 7]
        assert each.parameters.theta.tobytes() == some.parameters.theta.tobytes()
        assert results(sparse) == [results(records)[epoch - 1] for epoch in (3, 6, 7)]

    def test_times_are_those_since_the_last_one(self, plan: Any) -> None:
        _, records = plan.changed(training=replace(plan.training, epochs=7, evaluate_every=3)).run()
        for record, epochs in zip(records, (3, 3, 1), strict=True):
            assert record.images_per_second * record.seconds == pytest.approx(epochs * 103)

    def test_the_untrained_network_is_epoch_0(self, plan: Any, dataset: Any) -> None:
        _, records = plan.changed(training=replace(plan.training, evaluate_at_start=True)).run()
        assert [record.epoch for record in records] == [0, 1, 2, 3]
        untrained = predict(plan.network(), dataset.valid.x, dataset.valid.y)
        assert (records[0].valid_loss, records[0].valid_accuracy) == (untrained.loss, untrained.accuracy)
        assert results(records)[1:] == results(plan.run()[1])

    def test_running_metrics_are_means_over_the_batches_as_they_are_trained(self, plan: Any) -> None:
        seen: list[tuple[float, int, int]] = []

        def spy(network: Network) -> None:
            learn = network.loss_and_gradient

            def watched(x: np.ndarray, y: np.ndarray, rng: Any, predicted: np.ndarray) -> float:
                probabilities = network.loss_and_probabilities(x, y)[1]
                loss = learn(x, y, rng, predicted)
                seen.append((loss * len(y), int((probabilities.argmax(axis=1) == y).sum()), len(y)))
                return loss

            network.loss_and_gradient = watched  # type: ignore[method-assign]

        plan = plan.changed(model=replace(plan.model, dropout=0.0))
        trained, records = plan.changed(training=replace(plan.training, running_metrics=True)).run(spy)
        for epoch, record in enumerate(records):
            loss, right, examples = (sum(values) for values in zip(*seen[11 * epoch : 11 * (epoch + 1)], strict=True))
            assert examples == 103
            assert record.train_loss == pytest.approx(loss / 103)
            assert record.train_accuracy == right / 103
        plain, whole = plan.run()
        assert plain.parameters.theta.tobytes() == trained.parameters.theta.tobytes()
        assert [r.valid_loss for r in records] == [r.valid_loss for r in whole]
        assert [r.train_loss for r in records] != [r.train_loss for r in whole]

    def test_with_dropout_on_it_is_told_beside_and_changes_nothing_else(self, plan: Any) -> None:
        plan = plan.changed(model=replace(plan.model, dropout=0.5))
        plain, records = plan.run()
        also, more = plan.changed(training=replace(plan.training, evaluate_dropout=True, metrics=("f1",))).run()
        assert plain.parameters.theta.tobytes() == also.parameters.theta.tobytes()
        for one, other in zip(records, more, strict=True):
            assert other.metrics.keys() == {
                f"{part}/{name}"
                for part in ("train", "valid")
                for name in ("f1", "loss_with_dropout", "accuracy_with_dropout", "f1_with_dropout")
            }
            assert other.metrics["train/loss_with_dropout"] > other.train_loss == one.train_loss

    def test_a_loss_that_is_infinite_with_dropout_alone_is_found(self, plan: Any) -> None:
        plan = plan.changed(
            model=replace(plan.model, act="relu", dropout=0.999, init="uniform", init_bound=1e18),
            training=replace(plan.training, evaluate_dropout=True, evaluate_at_start=True),
        )
        with pytest.raises(Diverged):
            plan.run()

    def test_the_epochs_that_are_evaluated_are_known_beforehand(self, plan: Any) -> None:
        for every, start in ((1, False), (3, True), (5, False), (9, True)):
            training = replace(plan.training, epochs=7, evaluate_every=every, evaluate_at_start=start)
            _, records = plan.changed(training=training).run()
            assert [record.epoch for record in records] == training.evaluated()


class TestOrders:
    def test_fixed_batches_are_the_same_in_each_epoch(self, plan: Any, dataset: Any) -> None:
        spy = BatchSpy()
        plan.changed(training=replace(plan.training, order="fixed")).run(spy)
        assert spy.batches[:11] == spy.batches[11:22]
        assert b"".join(y for _, y in spy.batches[:11]) == dataset.train.y.tobytes()

    def test_drawn_batches_make_epochs_of_so_many_steps(self, plan: Any) -> None:
        spy = BatchSpy()
        drawn = replace(plan.training, order="drawn", steps_per_epoch=4)
        _, records = plan.changed(training=drawn).run(spy)
        assert len(spy.batches) == 3 * 4
        assert len(set(spy.batches)) == 12
        assert records[0].images_per_second * records[0].seconds == pytest.approx(40)

    def test_drawn_batches_make_a_pass_where_no_steps_are_given(self, plan: Any) -> None:
        spy = BatchSpy()
        plan.changed(training=replace(plan.training, order="drawn")).run(spy)
        assert len(spy.batches) == 3 * 11

    def test_full_batch_is_one_step_an_epoch_with_all_examples(self, plan: Any, dataset: Any) -> None:
        spy = BatchSpy()
        plan.changed(training=replace(plan.training, batch_size=None, order="fixed")).run(spy)
        assert [x for x, _ in spy.batches] == 3 * [dataset.train.x.tobytes()]

    def test_steps_that_would_cut_a_pass_short_are_refused(self) -> None:
        with pytest.raises(UserError, match=r"train.steps_per_epoch=5 with train.order=shuffled.*drawn"):
            Training(steps_per_epoch=5)
