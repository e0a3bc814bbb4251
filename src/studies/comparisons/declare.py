"""The declaration of a comparison of variants: the group `ablation` of the configuration::

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
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from src.foundation import schema
from src.foundation.errors import UserError, suggestion
from src.foundation.files import canonical_json
from src.runs.job import Job
from src.studies.comparisons.results import Variant
from src.studies.study import Case, Declaration

_LONGEST_NAME = 60


@dataclass(frozen=True, kw_only=True)
class ComparisonTerms:
    """The question, and how it is judged."""

    title: str
    baseline: str  # the name of a variant
    cumulative: bool = False  # each variant adds its changes to those of the one before
    choose_by: Annotated[str, ("valid/accuracy", "valid/loss")] = "valid/accuracy"  # ranks the variants
    report_on: Annotated[str, ("test/accuracy",)] = "test/accuracy"  # the metric of effects and their tests


@dataclass(frozen=True, kw_only=True)
class ComparisonDeclaration(ComparisonTerms, Declaration):
    """A comparison of variants, as its file declares it."""

    in_pipeline: ClassVar[bool] = True
    variants: tuple[Variant, ...]

    @property
    def terms(self) -> dict[str, Any]:
        """The part of the study's digest that is not in its jobs: all but the title."""
        return {"terms": {key: value for key, value in vars(self).items() if key not in ("title", "variants")}}

    @property
    def cases(self) -> Sequence[Case]:
        """The variants."""
        return [Case(variant.name, self._overrides(variant)) for variant in self.variants]

    def _overrides(self, variant: Variant) -> Sequence[str]:
        if not self.cumulative:
            return variant.changes
        upto = self.variants.index(variant) + 1
        return [change for v in self.variants[:upto] for change in v.changes]

    def check_jobs(self, jobs: Sequence[Job], typed: Sequence[str]) -> None:
        """Refuses two variants with the same training, and variants with different data."""
        first: dict[bytes, str] = {}
        for job in jobs:
            variant = first.setdefault(canonical_json(job.config.semantic()), job.variant)
            if variant != job.variant:
                why = f" with {' '.join(typed)}" if typed else ""
                raise UserError(f"ablation.variants: {variant} and {job.variant} are the same training{why}")
        for job in jobs:  # differences are paired, and predictions compared example by example
            if job.config.data != jobs[0].config.data:
                raise UserError(
                    f"ablation.variants.{job.variant}: uses other data than {jobs[0].variant}; "
                    "all variants of a study must use the same data"
                )


def declare(name: str, tree: Any) -> ComparisonDeclaration:
    """The comparison in a plain tree; raises `UserError` if it is not a valid one."""
    if not isinstance(tree, Mapping):
        raise UserError(
            f"ablation={name}: its file declares no study; a study has title, baseline, and variants or grids"
        )
    keys = dict(tree)
    listed, grids = keys.pop("variants", None), keys.pop("grids", None)
    variants = (*_listed({} if listed is None else listed), *_grids([] if grids is None else grids))
    if not variants:
        raise UserError("ablation.variants: missing; a study compares at least two, from variants or grids")
    names = [variant.name for variant in variants]
    if not keys.get("baseline"):
        raise UserError(f"ablation.baseline: missing; name the variant to compare with (allowed: {', '.join(names)})")
    terms: ComparisonTerms = schema.build(ComparisonTerms, keys, "ablation")
    if repeated := [name for i, name in enumerate(names) if name in names[:i]]:
        raise UserError(f"ablation.variants.{repeated[0]}: declared twice; each variant needs its own name")
    if terms.baseline not in names:
        shown = schema.show(terms.baseline)
        raise UserError(f"ablation.baseline={shown}: no such variant; {suggestion(terms.baseline, names)}")
    if len(names) < 2:
        raise UserError(f"ablation.variants={names}: a study compares at least two")
    return ComparisonDeclaration(**vars(terms), name=name, variants=variants)


def grid_sizes(tree: Mapping[str, Any]) -> tuple[int, ...]:
    """How many variants each grid of a valid declaration has; its variants come last, grid by grid."""
    grids = tree.get("grids") or []
    return tuple(math.prod(len(v) if isinstance(v, list) else 1 for v in grid.values()) for grid in grids)


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
