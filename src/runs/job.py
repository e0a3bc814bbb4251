"""A job: one run of a sweep or a study, composed and checked before it is launched."""

import re
import shlex
from dataclasses import dataclass

from src.config.tree import Config


@dataclass(frozen=True)
class Job:
    """A run that is to be launched."""

    label: str  # unique among the jobs of one command
    name: str  # of its MLflow run
    variant: str  # which variant, experiment or grid point it is; a tag of its MLflow run
    config: Config
    typed: tuple[str, ...]  # the overrides that it was composed from

    @property
    def overrides(self) -> list[str]:
        """From which another process composes the same configuration, whatever becomes of a file that they name."""
        start = self.config.train.start_from
        return [*self.typed, *([f"train.start_from={start}"] if start else [])]

    @property
    def command(self) -> str:
        """What a user types to get this run alone."""
        # A study's file is not for `src.train`, and the overrides of its cases are listed already.
        typed = [word for word in self.overrides if not word.startswith(("ablation=", "hydra"))]
        return shlex.join(["python", "-m", "src.train", *typed])

    @property
    def start(self) -> str | None:
        """`train.start_from` as it was typed, without quotes; where it was not, as in the configuration."""
        typed = [word.partition("=")[2] for word in self.typed if word.startswith("train.start_from=")]
        # Hydra escapes spaces.
        return re.sub(r"\\(.)", r"\1", typed[-1].strip("'\"")) if typed else self.config.train.start_from
