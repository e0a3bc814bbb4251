"""Finds and opens the model that somebody means: a model file, or the model of a run."""

from pathlib import Path

from src.foundation.errors import UserError
from src.prediction.wanted import Wanted, wanted_by
from src.runs.model import Model, load_model

FILE = "model.npz"


def open_model(given: str) -> tuple[Model, Wanted]:
    """The model and what it takes; `UserError` where there is none, or it is damaged."""
    file = _file(given)
    try:
        model = load_model(file)
    except UserError as error:
        if file.suffix != ".npz":  # a picture, perhaps
            raise UserError(f"{error}; the model comes first: python -m src.predict MODEL INPUT") from None
        raise
    return model, wanted_by(model, given)


def _file(given: str) -> Path:
    path = Path(given)
    if path.is_file() or path.suffix == ".npz":
        return path
    if (path / FILE).is_file() and not (path / "run.json").exists():
        return path / FILE
    from src.recording.finding import find

    run = find(given)
    if not (run.path / FILE).is_file():
        raise UserError(f"{given}: this run has no model.npz; `python -m src.replay {given}` trains it again")
    return run.path / FILE
