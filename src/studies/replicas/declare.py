"""The declaration of a table of published experiments: the group `ablation` of the configuration, with `published`::

title: Do they come out again?  # the question
only: []                        # names of experiments, to run these alone
texts:
  weidman: {title: After a notebook, note: what a reader should know}
published:
  weidman_ce:                   # of conf/experiment/
    text: weidman
    seeds: [123]                # its own, where those of all are not for it
    note: what sets it apart
    claims:
      - {metric: test/accuracy, value: 0.9187, digits: 4}
      - {metric: valid/loss, epoch: 10, value: 0.548, digits: 3, note: a quirk of the text}
      - {metric: test/accuracy, says: that worked, least: 0.99}
    rows:                       # a printed table, a line an epoch
      columns: [train/loss, train/accuracy]
      digits: [4, 4]
      values: [[0.0206, 0.8881], [0.0163, 0.9078]]

An accuracy is a fraction: 91.87 % has the value 0.9187 and 4 digits.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from src.foundation import schema
from src.foundation.errors import UserError, suggestion
from src.runs.job import Job
from src.studies.replicas.claims import Claim, Rows
from src.studies.replicas.measurements import refuse_unmeasured
from src.studies.study import Case, Declaration

_APART = ("texts", "published")
_NO_ROWS = Rows(columns=(), digits=(), values=())


@dataclass(frozen=True, kw_only=True)
class Text:
    """A public text, by what it is about and after whom."""

    title: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ExperimentTerms:
    """The declaration of an experiment, without its name."""

    text: str  # one of the texts
    seeds: tuple[Annotated[int, ">= 0", "<= 4294967295"], ...] = ()  # its own; none: those of all
    claims: tuple[Claim, ...] = ()
    rows: Rows = _NO_ROWS  # its printed table
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Experiment(ExperimentTerms):
    """A published experiment, which conf/experiment/ has under the same name."""

    name: str

    @property
    def single(self) -> bool:
        """Whether it has one seed of its own, so that its one run should give exactly the printed digits."""
        return len(self.seeds) == 1

    @property
    def every_claim(self) -> list[Claim]:
        """Its claims, and those of its printed table, line by line."""
        return [*self.claims, *itertools.chain.from_iterable(self.rows.claims)]


@dataclass(frozen=True, kw_only=True)
class ReplicaDeclaration(Declaration):
    """A table of published experiments, as its file declares it."""

    refused: ClassVar[Mapping[str, str]] = {
        "experiment=": "the experiments are fixed; ablation.only=[NAME,NAME] runs some of them"
    }
    only: tuple[str, ...] = ()  # the experiments that are chosen; empty: all of the file
    texts: Mapping[str, Text]
    experiments: tuple[Experiment, ...]

    @property
    def cases(self) -> Sequence[Case]:
        """The experiments, some with seeds of their own."""
        return [Case(each.name, [f"experiment={each.name}"], each.seeds) for each in self.experiments]

    def of(self, text: str) -> tuple[Experiment, ...]:
        """The experiments of a text."""
        return tuple(experiment for experiment in self.experiments if experiment.text == text)

    def check_jobs(self, jobs: Sequence[Job], typed: Sequence[str]) -> None:
        """Refuses a job that would not measure what its experiment's claims are about."""
        experiments = {each.name: each for each in self.experiments}
        for job in jobs:
            key = f"ablation.published.{job.variant}"
            refuse_unmeasured(key, experiments[job.variant].every_claim, job.config)


@dataclass(frozen=True, kw_only=True)
class _Question:
    title: str
    only: tuple[str, ...] = ()


def declare(name: str, tree: Mapping[str, Any]) -> ReplicaDeclaration:
    """The table in a plain tree; raises `UserError` if it is not a valid one."""
    question: _Question = schema.build(_Question, {k: v for k, v in tree.items() if k not in _APART}, "ablation")
    texts = {
        str(text): schema.build(Text, about, f"ablation.texts.{schema.show(text)}")
        for text, about in _mapping(tree.get("texts"), "ablation.texts").items()
    }
    listed = _mapping(tree["published"], "ablation.published")
    experiments = [_experiment(str(each), about, texts) for each, about in listed.items()]
    names = [experiment.name for experiment in experiments]
    for name_ in question.only:
        if name_ not in names:
            raise UserError(f"ablation.only={schema.show(name_)}: no such experiment; {suggestion(name_, names)}")
    chosen = [experiment for experiment in experiments if not question.only or experiment.name in question.only]
    return ReplicaDeclaration(name=name, **vars(question), texts=texts, experiments=tuple(chosen))


def _experiment(name: str, tree: Any, texts: Mapping[str, Text]) -> Experiment:
    key = f"ablation.published.{schema.show(name)}"
    terms: ExperimentTerms = schema.build(ExperimentTerms, _mapping(tree, key), key)
    if terms.text not in texts:
        raise UserError(f"{key}.text={schema.show(terms.text)}: no such text; {suggestion(terms.text, texts)}")
    if len(set(terms.seeds)) < len(terms.seeds):
        raise UserError(f"{key}.seeds={list(terms.seeds)}: a seed is listed twice; give each seed once")
    for i, claim in enumerate(terms.claims):
        claim.check(f"{key}.claims[{i}]")
    if "rows" in tree:
        terms.rows.check(f"{key}.rows")
    return Experiment(name=name, **vars(terms))


def _mapping(tree: Any, key: str) -> Mapping[Any, Any]:
    if not isinstance(tree, Mapping) or not tree:
        raise UserError(f"{key}={schema.show(tree)}: must be a group of names, each with its own keys")
    return tree
