"""Whether a run of some configuration measures what a claim is about."""

from collections.abc import Iterable

from src.config.tree import Config
from src.data.sources import open_source
from src.foundation.errors import UserError, suggestion
from src.foundation.schema import show
from src.runs.metric import SETS
from src.studies.replicas.claims import Claim
from src.training.loop import Training
from src.training.metrics import SCORES, WITH_DROPOUT

JOURNALED = ("loss", "accuracy")  # quantities that every epoch record has


def refuse_unmeasured(key: str, claims: Iterable[Claim], config: Config) -> None:
    """Raises `UserError`, about `key`, if a run of this configuration would not measure a claim's quantity."""
    training, source = config.train, open_source(config.data)
    names = [*JOURNALED, *training.metrics]
    names = [*names, *(f"{name}{WITH_DROPOUT}" for name in names if training.evaluate_dropout)]
    known = {"train": names, "valid": names, "test": list({*names, *SCORES})}
    known |= {"units": [*training.unit_targets], "new": [*source.labels]}
    of_class = [*SCORES, *(f"{name}{WITH_DROPOUT}" for name in SCORES if training.evaluate_dropout)]
    for claim in claims:
        part, quantity = claim.about.part, claim.about.quantity
        if claim.label is not None and claim.label not in source.labels:
            raise UserError(
                f"{key}: {show(claim.metric)}: label={show(claim.label)}: no such class; "
                f"{suggestion(claim.label, source.labels)}"
            )
        measured = of_class if claim.label is not None else known[part]
        if quantity not in measured:
            near = suggestion(quantity, measured) if measured else "none is"
            more = "; train.metrics may list more" if part in SETS else ""
            raise UserError(f"{key}: {show(claim.metric)}: not measured there; {near}{more}")
        if claim.at and len(claim.at) != len(source.features or ()):
            raise UserError(f"{key}: {show(claim.metric)}: at={list(claim.at)}: the features are {source.features}")
        if claim.epoch is not None and not _evaluated(claim.epoch, training):
            raise UserError(
                f"{key}: {show(claim.metric)} at epoch {claim.epoch}: not evaluated then; train.evaluate_every="
                f"{training.evaluate_every}, train.evaluate_at_start={str(training.evaluate_at_start).lower()}"
            )


def _evaluated(epoch: int, training: Training) -> bool:
    """Whether a training evaluates after this epoch, or would if it were as long."""
    return epoch % training.evaluate_every == 0 if epoch else training.evaluate_at_start
