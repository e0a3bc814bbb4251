"""What a table of published experiments declares: the group `ablation` of the configuration, with `published`::

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

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from src.foundation import schema
from src.foundation.errors import UserError, suggestion
from src.studies.replicas.claims import Claim, Rows

_APART = ("texts", "published")


@dataclass(frozen=True, kw_only=True)
class Text:
    """A public text, by what it is about and after whom."""

    title: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is said of an experiment, printed tables apart."""

    text: str  # one of the texts
    seeds: tuple[Annotated[int, ">= 0", "<= 4294967295"], ...] = ()  # its own; none: those of all
    claims: tuple[Claim, ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Experiment(Terms):
    """A published experiment, which conf/experiment/ has under the same name."""

    name: str
    rows: Rows | None = None

    @property
    def single(self) -> bool:
        """Whether it has one seed of its own, so that its one run is to come to the printed digits."""
        return len(self.seeds) == 1


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A table of published experiments, before anything of it has run."""

    name: str
    title: str
    only: tuple[str, ...] = ()  # the names of these experiments, where they are not all that the file has
    texts: Mapping[str, Text]
    experiments: tuple[Experiment, ...]

    def of(self, text: str) -> tuple[Experiment, ...]:
        """The experiments of a text."""
        return tuple(experiment for experiment in self.experiments if experiment.text == text)


@dataclass(frozen=True, kw_only=True)
class _Question:
    title: str
    only: tuple[str, ...] = ()


def is_table(tree: Any) -> bool:
    """Whether the group `ablation` declares published experiments, and not a study."""
    return isinstance(tree, Mapping) and "published" in tree


def declare_table(name: str, tree: Mapping[str, Any]) -> Declaration:
    """The table in a plain tree; raises `UserError` for one that can't be run as it stands."""
    question: _Question = schema.build(_Question, {k: v for k, v in tree.items() if k not in _APART}, "ablation")
    texts = {
        str(text): schema.build(Text, about, f"ablation.texts.{schema.show(text)}")
        for text, about in _mapping(tree.get("texts"), "ablation.texts").items()
    }
    listed = _mapping(tree["published"], "ablation.published")
    experiments = [_experiment(str(each), about, texts) for each, about in listed.items()]
    names = [experiment.name for experiment in experiments]
    for wanted in question.only:
        if wanted not in names:
            raise UserError(f"ablation.only={schema.show(wanted)}: no such experiment; {suggestion(wanted, names)}")
    chosen = [experiment for experiment in experiments if not question.only or experiment.name in question.only]
    return Declaration(name=name, **vars(question), texts=texts, experiments=tuple(chosen))


def _experiment(name: str, tree: Any, texts: Mapping[str, Text]) -> Experiment:
    key = f"ablation.published.{schema.show(name)}"
    given = dict(_mapping(tree, key))
    listed = given.pop("rows", None)
    terms: Terms = schema.build(Terms, given, key)
    if terms.text not in texts:
        raise UserError(f"{key}.text={schema.show(terms.text)}: no such text; {suggestion(terms.text, texts)}")
    if len(set(terms.seeds)) < len(terms.seeds):
        raise UserError(f"{key}.seeds={list(terms.seeds)}: a seed is there twice; each is one draw of luck")
    for i, claim in enumerate(terms.claims):
        claim.check(f"{key}.claims[{i}]")
    rows: Rows | None = None
    if listed is not None:
        rows = schema.build(Rows, listed, f"{key}.rows")
        rows.check(f"{key}.rows")
    return Experiment(name=name, rows=rows, **vars(terms))


def _mapping(tree: Any, key: str) -> Mapping[Any, Any]:
    if not isinstance(tree, Mapping) or not tree:
        raise UserError(f"{key}={schema.show(tree)}: a group of names is needed here, each with its own keys")
    return tree
