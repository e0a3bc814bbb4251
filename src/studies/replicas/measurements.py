"""The quantity that a claim is about, as a finished run measured it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from src.config.tree import Config
from src.data.scaling import scaled
from src.data.sources import SOURCES
from src.foundation.errors import UserError, suggestion
from src.foundation.schema import show
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.runs.metric import SETS
from src.runs.model import Model
from src.studies.replicas.claims import Claim
from src.training.loop import Training
from src.training.metrics import WITH_DROPOUT, predict

_JOURNALED = ("loss", "accuracy")
_OVERALL = ("precision", "recall", "f1")  # of the test set, whatever train.metrics asks for


@dataclass(frozen=True)
class Measurements:
    """A finished run, with its epoch records by epoch."""

    run: FinishedRun
    epochs: Mapping[int, Mapping[str, Any]]

    @classmethod
    def of(cls, folder: RunFolder) -> "Measurements":
        """Reads the journal; the run's other files are read when a claim needs them."""
        return cls(FinishedRun(folder.path), {record["epoch"]: record for record in folder.journal()})

    def value(self, claim: Claim) -> float | None:
        """The claim's quantity; None at an epoch that the run did not reach, or did not evaluate."""
        metric = claim.about
        if claim.at:
            return _probability(self.run.model, claim)
        if claim.epoch is None:
            return float({**self.run.scores["overall"], **self.run.result[metric.part]}[metric.quantity])
        record = self.epochs.get(claim.epoch)
        if record is None:
            return None
        if metric.quantity in _JOURNALED:
            return float(record[f"{metric.part}_{metric.quantity}"])
        return float(record["metrics"][metric])


def _probability(model: Model, claim: Claim) -> float:
    x = scaled(np.array([claim.at]), model.header["scaling"], model.network.dtype.name)  # [1, features]
    probabilities = predict(model.network, x, np.zeros(1, np.int64)).probabilities
    return float(probabilities[0, model.header["labels"].index(claim.about.quantity)])


def refuse_unmeasured(key: str, claims: Sequence[Claim], config: Config) -> None:
    """Raises `UserError`, about `key`, if a run of this configuration would not measure a claim's quantity."""
    training, source = config.train, SOURCES[config.data.source]
    names = [*_JOURNALED, *training.metrics]
    names = [*names, *(f"{name}{WITH_DROPOUT}" for name in names if training.evaluate_dropout)]
    known = {"train": names, "valid": names, "test": list({*names, *_OVERALL})}
    known |= {"units": [*training.unit_targets], "new": [*source.labels]}
    for claim in claims:
        part, quantity = claim.about.part, claim.about.quantity
        if quantity not in known[part]:
            near = suggestion(quantity, known[part]) if known[part] else "none is"
            more = "; train.metrics may list more" if part in SETS else ""
            raise UserError(f"{key}: {show(claim.metric)}: not measured there; {near}{more}")
        if claim.at and len(claim.at) != len(source.features or ()):
            raise UserError(f"{key}: {show(claim.metric)}: at={list(claim.at)}: the features are {source.features}")
        if claim.epoch is not None and not _evaluated(claim.epoch, training):
            raise UserError(
                f"{key}: {show(claim.metric)} at epoch {claim.epoch}: not evaluated then; train.evaluate_every="
                f"{training.evaluate_every}, train.evaluate_at_start={str(training.evaluate_at_start).lower()}"
            )


def _evaluated(epoch: int, training: Training) -> bool:
    """Whether a training evaluates after this epoch, or would if it were as long."""
    return epoch % training.evaluate_every == 0 if epoch else training.evaluate_at_start
