"""Early stopping: when to stop, and which weights to restore (Prechelt, 1998, criterion UP with strip length 1)."""

from src.nn.arrays import Array
from src.training.loop import Epoch, Training


class EarlyStopping:
    """Remembers the best epoch and its weights. Without `train.patience`, the last epoch is the best."""

    def __init__(self, training: Training, theta: Array) -> None:
        self._training = training
        self.best: Epoch | None = None  # the best epoch; None before the first
        self.theta = theta.copy()  # of the best epoch

    @property
    def epoch(self) -> int:
        """The number of the best epoch; 0 before the first."""
        return self.best.epoch if self.best is not None else 0

    def restore(self, best: Epoch | None, theta: Array) -> None:
        """Restores the best epoch and its weights."""
        self.best = best
        self.theta[:] = theta

    def should_stop(self, epoch: Epoch, theta: Array) -> bool:
        """Considers an epoch and its weights. True if the last `patience` epochs brought no improvement."""
        patience = self._training.patience
        if self.best is None or patience is None or self._score(epoch) > self._score(self.best):
            self.best = epoch
            self.theta[:] = theta
        return patience is not None and epoch.epoch - self.best.epoch >= patience

    def _score(self, epoch: Epoch) -> float:
        value = epoch.monitored(self._training.monitor)
        return -value if self._training.monitors_a_loss else value
