"""The results of a study of twins: each experiment trained once more, and a library's network in step with it."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from src.config.tree import Config
from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.nn.arrays import Array, Labels
from src.nn.network import Network
from src.runs.fingerprint import code_digest, environment
from src.runs.folder import RunFolder
from src.runs.job import Job
from src.studies.study import Study, failure, identity
from src.studies.twins.declare import TwinDeclaration
from src.studies.twins.library import LIBRARIES, Library, Twin, versions
from src.training.loop import Epoch
from src.training.processor import held
from src.training.session import Session

STEPS = 100  # updates, after which twins are compared


@dataclass(frozen=True)
class TwinRun:
    """Two networks that were trained in step, from the same weights and on the same batches."""

    library: str
    differences: tuple[str, ...]  # between the definitions
    apart: tuple[float, ...]  # [updates + 1], the largest difference of weights after each update
    epochs: tuple[int, ...]  # that were evaluated
    updates: tuple[int, ...]  # before the end of each of them
    loss: tuple[tuple[float, float], ...]  # on the training set, of ours and of the library's, at each of them
    accuracy: tuple[float, float]  # on the test set, of both
    disagreeing: int  # test examples on which they decide differently
    twin: Twin = field(repr=False)

    @property
    def early(self) -> float:
        """The difference after `STEPS` updates, or after all if they are fewer."""
        return self.apart[min(STEPS, len(self.apart) - 1)]


@dataclass(frozen=True)
class Twinned:
    """An experiment, and its twins by library."""

    job: Job
    fingerprint: str
    reason: str  # of a failure; empty if ours finished
    dataset: Dataset = field(repr=False)
    runs: tuple[TwinRun, ...] = ()


@dataclass(frozen=True)
class Twins:
    """A study with all its twins."""

    name: str
    title: str
    command: str
    experiments: tuple[Twinned, ...]
    code: str  # the digest of the numeric code
    environment: Mapping[str, Any]

    @property
    def identity(self) -> str:
        """Identifies this study, run by this code."""
        return identity(self.name, [each.fingerprint for each in self.experiments])


def collect(study: Study[TwinDeclaration], digests: Sequence[Mapping[str, str]]) -> Twins:
    """Trains every job again with its twins; takes as long as both. digests: of each job, in order."""
    found, there = [], versions()
    for job, of in zip(study.jobs, digests, strict=True):
        dataset, reason = prepare(job.config.data), failure(RunFolder.of(of["fingerprint"]))
        runs = [
            in_step(job.config, dataset, name, LIBRARIES[name])
            for name in there
            if not reason and not LIBRARIES[name].unfit(job.config)
        ]
        found.append(Twinned(job, of["fingerprint"], reason, dataset, tuple(runs)))
    machine = environment(study.jobs[0].config.train.threads) | there
    return Twins(study.name, study.declaration.title, study.command, tuple(found), code_digest(), machine)


def in_step(config: Config, dataset: Dataset, name: str, library: Library) -> TwinRun:
    """Trains our network as any run does, and gives each of its batches to the library's, too."""
    session = Session(config, dataset)
    network = session.network
    twin = library.twin(config, network)
    apart: list[float] = []
    epochs, updates, losses = [], [], []
    train_on_batch = network.loss_and_gradient

    def watched(x: Array, y: Labels, *more: Any) -> float:
        apart.append(_apart(network, twin))  # after the updates so far
        twin.step(x, y)
        return train_on_batch(x, y, *more)

    def record(epoch: Epoch) -> Mapping[str, Any]:
        epochs.append(epoch.epoch)
        updates.append(len(apart))
        losses.append((epoch.train_loss, twin.loss(dataset.train.x, np.asarray(dataset.train.y))))
        return {"epoch": epoch.epoch}

    vars(network)["loss_and_gradient"] = watched  # of this object alone: the loop hands batches to nothing else
    with tempfile.TemporaryDirectory() as folder, held(config.train.threads, config.train.portable):
        session.prepare()
        session.run(session.saver(Path(folder), name), record)
        apart.append(_apart(network, twin))
        result, predicted = session.evaluate()
    decided = network.decide(twin.probabilities(dataset.test.x))
    accuracy = (float(result["test"]["accuracy"]), float(np.mean(decided == dataset.test.y)))
    disagreeing = int(np.count_nonzero(decided != predicted.labels))
    about = (tuple(library.differences(config)), tuple(apart), tuple(epochs), tuple(updates), tuple(losses))
    return TwinRun(name, *about, accuracy, disagreeing, twin)


def _apart(network: Network, twin: Twin) -> float:
    ours = [*network.parameters.W, *network.parameters.b]
    return max(float(np.abs(one - other).max()) for one, other in zip(ours, twin.weights(), strict=True))
