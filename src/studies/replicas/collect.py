"""The results of a table of published experiments, read from its run folders."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from src.data.scaling import scaled
from src.runs.fingerprint import code_digest, environment
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.runs.model import Model
from src.studies.replicas.claims import Claim
from src.studies.replicas.declare import JOURNALED, Experiment, ReplicaDeclaration
from src.studies.study import Study, failure, identity
from src.training.metrics import predict


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
        if metric.quantity in JOURNALED:
            return float(record[f"{metric.part}_{metric.quantity}"])
        return float(record["metrics"][metric])


@dataclass(frozen=True)
class ReplicaRun:
    """One run of an experiment. `measured` is None if it failed."""

    seed: int
    fingerprint: str
    reason: str  # of a failure, such as "diverged at epoch 3"; empty for a finished run
    command: str  # that trains this very run
    measured: Measurements | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Replica:
    """An experiment with its runs, in the order of seeds."""

    experiment: Experiment
    command: str
    runs: tuple[ReplicaRun, ...]

    def values(self, claim: Claim) -> list[float]:
        """The claim's quantity, of each run that measured it."""
        values = [run.measured.value(claim) for run in self.runs if run.measured]
        return [value for value in values if value is not None]


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
        return identity(self.name, [run.fingerprint for replica in self.replicas for run in replica.runs])


def collect(study: Study[ReplicaDeclaration], digests: Sequence[Mapping[str, str]]) -> Table:
    """Reads the run folders of a table's jobs; a table has no files of its own.

    digests: of each job, in the order of the study.
    """
    runs: dict[str, list[ReplicaRun]] = {experiment.name: [] for experiment in study.declaration.experiments}
    for job, of in zip(study.jobs, digests, strict=True):
        folder = RunFolder.of(of["fingerprint"])
        reason, command = failure(folder), command_of(study, job.variant, job.config.seed)
        measured = None if reason else Measurements.of(folder)
        runs[job.variant].append(ReplicaRun(job.config.seed, of["fingerprint"], reason, command, measured))
    replicas = (
        Replica(experiment, command_of(study, experiment.name), tuple(runs[experiment.name]))
        for experiment in study.declaration.experiments
    )
    machine = environment(study.jobs[0].config.train.threads)
    return Table(study.name, study.declaration, study.command, tuple(replicas), code_digest(), machine)


def command_of(study: Study[ReplicaDeclaration], experiment: str, seed: int | None = None) -> str:
    """The command that trains an experiment, with a seed or with the default one."""
    changes = [override for override in study.typed if not override.startswith(("ablation.", "seed="))]
    seeds = [] if seed is None else [f"seed={seed}"]
    return shlex.join(["python", "-m", "src.train", f"experiment={experiment}", *changes, *seeds])


def _probability(model: Model, claim: Claim) -> float:
    x = scaled(np.array([claim.at]), model.header["scaling"], model.network.dtype.name)  # [1, features]
    probabilities = predict(model.network, x, np.zeros(1, np.int64)).probabilities
    return float(probabilities[0, model.header["labels"].index(claim.about.quantity)])
