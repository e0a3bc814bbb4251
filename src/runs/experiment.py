"""One run, from a configuration and a data set to a folder with its results."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from src.config import Config, check_against, network
from src.data.dataset import Dataset
from src.errors import RunFailed
from src.files import replacing
from src.nn.network import Network
from src.runs.fingerprint import fingerprint
from src.runs.lineage import lineage
from src.runs.model import save_model, weights_digest
from src.runs.naming import run_name
from src.runs.store import RunFolder
from src.tracking.tracker import Tracker
from src.training.early_stopping import EarlyStopping
from src.training.loop import Diverged, Streams, train
from src.training.metrics import predict
from src.training.processor import held


@dataclass(frozen=True)
class Outcome:
    """A finished run: where it stands, what it came to, and whether it was there before."""

    folder: RunFolder
    result: dict[str, Any]
    reused: bool


def run(config: Config, dataset: Dataset, tracker: Tracker) -> Outcome:
    """Trains and tests one network, or hands over the run of the same fingerprint that has finished before.

    Raises `UserError` for a configuration that does not fit the data, before anything is written, and `RunFailed` for
    a training that diverged; the folder then holds the last finite model.
    """
    check_against(config, dataset)
    digests = fingerprint(config, dataset)
    folder = RunFolder.of(digests["fingerprint"])
    with folder.locked():
        if folder.finished() and not config.train.fresh:
            tracker.started(folder.path)
            tracker.ended(folder.path)
            return Outcome(folder, folder.result(), reused=True)
        folder.begin(config.plain(), {"name": run_name(config), "digests": digests, "lineage": lineage()})
        try:
            tracker.started(folder.path)
            with held(config.train.threads):
                result = _train_and_test(config, dataset, digests["fingerprint"], folder, tracker)
            folder.finish(result)
        except Diverged as error:
            folder.end("failed", str(error))
            raise RunFailed(
                f"failed: {error}; try a smaller optimizer.lr or optimizer.clip_norm=1 ({folder.path})"
            ) from None
        except KeyboardInterrupt:
            folder.end("killed", "interrupted")
            raise
        except BaseException as error:
            folder.end("failed", f"{type(error).__name__}: {error}")
            raise
        finally:
            tracker.ended(folder.path)
    return Outcome(folder, result, reused=False)


def _train_and_test(
    config: Config, dataset: Dataset, identity: str, folder: RunFolder, tracker: Tracker
) -> dict[str, Any]:
    streams = Streams.of(config.seed)
    net = network(config, dataset)
    config.model.initialize(net, streams.initialization)
    theta = net.parameters.theta
    keeper = EarlyStopping(config.train, theta)
    epochs = 0
    try:
        for epoch in train(net, config.optimizer, config.schedule, dataset, config.train, streams):
            epochs = epoch.epoch
            tracker.advanced(folder.path, folder.append(dataclasses.asdict(epoch)))
            if keeper.should_stop(epoch, theta):
                break
    finally:
        theta[:] = keeper.theta  # finite, even where the training diverged or was interrupted
        about = {
            "fingerprint": identity,
            "labels": list(dataset.labels),
            "image": dataset.image,
            "scaling": dataset.scaling,
            "recipe": dataset.recipe,
        }
        save_model(folder.path / "model.npz", net, config.model, about)
    return {"epochs": epochs, "kept_epoch": keeper.epoch} | _evaluate(net, dataset, folder)


def _evaluate(net: Network, dataset: Dataset, folder: RunFolder) -> dict[str, Any]:
    sets = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    predictions = {name: predict(net, examples.x, examples.y) for name, examples in sets.items()}
    on_test = predictions["test"]
    with replacing(folder.path / "predictions.npz") as file:
        np.savez(file, predicted=on_test.labels, probability=on_test.confidence)
    metrics = {name: {"loss": p.loss, "accuracy": p.accuracy} for name, p in predictions.items()}
    return metrics | {"weights_sha256": weights_digest(net)}
