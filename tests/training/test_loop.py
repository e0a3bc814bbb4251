from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pytest

from src.data.dataset import Examples
from src.foundation.errors import UserError
from src.nn.arithmetic import NATIVE
from src.nn.arithmetic.operations import Arithmetic
from src.nn.network import Network
from src.optim.optimizers import OPTIMIZERS
from src.optim.schedules import SCHEDULES, Schedule
from src.training.loop import Diverged, Epoch, Training
from src.training.metrics import predict
from src.training.processor import held

TIMES = {"seconds", "images_per_second"}


def results(epochs: list[Epoch]) -> list[dict[str, Any]]:
    """What two trainings of one seed must agree on."""
    return [{key: value for key, value in asdict(epoch).items() if key not in TIMES} for epoch in epochs]


class BatchSpy:
    """Notes the batches that a network learns from: x, y, the loss and the correct predictions before."""

    def __init__(self) -> None:
        self.batches: list[tuple[bytes, bytes]] = []
        self.measured: list[tuple[float, int, int]] = []  # the loss times the examples, correct ones, examples

    def __call__(self, network: Network) -> None:
        learn = network.loss_and_gradient

        def watched(x: np.ndarray, y: np.ndarray, *others: Any) -> float:
            right = int((network.loss_and_probabilities(x, y)[1].argmax(axis=1) == y).sum())
            self.batches.append((x.tobytes(), y.tobytes()))
            loss = learn(x, y, *others)
            self.measured.append((loss * len(y), right, len(y)))
            return loss

        network.loss_and_gradient = watched  # type: ignore[method-assign]


def seen(plan: Any) -> BatchSpy:
    spy = BatchSpy()
    plan.run(spy)
    return spy


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(
    plan: Any, optimizer: str, dropout: float, dtype: str
) -> None:
    settings = OPTIMIZERS[optimizer](lr=0.01, l2=0.1, clip_norm=0.5)
    plan = plan.changed(optimizer=settings, model={"dropout": dropout}, train={"dtype": dtype})
    one, records = plan.run()
    np.random.seed(1)  # noqa: NPY002 - the global random state has no influence, and is not changed
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    other, again = plan.run()
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert one.parameters.theta.tobytes() == other.parameters.theta.tobytes()
    assert results(records) == results(again)
    elsewhere, others = plan.changed(seed=1).run()
    assert (elsewhere.parameters.theta != one.parameters.theta).all()
    assert results(others) != results(records)


def test_more_epochs_begin_like_fewer(plan: Any) -> None:
    _, short = plan.run()
    _, long = plan.changed(train={"epochs": 6}).run()
    assert results(long)[:3] == results(short)


class TestRecords:
    def test_equal_predictions_at_the_epochs_end_and_do_not_change_the_training(self, plan: Any, dataset: Any) -> None:
        # Dropout is off at the epoch's end, and evaluating draws from no stream.
        plan = plan.changed(model={"dropout": 0.3})
        trained, _ = plan.run()
        network, records = plan.start()
        with held(1):
            for record in records:
                on_train = predict(network, dataset.train.x, dataset.train.y)
                on_valid = predict(network, dataset.valid.x, dataset.valid.y)
                assert (record.train_loss, record.train_accuracy) == (on_train.loss, on_train.accuracy)
                assert (record.valid_loss, record.valid_accuracy) == (on_valid.loss, on_valid.accuracy)
        assert network.parameters.theta.tobytes() == trained.parameters.theta.tobytes()

    @pytest.mark.parametrize(
        ("training", "images"),
        [
            ({}, {1: 103, 2: 103, 3: 103}),
            ({"drop_last": True}, {1: 100, 2: 100, 3: 100}),
            ({"epochs": 7, "evaluate_every": 3}, {3: 309, 6: 309, 7: 103}),
            ({"order": "drawn", "steps_per_epoch": 4}, {1: 40, 2: 40, 3: 40}),
        ],
        ids=str,
    )
    def test_carry_the_time_and_the_images_since_the_last_one(
        self, plan: Any, training: dict[str, Any], images: dict[int, int]
    ) -> None:
        _, records = plan.changed(train=training).run()
        assert all(record.seconds > 0 for record in records)
        assert {r.epoch: r.images_per_second * r.seconds for r in records} == pytest.approx(images)

    @pytest.mark.parametrize("by", ["epoch", "step"])
    @pytest.mark.parametrize("name", SCHEDULES)
    def test_carry_the_rate_of_the_epochs_last_update(self, plan: Any, name: str, by: str) -> None:
        schedule = SCHEDULES[name](by=by, warmup=1.0)
        _, records = plan.changed(schedule=schedule).run()
        assert [record.lr for record in records] == [0.1 * schedule.factor(epoch, 10, 3, 11) for epoch in range(3)]


class TestLearning:
    def test_equals_steps_taken_by_hand(self, plan: Any, dataset: Any) -> None:
        # Full batches of plain gradient descent on a linear model: theta -= lr grad, written out.
        plan = plan.changed(model={"hidden": ()}, train={"epochs": 4, "batch_size": 103, "dtype": "float64"})
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
    def test_happens_with_every_optimizer(self, plan: Any, optimizer: str) -> None:
        plan = plan.changed(optimizer=OPTIMIZERS[optimizer](lr=0.02), train={"epochs": 15})
        _, records = plan.run()
        assert records[-1].train_loss < 0.8 * np.log(3)
        assert records[-1].train_accuracy > 0.7


@dataclass(frozen=True, kw_only=True)
class Explosion(Schedule):
    """factor = 1 before `epoch`, 10^30 from then on."""

    name = "explosion"
    epoch: int

    def factor(self, epoch: int, step: int, epochs: int, steps: int, ops: Arithmetic = NATIVE) -> float:
        return 1.0 if epoch < self.epoch else 1e30


class TestDivergence:
    # Warnings are errors in this suite, so these also show that there are none.

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("size", [10, 103])
    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_from_a_huge_rate_is_detected_in_the_first_epoch(
        self, plan: Any, optimizer: str, size: int, dtype: str
    ) -> None:
        plan = plan.changed(
            model={"act": "relu", "init": "he"},
            optimizer=OPTIMIZERS[optimizer](lr=1e30 if dtype == "float32" else 1e200),
            train={"batch_size": size, "dtype": dtype},
        )
        with pytest.raises(Diverged, match=r"^diverged at epoch 1$") as caught:
            plan.run()
        assert caught.value.epoch == 1

    @pytest.mark.parametrize("epoch", [0, 1, 2])
    def test_ends_the_training_within_the_epoch_and_keeps_the_records_before(self, plan: Any, epoch: int) -> None:
        network, training = plan.changed(model={"act": "relu"}, schedule=Explosion(epoch=epoch)).start()
        spy, records = BatchSpy(), []
        spy(network)
        with held(1), pytest.raises(Diverged) as caught:  # noqa: PT012
            for record in training:
                records.append(record)
        assert caught.value.epoch == epoch + 1
        assert [record.epoch for record in records] == list(range(1, epoch + 1))
        assert 2 <= len(spy.batches) - 11 * epoch <= 4  # of 11

    @pytest.mark.parametrize("part", ["train", "valid"])
    @pytest.mark.parametrize("rows", [slice(None), 37], ids=["every image", "one image"])
    @pytest.mark.parametrize(
        ("act", "value"),  # a bounded activation makes an infinite input finite again
        [("tanh", np.nan), ("sigmoid", np.nan), ("relu", np.nan), ("relu", np.inf)],
    )
    def test_from_inputs_that_are_not_finite_is_detected(
        self, plan: Any, dataset: Any, act: str, value: float, rows: Any, part: str
    ) -> None:
        x, y, _ = getattr(dataset, part)
        x = x.copy()
        x[rows, 2] = value
        plan = plan.changed(dataset=replace(dataset, **{part: Examples(x, y)}), model={"act": act, "hidden": (8,)})
        with pytest.raises(Diverged) as caught:
            plan.run()
        assert caught.value.epoch == 1

    def test_with_dropout_alone_is_detected(self, plan: Any) -> None:
        plan = plan.changed(
            model={"act": "relu", "dropout": 0.999, "init": "uniform", "init_bound": 1e18},
            train={"evaluate_dropout": True, "evaluate_at_start": True},
        )
        with pytest.raises(Diverged):
            plan.run()


class TestEvaluation:
    @pytest.mark.parametrize(("every", "start"), [(1, True), (3, False), (3, True), (5, False), (9, True)])
    def test_between_evaluations_nothing_is_measured_and_the_untrained_network_is_epoch_0(
        self, plan: Any, dataset: Any, every: int, start: bool
    ) -> None:
        each, records = plan.changed(train={"epochs": 7}).run()
        sparse = plan.changed(train={"epochs": 7, "evaluate_every": every, "evaluate_at_start": start})
        some, found = sparse.run()
        assert some.parameters.theta.tobytes() == each.parameters.theta.tobytes()
        assert [record.epoch for record in found] == sparse.train.evaluated()
        assert results(found)[start:] == [results(records)[record.epoch - 1] for record in found[start:]]
        if start:
            untrained = predict(plan.network(), dataset.valid.x, dataset.valid.y)
            first = (found[0].epoch, found[0].valid_loss, found[0].valid_accuracy)
            assert first == (0, untrained.loss, untrained.accuracy)

    def test_running_metrics_are_means_over_the_batches_during_training(self, plan: Any) -> None:
        plan, spy = plan.changed(model={"dropout": 0.0}), BatchSpy()
        trained, records = plan.changed(train={"running_metrics": True}).run(spy)
        for epoch, record in enumerate(records):
            loss, right, examples = (sum(v) for v in zip(*spy.measured[11 * epoch : 11 * (epoch + 1)], strict=True))
            assert examples == 103
            assert record.train_loss == pytest.approx(loss / 103)
            assert record.train_accuracy == right / 103
        plain, whole = plan.run()
        assert plain.parameters.theta.tobytes() == trained.parameters.theta.tobytes()
        assert [r.valid_loss for r in records] == [r.valid_loss for r in whole]
        assert [r.train_loss for r in records] != [r.train_loss for r in whole]

    def test_with_dropout_on_is_recorded_besides_and_changes_nothing_else(self, plan: Any) -> None:
        plan = plan.changed(model={"dropout": 0.5})
        plain, records = plan.run()
        also, more = plan.changed(train={"evaluate_dropout": True, "metrics": ("f1",)}).run()
        assert plain.parameters.theta.tobytes() == also.parameters.theta.tobytes()
        names = ("f1", "loss_with_dropout", "accuracy_with_dropout", "f1_with_dropout")
        for one, other in zip(records, more, strict=True):
            assert other.metrics.keys() == {f"{part}/{name}" for part in ("train", "valid") for name in names}
            assert other.metrics["train/loss_with_dropout"] > other.train_loss == one.train_loss


class TestOrders:
    def test_fixed_batches_are_the_same_in_each_epoch(self, plan: Any, dataset: Any) -> None:
        batches = seen(plan.changed(train={"order": "fixed"})).batches
        assert batches[:11] == batches[11:22]
        assert b"".join(y for _, y in batches[:11]) == dataset.train.y.tobytes()

    @pytest.mark.parametrize(("steps", "expected"), [(4, 4), (None, 11)], ids=["4 steps", "a pass"])
    def test_drawn_batches_make_epochs_of_so_many_steps(self, plan: Any, steps: int | None, expected: int) -> None:
        batches = seen(plan.changed(train={"order": "drawn", "steps_per_epoch": steps})).batches
        assert len(batches) == len(set(batches)) == 3 * expected

    def test_a_full_batch_is_one_step_an_epoch_with_all_examples(self, plan: Any, dataset: Any) -> None:
        batches = seen(plan.changed(train={"batch_size": None, "order": "fixed"})).batches
        assert [x for x, _ in batches] == 3 * [dataset.train.x.tobytes()]

    def test_steps_that_would_cut_a_pass_short_are_rejected(self) -> None:
        with pytest.raises(UserError, match=r"train.steps_per_epoch=5 with train.order=shuffled.*drawn"):
            Training(steps_per_epoch=5)
