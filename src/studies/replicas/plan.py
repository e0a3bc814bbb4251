"""From a declared table to the trainings that it comes to."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from src.config import tree as configuration
from src.config.tree import Config
from src.foundation.errors import UserError
from src.foundation.files import ROOT, canonical_json, sha256
from src.runs.folder import runs_folder
from src.runs.planned import Planned
from src.studies.places import Places
from src.studies.plan import WITHOUT_INFLUENCE, number
from src.studies.replicas.declare import Declaration, Experiment
from src.studies.replicas.measured import refuse_unmeasured

Compose = Callable[[list[str]], Config]
_DIGITS_OF_DIGEST = 8


@dataclass(frozen=True)
class Training:
    """One run of a published experiment."""

    experiment: Experiment
    seed: int
    planned: Planned


@dataclass(frozen=True)
class Replication:
    """A table with all its trainings, experiment by experiment, checked."""

    declaration: Declaration
    typed: tuple[str, ...]  # overrides on the command line that change results, for all runs
    trainings: tuple[Training, ...]

    @property
    def as_declared(self) -> bool:
        """Whether the table is the one of its file, without changes on the command line."""
        return not self.typed

    @property
    def name(self) -> str:
        """The table's name, with a digest where overrides make it another one."""
        return self.declaration.name if self.as_declared else f"{self.declaration.name}-{self.digest}"

    @cached_property
    def digest(self) -> str:
        """Tells these trainings from others under the same name, by their semantic configurations."""
        trainings = [[t.experiment.name, t.planned.config.semantic()] for t in self.trainings]
        return sha256(canonical_json({"trainings": trainings}))[:_DIGITS_OF_DIGEST]

    @property
    def command(self) -> str:
        """The command that makes this table."""
        return shlex.join(["python", "-m", "src.ablation", f"ablation={self.declaration.name}", *self.typed])

    def command_of(self, experiment: Experiment, seed: int | None = None) -> str:
        """The command that trains an experiment, with a seed or with the default one."""
        changes = [override for override in self.typed if not override.startswith(("ablation.", "seed="))]
        seeds = [] if seed is None else [f"seed={seed}"]
        return shlex.join(["python", "-m", "src.train", f"experiment={experiment.name}", *changes, *seeds])

    @property
    def places(self) -> Places:
        """Where it stands: as declared in reports/, else under runs/studies/; DVC tracks neither."""
        state = runs_folder() / "studies" / f".{self.declaration.name}-{self.digest}"
        reports = ROOT / "reports" if self.as_declared else runs_folder() / "studies"
        return Places(state / "results", reports / self.name, state, tracked=False)


def replicate(
    declaration: Declaration, seeds: Sequence[str], arguments: Sequence[str], declared: bool, compose: Compose
) -> Replication:
    """Composes and checks every training of a table.

    seeds: as typed or declared, for the experiments without seeds of their own. arguments: all overrides of the command
    line but the seeds, which apply to every run. declared: whether the seeds are those of the table's file. Raises
    `UserError` where a training is not allowed, or would not measure what is claimed of it.
    """
    if not seeds:
        raise UserError("seed: none; experiments without seeds of their own need at least one, like seed=range(5)")
    for argument in arguments:
        if argument.startswith("experiment="):
            raise UserError(f"{argument}: the table has its experiments; ablation.only=[NAME,NAME] runs some of them")
    if not declared and all(experiment.seeds for experiment in declaration.experiments):
        raise UserError(f"seed={','.join(seeds)}: these experiments have seeds of their own, those of their texts")
    trainings = []
    for experiment in declaration.experiments:
        overrides = [f"experiment={experiment.name}", *arguments]
        own = [str(seed) for seed in experiment.seeds] or list(seeds)
        composed = compose([*overrides, f"seed={own[0]}"])
        refuse_unmeasured(experiment, composed)
        for seed in own:
            config = configuration.build(composed.plain() | {"seed": number(seed)}, experiment.name)
            label = f"{experiment.name} s{config.seed}"
            planned = Planned(label, label, experiment.name, config, (*overrides, f"seed={seed}"))
            trainings.append(Training(experiment, config.seed, planned))
    labels = [training.planned.label for training in trainings]
    if len(set(labels)) < len(labels):
        raise UserError(f"seed={','.join(seeds)}: a seed is there twice; each is one draw of luck")
    typed = [argument for argument in arguments if not argument.startswith(WITHOUT_INFLUENCE)]
    if not declared:
        typed.append(f"seed={','.join(seeds)}")
    return Replication(declaration, tuple(typed), tuple(trainings))
