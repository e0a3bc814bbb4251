"""A study of either kind: what it declares, and the jobs that train it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from src.foundation.files import canonical_json, sha256
from src.runs.job import Job

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


def identity(name: str, fingerprints: Sequence[str]) -> str:
    """The digest of a study's name and of the fingerprints of all its runs, in order."""
    return sha256("\n".join((name, *fingerprints)).encode())
