"""The declaration of a combined study: the group `ablation` of the configuration, with `studies`::

title: Which network is the best?   # the question
studies: [width, depth]             # comparisons in conf/ablation/, on the same data
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from src.config.composition import choices
from src.config.tree import read_yaml
from src.foundation import schema
from src.foundation.errors import UserError, suggestion
from src.foundation.files import ROOT
from src.runs.job import Job
from src.studies.comparisons.declare import ComparisonDeclaration, grid_sizes
from src.studies.comparisons.declare import declare as declare_comparison
from src.studies.study import Case, Declaration


@dataclass(frozen=True, kw_only=True)
class Member:
    """One of the comparisons, and how many of its variants each of its sheets shows, in their order."""

    study: ComparisonDeclaration
    sheets: tuple[int, ...]

    def variant(self, name: str) -> str:
        """What a variant is called in the combined study."""
        return f"{self.study.name}: {name}"


@dataclass(frozen=True, kw_only=True)
class CombinedDeclaration(Declaration):
    """Several comparisons, as their files declare them."""

    members: tuple[Member, ...]

    @property
    def cases(self) -> Sequence[Case]:
        """The variants of all comparisons, each composed with its comparison's file."""
        return [
            Case(member.variant(case.name), [f"ablation={member.study.name}", *case.overrides])
            for member in self.members
            for case in member.study.cases
        ]

    def check_jobs(self, jobs: Sequence[Job], typed: Sequence[str]) -> None:
        """Refuses what each of the comparisons refuses, and comparisons on different data."""
        for member in self.members:
            names = {member.variant(variant.name) for variant in member.study.variants}
            member.study.check_jobs([job for job in jobs if job.variant in names], typed)
        for job in jobs:
            if job.config.data != jobs[0].config.data:
                raise UserError(f"ablation.studies: {job.variant} uses other data than {jobs[0].variant}")


@dataclass(frozen=True, kw_only=True)
class _Question:
    title: str
    studies: tuple[str, ...]


def declare(name: str, tree: Mapping[str, Any]) -> CombinedDeclaration:
    """The combined study in a plain tree; raises `UserError` if it is not a valid one."""
    question: _Question = schema.build(_Question, tree, "ablation")
    known = [other for other in choices("ablation") if other != name]
    if not question.studies:
        raise UserError("ablation.studies=[]: name at least one comparison in conf/ablation/")
    for i, study in enumerate(question.studies):
        if study not in known:
            raise UserError(f"ablation.studies[{i}]={schema.show(study)}: no such study; {suggestion(study, known)}")
        if study in question.studies[:i]:
            raise UserError(f"ablation.studies[{i}]={study}: listed twice")
    return CombinedDeclaration(name=name, title=question.title, members=tuple(map(_member, question.studies)))


def _member(name: str) -> Member:
    file = read_yaml(ROOT / "conf" / "ablation" / f"{name}.yaml")
    tree: Any = file.get("ablation") if isinstance(file, Mapping) else None
    if isinstance(tree, Mapping) and "baseline" not in tree:
        raise UserError(f"ablation.studies: {name} is no comparison of variants")
    study = declare_comparison(name, tree)
    grids = grid_sizes(tree)
    listed = len(study.variants) - sum(grids)
    return Member(study=study, sheets=(*([listed] if listed else []), *grids))
