"""The metrics of a run folder, as MLflow gets them: with the times at which the run had them, in milliseconds."""

from typing import TYPE_CHECKING

import numpy as np

from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.runs.journal import EpochRecord
from src.runs.usage import USAGE

if TYPE_CHECKING:
    from mlflow.entities import Metric

CURVES = {
    "train/loss": "train_loss",
    "train/accuracy": "train_accuracy",
    "valid/loss": "valid_loss",
    "valid/accuracy": "valid_accuracy",
    "train/lr": "lr",
    "train/images_per_second": "images_per_second",
}
_MOST_STEPS = 320  # points of the curve of a run's updates; MLflow's UI draws no more of a curve


def of_epoch(epoch: EpochRecord) -> "list[Metric]":
    """An epoch's metrics."""
    from mlflow.entities import Metric

    values = {**{key: epoch[column] for key, column in CURVES.items()}, **epoch.get("metrics", {})}
    return [Metric(key, value, milliseconds(epoch["time"]), epoch["epoch"]) for key, value in values.items()]


def of_finished(folder: RunFolder, run: FinishedRun, time: int) -> "list[Metric]":
    """The metrics that a run has once it has finished, which was at `time` [ms]."""
    from mlflow.entities import Metric

    result, timing = folder.result(), folder.timing()
    values = {
        **{f"test/{name}": value for name, value in result["test"].items()},
        **{f"unit/{group}/accuracy": value for group, value in result.get("units", {}).items()},
        "train/seconds": timing["seconds"],
        # With patience, the last valid/accuracy is that of other weights (mlflow#7790).
        "kept/epoch": result["kept_epoch"],
        **{f"kept/valid/{name}": value for name, value in result["valid"].items()},
        **{f"train/{name}": timing[name] for name in USAGE if name in timing},  # older runs have none
    }
    # At step 0 the UI draws a bar for each run, and the mean of a group of runs; else a curve of a single dot.
    return [*(Metric(key, value, time, 0) for key, value in values.items()), *_of_steps(run, time)]


def milliseconds(seconds: float) -> int:
    """A time, as MLflow wants it."""
    return int(seconds * 1000)


def _of_steps(run: FinishedRun, time: int) -> "list[Metric]":
    """The losses of updates, evenly thinned: of the network and of units that were trained one by one."""
    from mlflow.entities import Metric

    keys = {f"unit_{k}": f"unit/{group}/step_loss" for k, group in enumerate(run.config.train.unit_targets)}
    metrics: list[Metric] = []
    for name, rows in run.steps.items():
        losses = rows[:, 0]
        shown = np.linspace(0, len(losses) - 1, min(len(losses), _MOST_STEPS)).astype(int)
        key = keys.get(name, "train/step_loss")
        metrics += [Metric(key, float(losses[i]), time, int(i) + 1) for i in shown if np.isfinite(losses[i])]
    return metrics
