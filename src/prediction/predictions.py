"""Finds and opens the model that the user names, a file or that of a run, and predicts new examples with it."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from src.foundation.errors import UserError
from src.prediction.signature import RawExamples, Signature, signature_of
from src.runs.folder import START_OPTIMIZER
from src.runs.model import Model, load_model
from src.runs.warm_start import OPTIMIZER
from src.training.checkpoint import GENERATIONS
from src.training.metrics import predict
from src.training.processor import held

_FILE = "model.npz"
# The other files of a run folder that could be taken for its model.
_NO_MODELS = {
    **dict.fromkeys(GENERATIONS, "a checkpoint"),
    **dict.fromkeys((OPTIMIZER, START_OPTIMIZER), "the state of an optimizer"),
    "predictions.npz": "the predictions of a test set",
    "steps.npz": "the record of a training's updates",
}


class Prediction(NamedTuple):
    """The predicted label of an example, and the probabilities of all labels."""

    example: str
    label: str
    probabilities: dict[str, float]  # of each label

    @property
    def probability(self) -> float:
        """Of the label, which a model with a decision threshold may choose though another is more probable."""
        return self.probabilities[self.label]

    @property
    def runner_up(self) -> str:
        """The most probable of the other labels."""
        others = (label for label in self.probabilities if label != self.label)
        return max(others, key=self.probabilities.__getitem__)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "input": self.example,
            "label": self.label,
            "probability": self.probability,
            "runner_up": self.runner_up,
            "runner_up_probability": self.probabilities[self.runner_up],
            "probabilities": self.probabilities,
        }


def open_model(name: str) -> tuple[Model, Signature]:
    """The model and its signature; `UserError` if there is no such model, or it is damaged."""
    file = model_file(name)
    try:
        model = load_model(file)
    except UserError as error:
        raise explained(error, file) from None
    return model, signature_of(model, name)


def explained(error: UserError, file: Path) -> UserError:
    """An error of `load_model`; where the file's name says what it is in place of a model, in these words."""
    if not file.is_file() or file.name not in _NO_MODELS:
        return error
    return UserError(f"{file}: {_NO_MODELS[file.name]}, not a model; the run's model is {file.with_name(_FILE)}")


def predictions(model: Model, signature: Signature, raw: RawExamples) -> list[Prediction]:
    """A prediction for each example; `UserError` if a value is so large that the network's output is not finite."""
    x = signature.inputs(raw)
    with held(1, model.network.arithmetic.everywhere):
        found = predict(model.network, x, np.zeros(len(x), np.int64))  # no labels are known; the loss is not used
    if not (answered := np.isfinite(found.probabilities).all(axis=1)).all():
        raise UserError(f"{raw.names[int(answered.argmin())]}: its values are too large for the network")
    labels = [str(label) for label in model.header["labels"]]
    return [
        Prediction(name, labels[decided], dict(zip(labels, map(float, p), strict=True)))
        for name, decided, p in zip(raw.names, found.labels, found.probabilities, strict=True)
    ]


def model_file(name: str) -> Path:
    """The model file that a name leads to: a file, a folder with one, a run; `UserError` if there is none."""
    path = Path(name)
    if path.is_file() or path.suffix == ".npz":
        return path
    if (path / _FILE).is_file() and not (path / "run.json").exists():
        return path / _FILE
    if path.is_dir() and not (path / "run.json").exists():
        raise UserError(f"{name}: a folder without {_FILE}; give a model file, a run folder, or the beginning of an id")
    from src.replays.originals import finished_run

    run = finished_run(name)
    if not (run.path / _FILE).is_file():
        raise UserError(f"{name}: this run has no model.npz; `python -m src.replay {name}` trains it again")
    return run.path / _FILE
