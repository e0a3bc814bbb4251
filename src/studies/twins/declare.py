"""The declaration of a study of twins: the group `ablation` of the configuration, with `twins`::

title: Does a library train the same network?   # the question
twins:                                            # experiments in conf/experiment/, each with overrides
  spiral_mlp: [train.epochs=200]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from src.foundation import schema
from src.foundation.errors import UserError
from src.runs.job import Job
from src.studies.study import Case, Declaration
from src.studies.twins.library import LIBRARIES, refuse_broken, versions


@dataclass(frozen=True, kw_only=True)
class TwinDeclaration(Declaration):
    """The experiments that libraries train, too."""

    refused: ClassVar[Mapping[str, str]] = {"experiment=": "the experiments are fixed; ablation.twins lists them"}
    experiments: Mapping[str, Sequence[str]]  # their overrides

    @property
    def cases(self) -> Sequence[Case]:
        """The experiments, natively and in float64: differences are those of definitions, not of rounding."""
        return [
            Case(name, [f"experiment={name}", "train.dtype=float64", "train.arithmetic=native", *overrides])
            for name, overrides in self.experiments.items()
        ]

    def check_jobs(self, jobs: Sequence[Job], typed: Sequence[str]) -> None:
        """Refuses an experiment that no library here can train as this project does."""
        refuse_broken()
        there = versions()
        for job in jobs:
            reasons = {name: library.unfit(job.config) for name, library in LIBRARIES.items()}
            if all(reasons[name] for name in there):
                lacks = [f"{name} has no {reason}" for name, reason in reasons.items() if reason]
                absent = [f"{name} is not installed" for name, reason in reasons.items() if not reason]
                raise UserError(f"ablation.twins.{job.variant}: {'; '.join(lacks + absent)}")


@dataclass(frozen=True, kw_only=True)
class _Question:
    title: str


def declare(name: str, tree: Mapping[str, Any]) -> TwinDeclaration:
    """The study in a plain tree; raises `UserError` if it is not a valid one."""
    question: _Question = schema.build(_Question, {k: v for k, v in tree.items() if k != "twins"}, "ablation")
    twins = tree["twins"]
    if not isinstance(twins, Mapping) or not twins:
        raise UserError(f"ablation.twins={schema.show(twins)}: must be names of experiments, each with overrides")
    for experiment, overrides in twins.items():
        if not isinstance(overrides, list) or not all(isinstance(each, str) and "=" in each for each in overrides):
            shown = f"{schema.show(experiment)}={schema.show(overrides)}"
            raise UserError(f"ablation.twins.{shown}: must be a list of KEY=VALUE overrides")
    return TwinDeclaration(name=name, title=question.title, experiments={str(k): v for k, v in twins.items()})
