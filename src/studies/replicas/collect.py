"""The results of a table of published experiments, read from its run folders: one run with the same draws, and ours."""

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from src.data.recipes import prepare
from src.data.scaling import scaled
from src.runs.fingerprint import code_digest, environment
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.runs.model import Model
from src.studies.plan import WITHOUT_INFLUENCE
from src.studies.replicas.claims import Claim
from src.studies.replicas.declare import OURS, SAME_DRAWS, Experiment, ReplicaDeclaration
from src.studies.replicas.measured import JOURNALED
from src.studies.study import Study, failure, identity
from src.training.metrics import WITH_DROPOUT, predict, scores_by_class
from src.training.streams import Streams


@dataclass(frozen=True)
class Measurements:
    """A finished run, with its epoch records by epoch."""

    run: FinishedRun
    epochs: Mapping[int, Mapping[str, Any]]
    stopped: int | None = None  # the epoch after which it stopped early, if it did

    @classmethod
    def of(cls, folder: RunFolder, planned: int) -> "Measurements":
        """Reads the journal; the run's other files are read when a claim needs them. planned: epochs."""
        epochs = {record["epoch"]: record for record in folder.journal()}
        return cls(FinishedRun(folder.path), epochs, max(epochs) if max(epochs) < planned else None)

    def value(self, claim: Claim) -> float | None:
        """The claim's quantity; None at an epoch that the run did not reach, or did not evaluate."""
        metric = claim.about
        if claim.at:
            return _probability(self.run.model, claim)
        if claim.label is not None:
            scores = self.scores_with_dropout if metric.quantity.endswith(WITH_DROPOUT) else self.run.scores
            return float(scores["class"][claim.label][metric.quantity.removesuffix(WITH_DROPOUT)])
        if claim.epoch is None:
            return float({**self.run.scores["overall"], **self.run.result[metric.part]}[metric.quantity])
        record = self.epochs.get(claim.epoch)
        if record is None:
            return None
        if metric.quantity in JOURNALED:
            return float(record[f"{metric.part}_{metric.quantity}"])
        return float(record["metrics"][metric])

    @cached_property
    def scores_with_dropout(self) -> dict[str, Any]:
        """As test.json has them without, from the masks of the run's own evaluation, which keeps their means only."""
        config, network = self.run.config, self.run.model.network
        dataset = prepare(config.data)
        dropping = Streams.of(config.seed).evaluation(config.train.epochs + 1)
        for part in (dataset.train, dataset.valid, dataset.test):  # one stream draws the masks of all three
            predictions = predict(network, part.x, part.y, dropping)
        return scores_by_class(predictions, dataset.test.y, dataset.labels)

    @property
    def dead(self) -> tuple[str, ...]:
        """The classes of which the network recognizes no test example."""
        return tuple(label for label, of in self.run.scores["class"].items() if of["num_samples"] and not of["recall"])


@dataclass(frozen=True)
class ReplicaRun:
    """One run of an experiment. `measured` is None if it failed."""

    seed: int
    fingerprint: str
    reason: str  # of a failure, such as "diverged at epoch 3"; empty for a finished run
    command: str  # that trains this very run
    measured: Measurements | None = field(default=None, repr=False)

    def value(self, claim: Claim) -> float | None:
        """The claim's quantity; None if the run did not measure it."""
        return self.measured.value(claim) if self.measured else None


@dataclass(frozen=True)
class Replica:
    """An experiment with its runs."""

    experiment: Experiment
    command: str  # that trains ours with the default seed
    same: ReplicaRun | None  # with the text's own draws
    runs: tuple[ReplicaRun, ...]  # ours, in the order of seeds

    @property
    def every_run(self) -> tuple[ReplicaRun, ...]:
        """That with the text's draws, if any, then ours."""
        return (*([self.same] if self.same else []), *self.runs)


@dataclass(frozen=True)
class Table:
    """A declared table with the runs of all its experiments."""

    name: str
    declaration: ReplicaDeclaration
    command: str  # that makes it
    replicas: tuple[Replica, ...]
    code: str  # the digest of the numeric code that trained all of it
    environment: Mapping[str, Any]  # what in the machine decides floating-point results

    @property
    def identity(self) -> str:
        """Identifies this table, run by this code."""
        return identity(self.name, [run.fingerprint for replica in self.replicas for run in replica.every_run])


def collect(study: Study[ReplicaDeclaration], digests: Sequence[Mapping[str, str]]) -> Table:
    """Reads the run folders of a table's jobs; a table has no files of its own.

    digests: of each job, in the order of the study.
    """
    runs: dict[str, list[ReplicaRun]] = defaultdict(list)
    for job, of in zip(study.jobs, digests, strict=True):
        folder = RunFolder.of(of["fingerprint"])
        reason, command = failure(folder), command_of(job.overrides)
        measured = None if reason else Measurements.of(folder, job.config.train.epochs)
        runs[job.variant].append(ReplicaRun(job.config.seed, of["fingerprint"], reason, command, measured))
    changes = [override for override in study.typed if not override.startswith("seed=")]
    replicas = []
    for experiment in study.declaration.experiments:
        found = {part: tuple(runs[case.name]) for part, case in experiment.cases.items()}
        same = next(iter(found.get(SAME_DRAWS, ())), None)
        command = command_of([*experiment.cases[OURS].overrides, *changes])
        replicas.append(Replica(experiment, command, same, found[OURS]))
    machine = environment(study.jobs[0].config.train.threads)
    return Table(study.name, study.declaration, study.command, tuple(replicas), code_digest(), machine)


def command_of(overrides: Sequence[str]) -> str:
    """The command that trains a job of these overrides alone."""
    of_study = (*WITHOUT_INFLUENCE, "ablation.")
    return shlex.join(["python", "-m", "src.train", *(o for o in overrides if not o.startswith(of_study))])


def _probability(model: Model, claim: Claim) -> float:
    x = scaled(np.array([claim.at]), model.header["scaling"], model.network.dtype.name)  # [1, features]
    probabilities = predict(model.network, x, np.zeros(1, np.int64)).probabilities
    return float(probabilities[0, model.header["labels"].index(claim.about.quantity)])
