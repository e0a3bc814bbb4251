"""What the tests that kill, starve and mislead a training share: the training, its end, and its record in MLflow."""

import json
import shutil
from pathlib import Path
from typing import Any

from tests.helpers.stores import assert_mirrored, stored

TRAIN = ("python", "-m", "src.train")
EPOCHS = 100
# Seconds of training, with checkpoints at the ends of epochs and in the middle of them.
TRAINING = (
    "experiment=digits", "model.hidden=[32]", "model.dropout=0.2", "optimizer=adam", "schedule=cosine",
    "schedule.by=step", "train.batch_size=1", f"train.epochs={EPOCHS}", "train.checkpoint_epochs=1",
    "train.checkpoint_seconds=0.2", "tracking.figures=false",
)  # fmt: skip
TIMES = ("time", "seconds", "images_per_second")


def run_folder(checkout: Path) -> Path:
    """The folder of the one run in a checkout."""
    [status] = (checkout / "runs").glob("*/config.yaml")
    return status.parent


def journal(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of a run's journal."""
    file = folder / "journal.jsonl"
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    return [json.loads(line) for line in lines]


def came_to(folder: Path) -> dict[str, Any]:
    """All that a finished run came to, times apart."""
    assert json.loads((folder / "status.json").read_text())["status"] == "finished"
    curves = [{key: value for key, value in epoch.items() if key not in TIMES} for epoch in journal(folder)]
    return {"result": json.loads((folder / "result.json").read_text()), "curves": curves}


def assert_level(uri: str, folder: Path) -> None:
    """The store has this run and no other, finished, and as the folder has it."""
    [run] = stored(uri)
    assert run.info.status == "FINISHED"
    assert_mirrored(uri, folder)


def forget(checkout: Path, empty_store: Path) -> None:
    """Empties the checkout of runs and of their records."""
    shutil.rmtree(checkout / "runs", ignore_errors=True)
    shutil.rmtree(checkout / "mlartifacts", ignore_errors=True)
    for file in checkout.glob("*mlflow.db*"):
        file.unlink()
    shutil.copy(empty_store, checkout / "mlflow.db")
