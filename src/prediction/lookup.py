"""Finds and opens the model that the user names: a model file, or the model of a run."""

from pathlib import Path

from src.foundation.errors import UserError
from src.prediction.signature import Signature, signature_of
from src.runs.model import Model, load_model

FILE = "model.npz"


def open_model(name: str) -> tuple[Model, Signature]:
    """The model and its signature; `UserError` if there is no such model, or it is damaged."""
    file = _file(name)
    try:
        model = load_model(file)
    except UserError as error:
        if file.suffix != ".npz":  # a picture, perhaps
            raise UserError(f"{error}; give the model first: python -m src.predict MODEL INPUT") from None
        raise
    return model, signature_of(model, name)


def _file(name: str) -> Path:
    path = Path(name)
    if path.is_file() or path.suffix == ".npz":
        return path
    if (path / FILE).is_file() and not (path / "run.json").exists():
        return path / FILE
    from src.recording.finding import find

    run = find(name)
    if not (run.path / FILE).is_file():
        raise UserError(f"{name}: this run has no model.npz; `python -m src.replay {name}` trains it again")
    return run.path / FILE
