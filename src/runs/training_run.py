"""One run, from a configuration and a data set to a folder with its results."""

import secrets
from dataclasses import dataclass
from typing import Any

from src.config.tree import Config
from src.data.dataset import Dataset
from src.foundation.errors import RunFailed
from src.foundation.files import write_json
from src.foundation.npz import write_npz
from src.runs.fingerprint import environment, fingerprint
from src.runs.folder import RunFolder
from src.runs.lineage import diff, lineage, surroundings
from src.runs.model import save_model, weights_digest
from src.runs.resuming import journal_epoch, resume
from src.runs.tracker import Tracker
from src.runs.warm_start import OPTIMIZER, checked, files, save_optimizer
from src.training.loop import Diverged, Epoch
from src.training.metrics import scores_by_class
from src.training.processor import held
from src.training.session import Session, Start


@dataclass(frozen=True)
class Outcome:
    """A finished run: its folder, its result, and whether it had finished before."""

    folder: RunFolder
    result: dict[str, Any]
    reused: bool


def run(config: Config, dataset: Dataset, tracker: Tracker, folder: RunFolder | None = None) -> Outcome:
    """Trains and tests one network, or returns the run of the same fingerprint that has finished before.

    One that was cut off resumes from its last checkpoint. folder: where, if not in the folder of its fingerprint.
    Raises `UserError` for a configuration that does not fit the data, before anything is written, and `RunFailed` for
    a training that diverged; the folder then holds the last finite model.
    """
    start = checked(config, dataset)
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
        # A fresh training that was cut off resumes like any other, but never from one that was not fresh.
        begun = folder.status() and not folder.finished()
        resuming = bool(begun and config.train.resume and (not fresh or folder.run()["fresh"]))
        if not resuming:
            folder.begin(config.plain(), about(config, digests, start), diff(), files(config))
        try:
            with held(config.train.threads, config.train.portable):
                session = Session(config, dataset, start)
                result = _train_and_test(session, config, dataset, digests["fingerprint"], folder, tracker, resuming)
            folder.finish(result)
        except Diverged as error:
            folder.mark("failed", "diverged", str(error))
            raise RunFailed(
                f"failed: {error}; try a smaller optimizer.lr or optimizer.clip_norm=1 ({folder.path})"
            ) from None
        except KeyboardInterrupt:
            folder.mark("killed", "interrupted", "interrupted")
            raise
        except BaseException as error:
            folder.mark("failed", "error", f"{type(error).__name__}: {error}")
            raise
        finally:
            folder.restore()
            tracker.ended(folder.path)
    return Outcome(folder, result, reused=False)


def about(config: Config, digests: dict[str, str], start: Start | None = None) -> dict[str, Any]:
    """The content of run.json for a run that starts now: its identity, its lineage and its machine."""
    return {
        "name": config.run_name,
        "fresh": config.train.fresh,
        "attempt": secrets.token_hex(8),  # tells the epoch records of this training from those of an earlier one
        "digests": digests,
        "lineage": lineage() | ({"start.fingerprint": start.fingerprint} if start else {}),
        "environment": environment(config.train.threads),
        "surroundings": surroundings(),
    }


def _train_and_test(
    session: Session,
    config: Config,
    dataset: Dataset,
    identity: str,
    folder: RunFolder,
    tracker: Tracker,
    resuming: bool,
) -> dict[str, Any]:
    if not resuming:
        tracker.started(folder.path)
    try:
        session.prepare()
        saver = session.saver(folder.path, identity)
        known = []
        if resuming:
            known = resume(folder, identity, config.train, saver)
            tracker.started(folder.path)

        def record(epoch: Epoch) -> dict[str, Any]:
            journaled = journal_epoch(folder, epoch, known)
            tracker.advanced(folder.path, journaled)
            return journaled

        try:
            session.run(saver, record)
        finally:
            if config.train.record_steps:
                write_npz(folder.path / "steps.npz", session.steps)
    finally:
        session.keep_best()
        about = {
            "fingerprint": identity,
            "labels": list(dataset.labels),
            "image": dataset.image,
            "features": dataset.features and list(dataset.features),
            "scaling": dataset.scaling,
            "recipe": dataset.recipe,
        }
        save_model(folder.path / "model.npz", session.network, config.model, about)
    result, on_test = session.evaluate()
    write_npz(folder.path / "predictions.npz", {"predicted": on_test.labels, "probability": on_test.confidence})
    write_json(folder.path / "test.json", scores_by_class(on_test, dataset.test.y, dataset.labels))
    digest = weights_digest(session.network)
    if state := session.optimizer_state():
        save_optimizer(folder.path / OPTIMIZER, state, digest)
    return result | {"weights_sha256": digest}
