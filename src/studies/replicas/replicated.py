"""What a table's runs came to: all that its page is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from src.runs.fingerprint import environment
from src.runs.folder import RunFolder
from src.studies.comparisons.results import identity
from src.studies.replicas.claims import Claim
from src.studies.replicas.declare import Declaration, Experiment
from src.studies.replicas.measured import Measured
from src.studies.replicas.plan import Replication


@dataclass(frozen=True)
class Run:
    """One training of an experiment. What it came to is None where it failed."""

    seed: int
    fingerprint: str
    reason: str  # of a failure, such as "diverged at epoch 3"; empty where it finished
    command: str  # that trains this very run
    measured: Measured | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Replicated:
    """An experiment with its runs, in the order of seeds."""

    experiment: Experiment
    command: str
    runs: tuple[Run, ...]

    def values(self, claim: Claim) -> list[float]:
        """What the claim is about, of each run that measured it."""
        values = [run.measured.value(claim) for run in self.runs if run.measured]
        return [value for value in values if value is not None]


@dataclass(frozen=True)
class Table:
    """A declared table with all its experiments, as they came out."""

    name: str
    declaration: Declaration
    command: str  # that makes it
    experiments: tuple[Replicated, ...]
    code: str  # the digest of the numeric code that trained all of it
    environment: Mapping[str, Any]  # what in the machine decides floating-point results

    @property
    def identity(self) -> str:
        """Tells this table, run by this code, from every other one."""
        return identity(self.name, [run.fingerprint for each in self.experiments for run in each.runs])


def collect(replication: Replication, digests: Sequence[Mapping[str, str]]) -> Table:
    """Reads the run folders of a table's trainings. digests: of each training, in the order of the plan."""
    runs: dict[str, list[Run]] = {experiment.name: [] for experiment in replication.declaration.experiments}
    for training, of in zip(replication.trainings, digests, strict=True):
        folder = RunFolder.of(of["fingerprint"])
        measured = Measured.of(folder) if folder.finished() else None
        reason = "" if measured else folder.status().get("reason") or "it was never trained"
        command = replication.command_of(training.experiment, training.seed)
        runs[training.experiment.name].append(Run(training.seed, of["fingerprint"], reason, command, measured))
    experiments = (
        Replicated(experiment, replication.command_of(experiment), tuple(runs[experiment.name]))
        for experiment in replication.declaration.experiments
    )
    threads = replication.trainings[0].planned.config.train.threads
    return Table(
        replication.name,
        replication.declaration,
        replication.command,
        tuple(experiments),
        digests[0]["code"],
        environment(threads),
    )
