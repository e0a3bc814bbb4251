"""A study of either kind: what it declares, and the jobs that train it."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from src.config import tree as configuration
from src.config.tree import Config
from src.foundation.errors import UserError
from src.foundation.files import canonical_json, sha256
from src.runs.job import Job

Compose = Callable[[list[str]], Config]
# Overrides that change no result: a study with them is still the one of its file.
WITHOUT_INFLUENCE = ("ablation=", "hydra", "tracking", "train.fresh=", "name=", "data.mirror=")
_DIGITS_OF_DIGEST = 8


class Case(NamedTuple):
    """What a study trains with several seeds: a variant, or a published experiment."""

    name: str
    overrides: Sequence[str]
    seeds: Sequence[int] = ()  # its own; empty: the study's seeds


class Declaration(Protocol):
    """The declaration of a study in conf/ablation/, as each kind of study has it."""

    @property
    def name(self) -> str:
        """The name of its file."""

    @property
    def in_pipeline(self) -> bool:
        """Whether it can be a stage of the pipeline, whose results DVC tracks."""

    @property
    def terms(self) -> dict[str, Any]:
        """What is part of the study's digest beside its jobs."""

    @property
    def cases(self) -> Sequence[Case]:
        """What is trained, in this order."""

    def check_arguments(self, arguments: Sequence[str]) -> None:
        """Raises `UserError` for an override of the command line that the study does not allow."""

    def check_jobs(self, jobs: Sequence[Job], typed: Sequence[str]) -> None:
        """Raises `UserError` for jobs that can't be compared; typed: overrides of the command line."""


D = TypeVar("D", bound=Declaration)


@dataclass(frozen=True)
class Study(Generic[D]):
    """A declaration with all its jobs, case by case, checked."""

    declaration: D
    typed: tuple[str, ...]  # overrides of the command line that change results; they apply to all runs
    jobs: tuple[Job, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, each once."""
        return tuple(dict.fromkeys(job.config.seed for job in self.jobs))

    @property
    def as_declared(self) -> bool:
        """Whether the command line changes nothing of the file's study."""
        return not self.typed

    @property
    def name(self) -> str:
        """The declared name; with a digest where overrides make it another study."""
        return self.declaration.name if self.as_declared else self.digest_name

    @property
    def digest_name(self) -> str:
        """The declared name with the digest."""
        return f"{self.declaration.name}-{self.digest}"

    @cached_property
    def digest(self) -> str:
        """Identifies the study among those of one name, by its terms and its jobs' semantic configurations."""
        trainings = [[job.variant, job.config.semantic()] for job in self.jobs]
        return sha256(canonical_json(self.declaration.terms | {"trainings": trainings}))[:_DIGITS_OF_DIGEST]

    @property
    def command(self) -> str:
        """The command that runs this study."""
        return shlex.join(["python", "-m", "src.ablation", f"ablation={self.declaration.name}", *self.typed])


def plan(declaration: D, seeds: Sequence[str], arguments: Sequence[str], declared: bool, compose: Compose) -> Study[D]:
    """Composes and checks every job of a study.

    seeds: from the command line or the file, for the cases without seeds of their own. arguments: all other overrides
    of the command line; they apply to every job. declared: whether the seeds are those of the file. Raises `UserError`
    if a job is not allowed, or if the jobs can't be compared.
    """
    listed = ",".join(seeds)
    if not seeds:
        raise UserError("seed: none; a study needs at least one, like seed=range(5)")
    if not declared and all(case.seeds for case in declaration.cases):
        raise UserError(f"seed={listed}: these experiments have seeds of their own, those of their texts")
    declaration.check_arguments(arguments)
    jobs = []
    for case in declaration.cases:
        overrides = [*case.overrides, *arguments]
        own = [str(seed) for seed in case.seeds] or seeds
        composed = compose([*overrides, f"seed={own[0]}"])
        for seed in own:
            config = configuration.build(composed.plain() | {"seed": _number(seed)}, case.name)
            label = f"{case.name} s{config.seed}"
            jobs.append(Job(label, label, case.name, config, (*overrides, f"seed={seed}")))
    if len({job.label for job in jobs}) < len(jobs):
        raise UserError(f"seed={listed}: a seed is listed twice; give each seed once")
    typed = [argument for argument in arguments if not argument.startswith(WITHOUT_INFLUENCE)]
    if not declared:
        typed.append(f"seed={listed}")
    declaration.check_jobs(jobs, typed)
    return Study(declaration, tuple(typed), tuple(jobs))


def identity(name: str, fingerprints: Sequence[str]) -> str:
    """The digest of a study's name and of the fingerprints of all its runs, in order."""
    return sha256("\n".join((name, *fingerprints)).encode())


def _number(seed: str) -> int | str:
    try:
        return int(seed)
    except ValueError:
        return seed  # which the configuration refuses, with what is allowed
