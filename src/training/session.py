"""One training, from initial weights to the metrics of the best ones.

The only files here are checkpoints; run folder, journal and trackers belong to the caller.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from src.data.dataset import Dataset
from src.nn.architecture import Architecture
from src.nn.arrays import Array
from src.nn.network import Network
from src.optim.optimizers import Optimizer, State
from src.optim.schedules import Schedule
from src.training.checkpoint import Saver
from src.training.draws import Draws
from src.training.early_stopping import EarlyStopping
from src.training.loop import Diverged, Epoch, Progress, Training, train
from src.training.metrics import Predictions, measure
from src.training.streams import Streams
from src.training.units import Trained, output_layer, put_on_top, train_units


class Settings(Protocol):
    """The part of a configuration that a training needs."""

    @property
    def model(self) -> Architecture: ...
    @property
    def optimizer(self) -> Optimizer: ...
    @property
    def schedule(self) -> Schedule: ...
    @property
    def train(self) -> Training: ...
    @property
    def seed(self) -> int: ...
    @property
    def rng(self) -> str: ...
    @property
    def draws(self) -> Draws: ...


class Start(NamedTuple):
    """A trained network to go on with."""

    theta: Array  # its parameters
    state: State | None  # of its optimizer; None: its slots start at zero
    fingerprint: str  # of its run; empty if it is not known


class Session:
    """A training. Its steps, in this order: `prepare`, `saver`, `run`, `keep_best`, `evaluate`.

    start: in place of drawn weights. network: with its initial weights, at the end with the best ones. progress: its
    position, after `prepare`.
    """

    def __init__(self, settings: Settings, dataset: Dataset, start: Start | None = None) -> None:
        self._settings, self._dataset = settings, dataset
        self._streams = Streams.of(settings.seed, settings.rng, settings.draws, len(dataset.train.y))
        self.network = build_network(settings.model, dataset, settings.train)
        settings.model.initialize(self.network, self._streams.initialization)
        self._streams.drop_in(self.network.dropout)
        self._start = start
        if start:
            self.network.parameters.theta[:] = start.theta
        self._keeper = EarlyStopping(settings.train, self.network.parameters.theta)
        self._learner, self._shown = self.network, dataset  # what the loop trains, and on what
        self._units: Trained | None = None

    def prepare(self) -> None:
        """Trains the hidden units of `train.unit_targets`, if any; the loop then trains the output layer.

        Raises `Diverged`.
        """
        settings = self._settings
        if settings.train.unit_targets:
            units = train_units(self.network, settings.optimizer, self._dataset, settings.train, self._streams)
            self._learner, self._shown, self._units = output_layer(self.network), units.outputs, units
            self._keeper = EarlyStopping(settings.train, self._learner.parameters.theta)
        self.progress = Progress.start(settings.optimizer, self._learner, self._streams)
        if self._start and (before := self._start.state):
            self.progress.state.steps = before.steps
            for name, slot in self.progress.state.slots.items():
                slot[:] = before.slots[name]
                if self.network.fixed:  # a velocity of the biases would move them
                    slot[self.network.parameters.weights.size :] = 0

    def saver(self, folder: Path, identity: str) -> Saver:
        """An object that writes this training's checkpoints into a folder, and restores one."""
        state = (self._learner, self._streams, self.progress, self._keeper)
        return Saver(folder, identity, self._settings.train, *state)

    def run(self, saver: Saver, record: Callable[[Epoch], Mapping[str, Any]]) -> None:
        """Trains to the last epoch, or stops early. Raises `Diverged`.

        record: called with each evaluated epoch; returns its epoch record.
        """
        settings, theta = self._settings, self._learner.parameters.theta
        for epoch in train(
            *(self._learner, settings.optimizer, settings.schedule, self._shown, settings.train, self._streams),
            *(self.progress, saver.after_step, saver.after_unevaluated),
        ):
            recorded = record(epoch)
            if self._keeper.should_stop(epoch, theta):
                break
            saver.after_epoch(recorded)

    @property
    def steps(self) -> dict[str, Array]:
        """The rows of `Steps` by what was trained: `unit_0`, `unit_1`, ... of `train.unit_targets`, and `network`."""
        units = self._units.steps if self._units else []
        return {f"unit_{unit}": rows for unit, rows in enumerate(units)} | {"network": self.progress.record.rows}

    def keep_best(self) -> None:
        """Gives `network` the best weights, which are finite even if the training diverged."""
        self._learner.parameters.theta[:] = self._keeper.theta
        if self._units:
            put_on_top(self.network, self._learner, self._units)

    def optimizer_state(self) -> State | None:
        """The optimizer's state at the end; None if it has no slots, or belongs to other weights than `network` has."""
        state, last = self.progress.state, self._keeper.epoch == self.progress.epoch
        return state if state.slots and last and not self._units else None

    def evaluate(self) -> tuple[dict[str, Any], Predictions]:
        """The result with the best weights: epochs and the metrics of each set; and the predictions on the test set.

        Raises `Diverged` if a metric is not finite.
        """
        train, kept = self._settings.train, self._keeper.epoch
        dropping = self._streams.evaluation(train.epochs + 1) if train.evaluate_dropout else None
        result: dict[str, Any] = {"epochs": self.progress.epoch, "kept_epoch": kept}
        for part in ("train", "valid", "test"):
            predicted, further = measure(self.network, getattr(self._dataset, part), train.metrics, dropping)
            result[part] = {"loss": predicted.loss, "accuracy": predicted.accuracy, **further}
            if not all(map(math.isfinite, result[part].values())):
                raise Diverged(kept, f"at epoch {kept}, on the {part} set")
        if self._units:
            result["units"] = self._units.accuracy
        return result, predicted


def build_network(model: Architecture, dataset: Dataset, train: Training) -> Network:
    """The network described by `model`, with sizes from the data and zero parameters."""
    batch = train.batch_size or len(dataset.train.y)
    sizes = (dataset.train.x.shape[1], len(dataset.labels), dataset.train.y)
    return model.network(*sizes, train.dtype, train.arithmetic, batch)
