"""A study of either kind: what it declares, the jobs that train it, and where its files are."""

import contextlib
import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from src.foundation.files import ROOT, canonical_json, sha256
from src.foundation.locks import locked
from src.runs.folder import RunFolder, runs_folder
from src.runs.job import Job

_DIGITS_OF_DIGEST = 8


class Case(NamedTuple):
    """What a study trains with several seeds: a variant, or a published experiment."""

    name: str
    overrides: Sequence[str]
    seeds: Sequence[int] = ()  # its own; empty: the study's seeds


@dataclass(frozen=True, kw_only=True)
class Declaration(ABC):
    """The declaration of a study in conf/ablation/; each kind of study has more."""

    in_pipeline: ClassVar[bool] = False  # whether it can be a stage of the pipeline, whose results DVC tracks
    refused: ClassVar[Mapping[str, str]] = {}  # how an override may not begin, and what to do instead
    name: str  # of its file
    title: str  # the question

    @property
    def terms(self) -> dict[str, Any]:
        """The part of the study's digest that is not in its jobs."""
        return {}

    @property
    @abstractmethod
    def cases(self) -> Sequence[Case]:
        """The cases to train, in this order."""

    @abstractmethod
    def check_jobs(self, jobs: Sequence[Job], typed: Sequence[str]) -> None:
        """Raises `UserError` for jobs that can't be compared; typed: overrides of the command line."""


D = TypeVar("D", bound=Declaration)


@dataclass(frozen=True)
class Study(Generic[D]):
    """A declaration with all its jobs, case by case, checked."""

    declaration: D
    typed: tuple[str, ...]  # overrides of the command line that change results; they apply to all runs
    jobs: tuple[Job, ...]
    stage: bool = False  # whether a stage of the pipeline runs it, on the data of the pipeline

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, each once."""
        return tuple(dict.fromkeys(job.config.seed for job in self.jobs))

    @property
    def name(self) -> str:
        """The declared name; with a digest where overrides make it another study."""
        return self._digest_name if self.typed else self.declaration.name

    @cached_property
    def digest(self) -> str:
        """Identifies the study among studies of the same name: its terms and its jobs' semantic configurations."""
        trainings = [[job.variant, job.config.semantic()] for job in self.jobs]
        return sha256(canonical_json(self.declaration.terms | {"trainings": trainings}))[:_DIGITS_OF_DIGEST]

    @property
    def command(self) -> str:
        """The command that runs this study."""
        return shlex.join(["python", "-m", "src.ablation", f"ablation={self.declaration.name}", *self.typed])

    @property
    def tracked(self) -> bool:
        """Whether DVC tracks its results."""
        return self._as_declared and self.declaration.in_pipeline

    @property
    def results(self) -> Path:
        """The folder of its results."""
        return ROOT / "models" / "studies" / self.declaration.name if self.tracked else self._state / "results"

    @property
    def report(self) -> Path:
        """The folder of its report."""
        apart = runs_folder() / "studies" / self._digest_name
        return ROOT / "reports" / self.declaration.name if self._as_declared else apart

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the study's lock: of two commands that run the same study, the second waits and reuses the runs."""
        lock = self._state / "lock"
        with locked(lock, lambda: f"another process that is running the same study ({lock})"):
            yield

    @property
    def _as_declared(self) -> bool:
        return self.stage or not self.typed

    @property
    def _digest_name(self) -> str:
        return f"{self.declaration.name}-{self.digest}"

    @property
    def _state(self) -> Path:  # of this machine
        return runs_folder() / "studies" / f".{self._digest_name}"


def identity(name: str, fingerprints: Sequence[str]) -> str:
    """The digest of a study's name and of the fingerprints of all its runs, in order."""
    return sha256("\n".join((name, *fingerprints)).encode())


def failure(folder: RunFolder) -> str:
    """Why a job's run has no results, such as "diverged at epoch 3"; empty if it finished."""
    return "" if folder.finished() else folder.status().get("reason") or "it was never trained"
