from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from src.training.early_stopping import EarlyStopping
from src.training.loop import Epoch, Training, train
from src.training.metrics import predict
from src.training.processor import held
from src.training.streams import Streams


def record(epoch: int, accuracy: float = 0.5, loss: float = 1.0) -> Epoch:
    return Epoch(epoch, 1.0, 0.5, loss, accuracy, 0.1, 1.0, 1.0)


def follow(training: Training, records: list[Epoch]) -> tuple[EarlyStopping, int]:
    """The keeper after it said stop, or after the last record, and the epoch that it saw last."""
    theta = np.zeros(2)
    keeper = EarlyStopping(training, theta)
    for one in records:
        theta[:] = one.epoch  # weights that say which epoch they are of
        if keeper.should_stop(one, theta):
            break
    return keeper, one.epoch


def test_keeps_the_best_epochs_weights_and_stops_after_patience() -> None:
    accuracies = [0.5, 0.6, 0.8, 0.7, 0.7, 0.9, 0.9]
    records = [record(i + 1, accuracy) for i, accuracy in enumerate(accuracies)]
    keeper, last = follow(Training(patience=2), records)
    assert (keeper.epoch, last) == (3, 5)
    assert keeper.theta.tolist() == [3, 3]


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_stops_exactly_patience_epochs_after_the_best(patience: int) -> None:
    records = [record(1, 0.5), record(2, 0.9), *(record(epoch, 0.8) for epoch in range(3, 20))]
    keeper, last = follow(Training(patience=patience), records)
    assert (keeper.epoch, last) == (2, 2 + patience)


def test_an_equal_score_is_not_a_better_one() -> None:
    keeper, last = follow(Training(patience=3), [record(epoch, 0.5) for epoch in range(1, 10)])
    assert (keeper.epoch, last) == (1, 4)


def test_a_better_epoch_starts_the_count_anew() -> None:
    accuracies = [0.1, 0.0, 0.2, 0.0, 0.3, 0.0, 0.4, 0.0, 0.0]
    keeper, last = follow(Training(patience=2), [record(i + 1, accuracy) for i, accuracy in enumerate(accuracies)])
    assert (keeper.epoch, last) == (7, 9)


def test_can_watch_the_loss_which_is_better_when_smaller() -> None:
    records = [record(1, 0.1, loss=3), record(2, 0.2, loss=1), record(3, 0.9, loss=2), record(4, 0.9, loss=2)]
    keeper, last = follow(Training(patience=2, monitor="valid_loss"), records)
    assert (keeper.epoch, last) == (2, 4)


def test_without_patience_keeps_the_last_epoch_and_never_stops() -> None:
    keeper, last = follow(Training(), [record(1, 0.9), record(2, 0.1), record(3, 0.5), record(4, 0.2)])
    assert (keeper.epoch, last) == (4, 4)
    assert keeper.theta.tolist() == [4, 4]


def test_before_the_first_epoch_it_keeps_the_initial_weights() -> None:
    theta = np.array([1.0, 2.0])
    keeper = EarlyStopping(Training(patience=1), theta)
    theta[:] = 0
    assert keeper.epoch == 0
    assert keeper.theta.tolist() == [1, 2]


@pytest.mark.parametrize("monitor", ["valid_accuracy", "valid_loss"])
def test_in_a_training_the_kept_weights_are_those_of_the_best_record(plan: Any, dataset: Any, monitor: str) -> None:
    training = Training(epochs=60, batch_size=10, patience=3, monitor=monitor)
    plan = plan.changed(training=training, optimizer=replace(plan.optimizer, lr=0.8))
    streams = Streams.of(0)
    network = plan.initialized(streams)
    theta = network.parameters.theta
    keeper, records = EarlyStopping(training, theta), []
    with held(1):
        for one in train(network, plan.optimizer, plan.schedule, dataset, training, streams):
            records.append(one)
            if keeper.should_stop(one, theta):
                break
        assert len(records) < 60
        assert len(records) == keeper.epoch + 3

        theta[:] = keeper.theta
        restored = predict(network, dataset.valid.x, dataset.valid.y)
    best = records[keeper.epoch - 1]
    assert (restored.loss, restored.accuracy) == (best.valid_loss, best.valid_accuracy)
    if monitor == "valid_accuracy":
        assert best.valid_accuracy == max(one.valid_accuracy for one in records)
    else:
        assert best.valid_loss == min(one.valid_loss for one in records)
