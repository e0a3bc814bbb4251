import numpy as np
import pytest

from src.training.early_stopping import EarlyStopping
from src.training.loop import Epoch, Training


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
