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

from src.config.tree import Config
from src.data.sources import SOURCES
from src.foundation import schema
from src.foundation.errors import UserError, suggestion
from src.runs.job import Job
from src.runs.metric import SETS
from src.studies.replicas.claims import Claim, Rows
from src.studies.study import Case, Declaration
from src.training.loop import Training
from src.training.metrics import WITH_DROPOUT

JOURNALED = ("loss", "accuracy")  # quantities that every epoch record has
_OVERALL = ("precision", "recall", "f1")  # of the test set, whatever train.metrics asks for
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
            _refuse_unmeasured(key, experiments[job.variant].every_claim, job.config)


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
    given = {name: value for name, value in _mapping(tree, key).items() if (name, value) != ("rows", None)}
    terms: ExperimentTerms = schema.build(ExperimentTerms, given, key)
    if terms.text not in texts:
        raise UserError(f"{key}.text={schema.show(terms.text)}: no such text; {suggestion(terms.text, texts)}")
    if len(set(terms.seeds)) < len(terms.seeds):
        raise UserError(f"{key}.seeds={list(terms.seeds)}: a seed is listed twice; give each seed once")
    for i, claim in enumerate(terms.claims):
        claim.check(f"{key}.claims[{i}]")
    if "rows" in given:
        terms.rows.check(f"{key}.rows")
    return Experiment(name=name, **vars(terms))


def _mapping(tree: Any, key: str) -> Mapping[Any, Any]:
    if not isinstance(tree, Mapping) or not tree:
        raise UserError(f"{key}={schema.show(tree)}: must be a group of names, each with its own keys")
    return tree


def _refuse_unmeasured(key: str, claims: Sequence[Claim], config: Config) -> None:
    """Raises `UserError`, about `key`, if a run of this configuration would not measure a claim's quantity."""
    training, source = config.train, SOURCES[config.data.source]
    names = [*JOURNALED, *training.metrics]
    names = [*names, *(f"{name}{WITH_DROPOUT}" for name in names if training.evaluate_dropout)]
    known = {"train": names, "valid": names, "test": list({*names, *_OVERALL})}
    known |= {"units": [*training.unit_targets], "new": [*source.labels]}
    for claim in claims:
        part, quantity = claim.about.part, claim.about.quantity
        if quantity not in known[part]:
            near = suggestion(quantity, known[part]) if known[part] else "none is"
            more = "; train.metrics may list more" if part in SETS else ""
            raise UserError(f"{key}: {schema.show(claim.metric)}: not measured there; {near}{more}")
        if claim.at and len(claim.at) != len(source.features or ()):
            raise UserError(
                f"{key}: {schema.show(claim.metric)}: at={list(claim.at)}: the features are {source.features}"
            )
        if claim.epoch is not None and not _evaluated(claim.epoch, training):
            raise UserError(
                f"{key}: {schema.show(claim.metric)} at epoch {claim.epoch}: not evaluated then; train.evaluate_every="
                f"{training.evaluate_every}, train.evaluate_at_start={str(training.evaluate_at_start).lower()}"
            )


def _evaluated(epoch: int, training: Training) -> bool:
    """Whether a training evaluates after this epoch, or would if it were as long."""
    return epoch % training.evaluate_every == 0 if epoch else training.evaluate_at_start
