"""What a study declares: the group `ablation` of the configuration::

title: Which width?          # the question
baseline: hidden=[128]       # the variant that all others are compared with
variants:                    # a name, and what it changes: overrides, as on the command line
  quick: experiment=quick
  deep: [model.hidden=[64,64], optimizer.lr=0.01]
grids:                       # each is a product of lists; all of them are joined
  - model.hidden: [[128], [256]]
    model.act: [relu, tanh]  # variants called "hidden=[128], act=relu" and so on
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from src.foundation import schema
from src.foundation.errors import UserError, suggestion
from src.studies.comparisons.results import Variant

_LONGEST_NAME = 60


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is asked, and how it is judged."""

    title: str
    baseline: str  # the name of a variant
    cumulative: bool = False  # each variant adds its changes to those of the one before
    choose_by: Annotated[str, ("valid/accuracy", "valid/loss")] = "valid/accuracy"  # ranks the variants
    report_on: Annotated[str, ("test/accuracy",)] = "test/accuracy"  # what effects and their tests are about


@dataclass(frozen=True, kw_only=True)
class Declaration(Terms):
    """A study, before anything of it has run."""

    name: str
    variants: tuple[Variant, ...]

    def overrides(self, variant: Variant) -> list[str]:
        """What makes a variant out of the study's common ground."""
        if not self.cumulative:
            return list(variant.changes)
        upto = self.variants.index(variant) + 1
        return [change for v in self.variants[:upto] for change in v.changes]


def declare(name: str, tree: Any) -> Declaration:
    """The study in a plain tree; raises `UserError` for one that can't be run as it stands."""
    if not isinstance(tree, Mapping):
        raise UserError(f"ablation={name}: its file declares no study: title, baseline, and variants or grids")
    given = dict(tree)
    listed, grids = given.pop("variants", None), given.pop("grids", None)
    variants = (*_listed({} if listed is None else listed), *_grids([] if grids is None else grids))
    if not variants:
        raise UserError("ablation.variants: missing; a study compares at least two, from variants or grids")
    names = [variant.name for variant in variants]
    if not given.get("baseline"):
        raise UserError(f"ablation.baseline: missing; name the variant to compare with (allowed: {', '.join(names)})")
    terms: Terms = schema.build(Terms, given, "ablation")
    if repeated := [name for i, name in enumerate(names) if name in names[:i]]:
        raise UserError(f"ablation.variants.{repeated[0]}: there twice; each variant needs a name of its own")
    if terms.baseline not in names:
        shown = schema.show(terms.baseline)
        raise UserError(f"ablation.baseline={shown}: no such variant; {suggestion(terms.baseline, names)}")
    if len(names) < 2:
        raise UserError(f"ablation.variants={names}: a study compares at least two")
    return Declaration(**vars(terms), name=name, variants=variants)


def _listed(tree: Any) -> Iterator[Variant]:
    if not isinstance(tree, Mapping):
        raise UserError(f"ablation.variants={schema.show(tree)}: must be names with lists of overrides")
    for name, changes in tree.items():
        overrides = [changes] if isinstance(changes, str) else [] if changes is None else changes
        if not isinstance(overrides, list) or not all(isinstance(o, str) and "=" in o for o in overrides):
            raise UserError(
                f"ablation.variants.{schema.show(name)}={schema.show(changes)}: must be a list of KEY=VALUE overrides"
            )
        yield _variant(str(name), overrides)


def _grids(tree: Any) -> Iterator[Variant]:
    if not isinstance(tree, list) or not all(isinstance(grid, Mapping) and grid for grid in tree):
        raise UserError(f"ablation.grids={schema.show(tree)}: must be a list of grids, each KEY: [VALUE, VALUE]")
    for grid in tree:
        alternatives = [value if isinstance(value, list) else [value] for value in grid.values()]
        keys = [str(key) for key in grid]
        for key, given in zip(keys, alternatives, strict=True):
            if not given or not all(map(_can_be_typed, given)):
                raise UserError(
                    f"ablation.grids: {schema.show(key)}={schema.show(given)}: must be KEY: [VALUE, VALUE], where a "
                    "value is a number, a text, true, false, null, or a list of those"
                )
        last = [key.rpartition(".")[2] for key in keys]
        shown = [short if last.count(short) == 1 else key for key, short in zip(keys, last, strict=True)]
        for values in itertools.product(*alternatives):
            texts = [schema.written(value) for value in values]
            name = ", ".join(f"{key}={text}" for key, text in zip(shown, texts, strict=True))
            yield _variant(name, [f"{key}={text}" for key, text in zip(keys, texts, strict=True)])


def _variant(name: str, changes: list[str]) -> Variant:
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise UserError(f"ablation.variants.{schema.show(name)}: a name has 1 to {_LONGEST_NAME} printable characters")
    return Variant(name, tuple(changes))


def _can_be_typed(value: Any) -> bool:
    return all(map(_can_be_typed, value)) if isinstance(value, list) else not isinstance(value, Mapping)
