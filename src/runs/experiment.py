"""One run, from a configuration and a data set to a folder with its results."""

import dataclasses
import math
import secrets
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from src.config.tree import Config, check_against, network
from src.data.dataset import Dataset
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import write_json
from src.foundation.npz import write_npz
from src.nn.network import Network
from src.runs.fingerprint import environment, fingerprint
from src.runs.folder import RunFolder
from src.runs.lineage import diff, lineage, surroundings
from src.runs.model import save_model, weights_digest
from src.runs.naming import run_name
from src.runs.tracker import Tracker
from src.training import scores
from src.training.checkpoint import Saver, whole
from src.training.early_stopping import EarlyStopping
from src.training.loop import Diverged, Epoch, Progress, Training, train
from src.training.metrics import Predictions, confusion, measure
from src.training.processor import held
from src.training.streams import Streams
from src.training.units import output_layer, put_on_top, train_units

_TIMES = ("seconds", "images_per_second")


@dataclass(frozen=True)
class Outcome:
    """A finished run: where it stands, what it came to, and whether it was there before."""

    folder: RunFolder
    result: dict[str, Any]
    reused: bool


def run(config: Config, dataset: Dataset, tracker: Tracker, folder: RunFolder | None = None) -> Outcome:
    """Trains and tests one network, or hands over the run of the same fingerprint that has finished before.

    One that was cut off goes on from its last checkpoint. folder: where, if not in the folder of its fingerprint.
    Raises `UserError` for a configuration that does not fit the data, before anything is written, and `RunFailed` for
    a training that diverged; the folder then holds the last finite model.
    """
    check_against(config, dataset)
    digests = fingerprint(config, dataset)
    folder = folder or RunFolder.of(digests["fingerprint"])
    fresh = config.train.fresh
    with folder.locked():
        if not fresh:
            folder.restore()
        if folder.finished() and not fresh:
            folder.clear()
            tracker.started(folder.path)
            tracker.ended(folder.path)
            return Outcome(folder, folder.result(), reused=True)
        # Training anew, when it is cut off, goes on like any other; but it does not go on with what was not anew.
        goes_on = folder.unfinished() and config.train.resume and (not fresh or folder.run()["fresh"])
        if not goes_on:
            folder.begin(config.plain(), about(config, digests), diff())
        try:
            with held(config.train.threads):
                result = _train_and_test(config, dataset, digests["fingerprint"], folder, tracker, goes_on)
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
            folder.restore()
            tracker.ended(folder.path)
    return Outcome(folder, result, reused=False)


def about(config: Config, digests: dict[str, str]) -> dict[str, Any]:
    """What run.json holds of a run that would start now: who it is, where it comes from, and on what it runs."""
    return {
        "name": run_name(config),
        "fresh": config.train.fresh,
        "attempt": secrets.token_hex(8),  # tells the records of this training from those of one before it
        "digests": digests,
        "lineage": lineage(),
        "environment": environment(config.train.threads),
        "surroundings": surroundings(),
    }


def _train_and_test(
    config: Config,
    dataset: Dataset,
    identity: str,
    folder: RunFolder,
    tracker: Tracker,
    goes_on: bool,
) -> dict[str, Any]:
    streams = Streams.of(config.seed, config.rng)
    net = network(config, dataset)
    config.model.initialize(net, streams.initialization)
    if not goes_on:
        tracker.started(folder.path)
    learner, shown, units = net, dataset, None  # what the loop trains, and on what
    keeper = EarlyStopping(config.train, net.parameters.theta)
    try:
        if config.train.unit_targets:
            units = train_units(net, config.optimizer, dataset, config.train, streams)
            learner, shown = output_layer(net), units.outputs
            keeper = EarlyStopping(config.train, learner.parameters.theta)
        theta = learner.parameters.theta
        progress = Progress.start(config.optimizer, learner, streams)
        saver = Saver(folder.path, identity, config.train, learner, streams, progress, keeper)
        known = []
        if goes_on:
            known = _resume(folder, identity, config.train, saver)
            tracker.started(folder.path)
        for epoch in train(
            *(learner, config.optimizer, config.schedule, shown, config.train, streams, progress),
            *(saver.after_step, saver.after_unevaluated),
        ):
            record = _journaled(folder, epoch, known)
            tracker.advanced(folder.path, record)
            if keeper.should_stop(epoch, theta):
                break
            saver.after_epoch(record)
    finally:
        learner.parameters.theta[:] = keeper.theta  # finite, even where the training diverged or was interrupted
        if units:
            put_on_top(net, learner, units)
        told = {
            "fingerprint": identity,
            "labels": list(dataset.labels),
            "image": dataset.image,
            "features": dataset.features and list(dataset.features),
            "scaling": dataset.scaling,
            "recipe": dataset.recipe,
        }
        save_model(folder.path / "model.npz", net, config.model, told)
    result = {"epochs": progress.epoch, "kept_epoch": keeper.epoch}
    result |= _evaluate(net, config, dataset, streams, folder, keeper.epoch)
    return result | {"units": units.accuracy} if units else result


def _resume(folder: RunFolder, identity: str, training: Training, saver: Saver) -> list[dict[str, Any]]:
    """Goes back to the last checkpoint; returns the journal, which may tell of epochs that are trained once more."""

    def warn(told: str) -> None:
        print(f"warning: {told}", file=sys.stderr)

    known: list[dict[str, Any]] = []
    try:
        known = folder.journal()
        epochs = [record["epoch"] for record in known]
        if epochs != training.evaluated()[: len(epochs)]:
            known = []
            raise UserError(f"{folder.path}: the journal lacks epochs")
    except UserError as error:
        warn(f"{error}; the epochs after the last checkpoint are recorded anew")
    found = None
    for checkpoint in whole(folder.path, identity, warn):
        try:
            saver.restore(checkpoint)
        except ValueError as error:
            warn(f"{checkpoint.path} is not used: {error}")
            continue
        found = checkpoint
        # A power cut may have kept the checkpoint, and lost lines of the journal.
        known = [*found.history, *(record for record in known if record["epoch"] > found.header["epoch"])]
        break
    folder.reopen(known)
    where = (
        f"after {found.position}, from {found.path}" if found else f"at the start, with no checkpoint: {folder.path}"
    )
    print(f"resuming {where}", file=sys.stderr)
    return known


def _journaled(folder: RunFolder, epoch: Epoch, known: list[dict[str, Any]]) -> dict[str, Any]:
    """The epoch's record: a new line, or the one that stands since before the training was cut off."""
    values = dataclasses.asdict(epoch)
    if not values["metrics"]:
        del values["metrics"]
    record = next((record for record in known if record["epoch"] == epoch.epoch), None)
    if record is None:
        return folder.append(values)
    if differing := [key for key in values if key not in _TIMES and values[key] != record.get(key)]:
        key = differing[0]
        raise RunFailed(
            f"failed: epoch {epoch.epoch}, trained once more, came to {key}={values[key]} where the journal has "
            f"{record.get(key)}: this machine does not repeat itself; train.fresh=true trains anew ({folder.path})"
        )
    return record


def _evaluate(
    net: Network, config: Config, dataset: Dataset, streams: Streams, folder: RunFolder, epoch: int
) -> dict[str, Any]:
    """Measures the network of the epoch that is kept; writes what it predicts of the test set, and scores by class."""
    dropping = streams.evaluation(config.train.epochs + 1) if config.train.evaluate_dropout else None
    metrics = {}
    for part in ("train", "valid", "test"):
        measured = measure(net, getattr(dataset, part), config.train.metrics, dropping)
        metrics[part] = {"loss": measured.loss, "accuracy": measured.accuracy, **measured.further}
        if not all(map(math.isfinite, metrics[part].values())):
            raise Diverged(epoch, f"at epoch {epoch}, on the {part} set")
    on_test = measured.predictions
    predicted = {"predicted": on_test.labels, "probability": on_test.confidence}
    write_npz(folder.path / "predictions.npz", predicted)
    write_json(folder.path / "test.json", scores_by_class(on_test, dataset))
    return metrics | {"weights_sha256": weights_digest(net)}


def scores_by_class(on_test: Predictions, dataset: Dataset) -> dict[str, Any]:
    """Loss and accuracy; precision, recall and F1 of each class, and their means weighted by the classes' counts."""
    by_class = scores.of(confusion(np.asarray(dataset.test.y), on_test.labels, len(dataset.labels)))
    overall = scores.weighted(by_class)._asdict() | {"num_samples": len(on_test.labels)}
    names = ("precision", "recall", "f1", "num_samples")
    each = {
        label: {name: values[k].item() for name, values in zip(names, by_class, strict=True)}
        for k, label in enumerate(dataset.labels)
    }
    return {"loss": on_test.loss, "accuracy": on_test.accuracy, "overall": overall, "class": each}
