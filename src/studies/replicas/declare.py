"""The declaration of a table of published experiments: the group `ablation` of the configuration, with `published`::

title: Do they come out again?  # the question
only: []                        # names of experiments, to run these alone
parts: []                       # same_draws or ours, to run this part alone
texts:
  weidman: {title: After a notebook, note: what a reader should know}
published:
  weidman_momentum:             # of conf/experiment/
    text: weidman
    seed: 42                    # of the one run with the text's own draws; null: there is none
    same_draws: [rng=legacy]    # how that run differs from conf/experiment/
    ours: [rng=default]         # how our runs differ from it
    seeds: 20                   # how many runs of ours, with seeds from 0; null: the seeds of the study
    note: what sets it apart
    why: why the run with its draws does not give its numbers
    claims:                     # compared with the run with the same draws, digit for digit
      - {metric: test/accuracy, value: 0.9187, digits: 4}
      - {metric: valid/loss, epoch: 10, value: 0.548, digits: 3, note: a quirk of the text}
      - {metric: test/accuracy, says: that worked, least: 0.99}
    rows:                       # a printed table, a line an epoch
      columns: [train/loss, train/accuracy]
      digits: [4, 4]
      values: [[0.0206, 0.8881], [0.0163, 0.9078]]
    scores:                     # precision, recall and F1 of the test set; with macro: true, with_dropout: true
      - {precision: 0.98245310245310, recall: 0.98222222222222, f1: 0.98222064169432}
      - {of: c1, precision: 1.0, recall: 0.97333333333333, f1: 0.98648648648648}
    lessons:                    # which each run of ours meets or not
      - {says: momentum helps, metric: test/accuracy, than: weidman_ce}
      - {says: it separates the classes, metric: train/accuracy, least: 1.0}
      - {says: it memorizes, metric: train/accuracy, than: test/accuracy, by: 0.3}

An accuracy is a fraction: 91.87 % has the value 0.9187 and 4 digits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar

from src.foundation import schema
from src.foundation.errors import UserError, suggestion
from src.runs.job import Job
from src.studies.replicas.claims import Claim, Group, Lesson, Rows, Scores, scores_group
from src.studies.replicas.measured import refuse_unmeasured
from src.studies.study import Case, Declaration

SAME_DRAWS, OURS = "same_draws", "ours"
PARTS_OF_TABLE = (SAME_DRAWS, OURS)
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
    seed: Annotated[int | None, ">= 0", "<= 4294967295"] = None  # of the run with the text's own draws
    same_draws: tuple[str, ...] = ()  # overrides of that run
    ours: tuple[str, ...] = ()  # overrides of our runs
    seeds: Annotated[int | None, ">= 1", "<= 1000"] = None  # how many of ours
    claims: tuple[Claim, ...] = ()
    rows: Rows = _NO_ROWS  # its printed table
    scores: tuple[Scores, ...] = ()
    lessons: tuple[Lesson, ...] = ()
    note: str = ""
    why: str = ""  # why the run with its draws does not give its numbers, as far as it is known


@dataclass(frozen=True, kw_only=True)
class Experiment(ExperimentTerms):
    """A published experiment, which conf/experiment/ has under the same name."""

    name: str

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """What its text prints: the table, each claim, the scores."""
        singles = (Group(claim.words, ((claim,),)) for claim in self.claims)
        tables = [self.rows.group] if self.rows.values else []
        return (*tables, *singles, *([scores_group(self.scores)] if self.scores else []))

    @property
    def every_claim(self) -> list[Claim]:
        """Every number that its text prints."""
        return [claim for group in self.groups for line in group.claims for claim in line]

    @property
    def cases(self) -> Mapping[str, Case]:
        """What is trained for each part of the table, by part."""
        experiment = f"experiment={self.name}"
        cases = {OURS: Case(self.name, [experiment, *self.ours], range(self.seeds or 0))}
        if self.seed is not None:
            cases[SAME_DRAWS] = Case(f"{self.name}, same draws", [experiment, *self.same_draws], [self.seed])
        return cases


@dataclass(frozen=True, kw_only=True)
class _Question:
    title: str
    only: tuple[str, ...] = ()
    parts: tuple[Annotated[str, PARTS_OF_TABLE], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReplicaDeclaration(_Question, Declaration):
    """A table of published experiments, as its file declares it."""

    refused: ClassVar[Mapping[str, str]] = {
        "experiment=": "the experiments are fixed; ablation.only=[NAME,NAME] runs some of them"
    }
    texts: Mapping[str, Text]
    experiments: tuple[Experiment, ...]

    @property
    def shown(self) -> Sequence[str]:
        """The parts of the table that are chosen."""
        return self.parts or PARTS_OF_TABLE

    @property
    def cases(self) -> Sequence[Case]:
        """Part by part, each experiment."""
        return [each.cases[part] for part in self.shown for each in self.experiments if part in each.cases]

    def of(self, text: str) -> tuple[Experiment, ...]:
        """The experiments of a text."""
        return tuple(experiment for experiment in self.experiments if experiment.text == text)

    def check_jobs(self, jobs: Sequence[Job], typed: Sequence[str]) -> None:
        """Refuses a job that would not measure what its experiment's claims or lessons are about."""
        configs = {job.variant: job.config for job in jobs}
        for each in self.experiments:
            key = f"ablation.published.{each.name}"
            for part, case in each.cases.items():
                if case.name in configs:
                    lessons = (claim for lesson in each.lessons for claim in lesson.claims)
                    refuse_unmeasured(key, each.every_claim if part == SAME_DRAWS else lessons, configs[case.name])


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
    for experiment in experiments:
        for lesson in experiment.lessons:
            if lesson.other is not None and lesson.other not in names:
                key = f"ablation.published.{experiment.name}.lessons: than={schema.show(lesson.other)}"
                raise UserError(f"{key}: no such experiment; {suggestion(lesson.other, names)}")
    chosen = [experiment for experiment in experiments if not question.only or experiment.name in question.only]
    return ReplicaDeclaration(name=name, **vars(question), texts=texts, experiments=tuple(chosen))


def _experiment(name: str, tree: Any, texts: Mapping[str, Text]) -> Experiment:
    key = f"ablation.published.{schema.show(name)}"
    given = {name: value for name, value in _mapping(tree, key).items() if (name, value) != ("rows", None)}
    terms: ExperimentTerms = schema.build(ExperimentTerms, given, key)
    if terms.text not in texts:
        raise UserError(f"{key}.text={schema.show(terms.text)}: no such text; {suggestion(terms.text, texts)}")
    if terms.same_draws and terms.seed is None:
        raise UserError(f"{key}.seed: missing; same_draws={list(terms.same_draws)} needs the text's own seed")
    for override in (*terms.same_draws, *terms.ours):
        if "=" not in override:
            raise UserError(f"{key}: {schema.show(override)}: must be KEY=VALUE, as on the command line")
    for i, claim in enumerate(terms.claims):
        claim.check(f"{key}.claims[{i}]")
    for i, scores in enumerate(terms.scores):
        scores.check(f"{key}.scores[{i}]")
    for i, lesson in enumerate(terms.lessons):
        lesson.check(f"{key}.lessons[{i}]")
    if "rows" in given:
        terms.rows.check(f"{key}.rows")
    return Experiment(name=name, **vars(terms))


def _mapping(tree: Any, key: str) -> Mapping[Any, Any]:
    if not isinstance(tree, Mapping) or not tree:
        raise UserError(f"{key}={schema.show(tree)}: must be a group of names, each with its own keys")
    return tree
