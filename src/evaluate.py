"""The stage `evaluate`: tests models/model.npz, and draws.

It writes metrics/accuracy.json, the two numbers that DVC's tables have room for beside what was changed,
metrics/test.json, and to plots/ the scores of each class (scores.json), confusion.csv and figures.
"""

import numpy as np

from src.analysis.calibration import reliability
from src.cli.stage import run_stage
from src.config.tree import Config
from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.foundation.errors import UserError
from src.foundation.files import ROOT, read_object, rounded, write_csv, write_json
from src.runs.finished import Predicted, read_history
from src.runs.metric import set_names
from src.runs.model import Model, load_model
from src.training.metrics import SCORES, Predictions, predict, scores_by_class
from src.training.processor import held

MODEL = ROOT / "models" / "model.npz"
PLOTS = ROOT / "plots"


def evaluate(config: Config) -> None:
    """Writes the model's scores, predictions and figures; `UserError` for a model of other data."""
    model = load_model(MODEL)
    dataset = prepare(config.data)
    if model.header["recipe"] != dataset.recipe:
        raise UserError(f"{MODEL.name} was not trained on data={config.data.name}; `dvc repro` trains it again")
    sets = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    with held(config.train.threads, model.network.arithmetic.everywhere):
        predictions = {part: predict(model.network, examples.x, examples.y) for part, examples in sets.items()}
    on_test = predictions["test"]
    calibration = reliability(on_test.confidence, on_test.labels == np.asarray(dataset.test.y))
    scores = scores_by_class(on_test, dataset.test.y, dataset.labels)
    overall = scores["overall"] | {"calibration_error": calibration.expected_calibration_error}
    headline = {"loss": on_test.loss, "accuracy": on_test.accuracy, **{name: overall[name] for name in SCORES}}
    write_json(ROOT / "metrics" / "test.json", rounded(headline))
    accuracy = {part: predictions[part].accuracy for part in ("valid", "test")}
    write_json(ROOT / "metrics" / "accuracy.json", rounded(accuracy))
    write_json(PLOTS / "scores.json", rounded({"overall": overall, "class": scores["class"]}))
    labels = np.array(dataset.labels)
    pairs = zip(labels[dataset.test.y], labels[on_test.labels], strict=True)
    write_csv(PLOTS / "confusion.csv", ("actual", "predicted"), pairs)
    _draw(config, dataset, model, predictions)
    name = set_names(dataset.recipe)["test"]
    print(f"{name} accuracy {on_test.accuracy:.2%}, loss {on_test.loss:.4f}; metrics/test.json and plots/ are written")


def _draw(config: Config, dataset: Dataset, model: Model, predictions: dict[str, Predictions]) -> None:
    from src.config.figure_names import STAGE, names
    from src.figures import canvas, registry
    from src.figures.run_view import RunView, Unfit

    accuracy = {part: found.accuracy for part, found in predictions.items()}
    known = {part: Predicted(found.labels, found.confidence) for part, found in predictions.items()}
    history = read_history(PLOTS / "curves.csv")
    kept = read_object(ROOT / "metrics" / "train.json").get("kept_epoch")  # of an earlier version: without
    run = RunView(dataset, model, history, config.plain(), accuracy, known, kept)
    for name in names(STAGE):
        try:
            registry.save(name, run, PLOTS)
        except Unfit as reason:  # a stage has the same outs, whatever the data
            canvas.save(canvas.new_figure(7.6, 0.6, f"Nothing to show: {reason}"), PLOTS / f"{name}.png")


if __name__ == "__main__":
    run_stage("evaluate", "Evaluates models/model.npz: test metrics, confusion matrices and figures.", evaluate)
