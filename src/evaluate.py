"""The stage `evaluate`. Tests models/model.npz: metrics/test.json, plots/confusion.csv, and the figures beside it."""

from typing import Any

import numpy as np

from src.cli.stage import run_stage
from src.config.tree import Config
from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.foundation.errors import UserError
from src.foundation.files import ROOT, write_csv, write_json
from src.runs.experiment import scores_by_class
from src.runs.folder import HISTORY
from src.runs.model import load_model
from src.training.metrics import Predictions, confusion, predict
from src.training.processor import held

MODEL = ROOT / "models" / "model.npz"
PLOTS = ROOT / "plots"
_OF_IMAGES = ("failures", "failures_confident", "hidden_weights", "samples")


def evaluate(config: Config) -> None:
    """Writes everything that the model's predictions tell; raises `UserError` for a model of other data."""
    model = load_model(MODEL)
    dataset = prepare(config.data)
    if model.header["recipe"] != dataset.recipe:
        raise UserError(f"{MODEL.name} was trained on data of another recipe than data={config.data.name}; `dvc repro`")
    sets = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    with held(config.train.threads):
        predictions = {name: predict(model.network, examples.x, examples.y) for name, examples in sets.items()}
    on_test = predictions["test"]
    metrics = test_metrics(dataset, on_test)
    write_json(ROOT / "metrics" / "test.json", metrics)
    labels = np.array(dataset.labels)
    pairs = zip(labels[dataset.test.y], labels[on_test.labels], strict=True)
    write_csv(PLOTS / "confusion.csv", ("actual", "predicted"), pairs)
    _draw(dataset, model.network.parameters.W, predictions)
    print(f"test accuracy {on_test.accuracy:.2%}, loss {on_test.loss:.4f}; metrics/test.json and plots/ are written")


def test_metrics(dataset: Dataset, on_test: Predictions) -> dict[str, Any]:
    """What `scores_by_class` tells, and how far confidence is from accuracy."""
    from src.analysis.calibration import reliability

    calibration = reliability(on_test.confidence, on_test.labels == np.asarray(dataset.test.y))
    return scores_by_class(on_test, dataset) | {"calibration_error": calibration.expected_calibration_error}


def _draw(dataset: Dataset, W: list[Any], predictions: dict[str, Predictions]) -> None:
    from src.figures import canvas, curves, gallery, samples
    from src.figures import confusion as confusion_figure

    on_test = predictions["test"]
    figures = dict(gallery.of_test_set(dataset, on_test.labels, on_test.confidence))
    figures |= dict(gallery.of_first_layer(dataset, W))
    history = np.loadtxt(PLOTS / "curves.csv", delimiter=",", skiprows=1, ndmin=2)
    # Further metrics stand in further columns.
    figures["curves"] = curves.draw(dict(zip(HISTORY, history.T.tolist(), strict=False)))
    for name, examples in (("train", dataset.train), ("valid", dataset.valid), ("test", dataset.test)):
        counts = confusion(np.asarray(examples.y), predictions[name].labels, len(dataset.labels))
        title = f"{name}: {predictions[name].accuracy:.2%} right"
        figures[f"confusion_{name}"] = confusion_figure.draw(counts, dataset.labels, title)
        figures[f"confusion_{name}_normalized"] = confusion_figure.draw(counts, dataset.labels, title, normalize=True)
    if dataset.image is not None:
        classes, first = np.unique(dataset.train.y, return_index=True)
        images = np.asarray(dataset.train.x[first]).reshape(-1, *dataset.image)
        figures["samples"] = samples.draw(images, np.array(dataset.labels)[classes])
    for name in _OF_IMAGES:  # a stage has the same outs, whatever the data
        figures.setdefault(name, canvas.new_figure(7.6, 0.6, "These data are no images: there is nothing to show here"))
    for name, figure in figures.items():
        canvas.save(figure, PLOTS / f"{name}.png")


if __name__ == "__main__":
    run_stage("evaluate", "Tests models/model.npz: metrics, confusion matrices and figures.", evaluate)
