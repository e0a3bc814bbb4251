"""From a declaration to the trainings that it comes to."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from src.config import tree as configuration
from src.config.tree import Config
from src.foundation.errors import UserError
from src.foundation.files import canonical_json, sha256
from src.runs.planned import Planned
from src.studies.comparisons.declare import Declaration
from src.studies.comparisons.results import Variant

Compose = Callable[[list[str]], Config]
# Overrides that change no result: a study with them is still the one that is declared.
WITHOUT_INFLUENCE = ("ablation=", "hydra", "tracking", "train.fresh=", "name=", "data.mirror=")
_DIGITS_OF_DIGEST = 8


@dataclass(frozen=True)
class Training:
    """One cell of a study: a variant, trained with a seed."""

    variant: Variant
    seed: int
    planned: Planned


@dataclass(frozen=True)
class Plan:
    """A study with all its trainings, variant by variant, checked."""

    declaration: Declaration
    seeds: tuple[int, ...]
    typed: tuple[str, ...]  # overrides on the command line that change results, for all runs
    trainings: tuple[Training, ...]

    @property
    def as_declared(self) -> bool:
        """Whether the study is the one of its file, without changes on the command line."""
        return not self.typed

    @property
    def name(self) -> str:
        """The study's name, with a digest where overrides make it another study."""
        return self.declaration.name if self.as_declared else f"{self.declaration.name}-{self.digest}"

    @cached_property
    def digest(self) -> str:
        """Tells this plan from others under the same name: its terms, and its trainings' semantic configurations."""
        terms = {key: value for key, value in vars(self.declaration).items() if key not in ("title", "variants")}
        trainings = [[t.variant.name, t.planned.config.semantic()] for t in self.trainings]
        return sha256(canonical_json({"terms": terms, "trainings": trainings}))[:_DIGITS_OF_DIGEST]

    @property
    def command(self) -> str:
        """The command that runs this study."""
        return shlex.join(["python", "-m", "src.ablation", f"ablation={self.declaration.name}", *self.typed])


def plan(
    declaration: Declaration, seeds: Sequence[str], arguments: Sequence[str], declared: bool, compose: Compose
) -> Plan:
    """Composes and checks every training of a study.

    seeds: as typed or declared. arguments: all overrides of the command line but the seeds, which apply to every run.
    declared: whether the seeds are those of the study's file. Raises `UserError` where one training is not allowed, or
    two variants come to the same one.
    """
    if not seeds:
        raise UserError("seed: none; a study needs at least one, like seed=range(5)")
    trainings = []
    for variant in declaration.variants:
        overrides = [*declaration.overrides(variant), *arguments]
        composed = compose([*overrides, f"seed={seeds[0]}"])
        for seed in seeds:
            config = configuration.build(composed.plain() | {"seed": number(seed)}, variant.name)
            label = f"{variant.name} s{config.seed}"
            planned = Planned(label, label, variant.name, config, (*overrides, f"seed={seed}"))
            trainings.append(Training(variant, config.seed, planned))
    used = tuple(dict.fromkeys(training.seed for training in trainings))
    if len(used) < len(seeds):
        raise UserError(f"seed={','.join(seeds)}: a seed is there twice; each is one draw of luck")
    typed = [argument for argument in arguments if not argument.startswith(WITHOUT_INFLUENCE)]
    if not declared:
        typed.append(f"seed={','.join(seeds)}")
    _refuse_doubles(trainings, typed)
    _refuse_other_data(trainings)
    return Plan(declaration, used, tuple(typed), tuple(trainings))


def _refuse_doubles(trainings: Sequence[Training], typed: Sequence[str]) -> None:
    first: dict[bytes, Variant] = {}
    for training in trainings:
        variant = first.setdefault(canonical_json(training.planned.config.semantic()), training.variant)
        if variant != training.variant:
            why = f" with {' '.join(typed)}" if typed else ""
            raise UserError(f"ablation.variants: {variant.name} and {training.variant.name} are the same training{why}")


def _refuse_other_data(trainings: Sequence[Training]) -> None:
    # Differences are paired, and predictions compared image by image.
    data = trainings[0].planned.config.data
    for training in trainings:
        if training.planned.config.data != data:
            raise UserError(
                f"ablation.variants.{training.variant.name}: its data are not those of {trainings[0].variant.name}; "
                "the variants of a study share them"
            )


def number(seed: str) -> int | str:
    """A seed as it was typed, for the configuration."""
    try:
        return int(seed)
    except ValueError:
        return seed  # and the configuration's own check says what is wrong with it
