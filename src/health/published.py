"""Checks of the pipeline's params.yaml, and of models/model.npz against metrics/train.json."""

from collections.abc import Iterator
from pathlib import Path

from src.config.tree import read_snapshot
from src.foundation.errors import UserError
from src.foundation.files import conf_digest, read_json
from src.foundation.locks import is_free
from src.health.finding import Finding
from src.runs.model import load_model


def stale_snapshot(root: Path) -> Iterator[Finding]:
    """A params.yaml that is damaged or stale: conf/ has changed since it was composed."""
    file = root / "params.yaml"
    # Not repaired: that would silently drop the overrides that `dvc exp run -S` has composed into it.
    advice = "`python -m src.compose`, with the overrides that you want"
    try:
        if read_snapshot(file).conf_digest != conf_digest():
            yield Finding("stale: conf/ has changed since", file, None, advice)
    except UserError as error:
        yield Finding(str(error).partition("; to restore")[0].removeprefix(f"{file.name}: "), file, None, advice)


def damaged_model(root: Path) -> Iterator[Finding]:
    """A models/model.npz that is damaged, or not the model that metrics/train.json describes."""
    file, metrics = root / "models" / "model.npz", root / "metrics" / "train.json"
    if not file.exists() or not metrics.exists() or not is_free(root / "runs" / ".locks" / "stage-train.lock"):
        return
    try:
        if load_model(file).header["weights_sha256"] == read_json(metrics)["weights_sha256"]:
            return
        what = "not the model that metrics/train.json describes"
    except (UserError, LookupError, TypeError) as error:
        what = str(error).removeprefix(f"{file}: ")
    yield Finding(what, file, None, "`dvc repro` makes both again; `dvc checkout` restores those of dvc.lock")
