from typing import Any

import numpy as np
import pytest

from src.training.early_stopping import EarlyStopping
from src.training.loop import Epoch, Training
from src.training.metrics import predict
from src.training.processor import held


@pytest.mark.parametrize(
    ("patience", "accuracies", "kept", "last"),
    [
        pytest.param(2, [0.5, 0.6, 0.8, 0.7, 0.7, 0.9, 0.9], 3, 5, id="stops before a later, better epoch"),
        *(pytest.param(p, [0.5, 0.9, *[0.8] * 10], 2, 2 + p, id=f"patience {p}") for p in (1, 2, 5)),
        pytest.param(3, [0.5] * 9, 1, 4, id="an equal score is not better"),
        pytest.param(2, [0.1, 0.0, 0.2, 0.0, 0.3, 0.0, 0.4, 0.0, 0.0], 7, 9, id="a better one restarts the count"),
        pytest.param(None, [0.9, 0.1, 0.5, 0.2], 4, 4, id="without patience"),
    ],
)
@pytest.mark.parametrize("monitor", ["valid_accuracy", "valid_loss"])  # a loss is better when it is smaller
def test_keeps_the_best_epoch_and_stops_after_patience(
    monitor: str, patience: int | None, accuracies: list[float], kept: int, last: int
) -> None:
    values = [accuracies, [1 - accuracy for accuracy in accuracies]]
    if monitor == "valid_loss":
        values[0] = accuracies[::-1]  # which is not looked at
    else:
        values[1] = values[1][::-1]
    theta = np.ones(2)
    keeper = EarlyStopping(Training(patience=patience, monitor=monitor), theta)
    theta[:] = 0
    assert (keeper.epoch, keeper.theta.tolist()) == (0, [1, 1])  # before the first epoch: the initial weights
    for epoch, (accuracy, loss) in enumerate(zip(*values, strict=True), 1):
        theta[:] = epoch  # weights that say which epoch they are of
        if keeper.should_stop(Epoch(epoch, 1.0, 0.5, loss, accuracy, 0.1, 1.0, 1.0), theta):
            break
    assert (keeper.epoch, epoch) == (kept, last)
    assert keeper.theta.tolist() == [kept, kept]


@pytest.mark.parametrize(("monitor", "best_of"), [("valid_accuracy", max), ("valid_loss", min)])
def test_in_a_training_the_kept_weights_are_those_of_the_best_record(
    plan: Any, dataset: Any, monitor: str, best_of: Any
) -> None:
    plan = plan.changed(train={"epochs": 60, "patience": 3, "monitor": monitor}, optimizer={"lr": 0.8})
    network, training = plan.start()
    theta = network.parameters.theta
    keeper, records = EarlyStopping(plan.train, theta), []
    with held(1):
        for one in training:
            records.append(one)
            if keeper.should_stop(one, theta):
                break
        assert len(records) < 60
        assert len(records) == keeper.epoch + 3

        theta[:] = keeper.theta
        restored = predict(network, dataset.valid.x, dataset.valid.y)
    best = records[keeper.epoch - 1]
    assert (restored.loss, restored.accuracy) == (best.valid_loss, best.valid_accuracy)
    assert getattr(best, monitor) == best_of(getattr(one, monitor) for one in records)
