"""Warm starts: going on with a trained network, `train.start_from`.

A run is identified by what it starts from, not by where that was found. So a name that a user types is replaced by the
digest of the weights, and the files are kept below runs/.starts/ under that digest, where the jobs of a sweep find them
whatever happens to the originals. Each run folder gets copies, so that a replay needs nothing else.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from src.config.tree import Config, check_against
from src.data.dataset import Dataset
from src.data.recipe import OWN
from src.data.recipes import split_otherwise
from src.data.sources import SOURCES
from src.foundation.errors import UserError
from src.foundation.files import canonical_json, replacing, sha256
from src.foundation.npz import DAMAGE, read_npz, write_npz
from src.foundation.schema import build, written
from src.nn.architecture import MOST_PARAMETERS, Architecture
from src.nn.network import Network
from src.optim.optimizers import State
from src.runs.folder import START, START_OPTIMIZER, runs_folder
from src.runs.model import load_model, weights_digest
from src.training.session import Start

OPTIMIZER = "optimizer.npz"  # beside model.npz in a run folder
_KNOWN = (*SOURCES, *OWN)
_PREFIX = "sha256:"  # of a name that has been replaced
_FORMAT = 1
_LIMIT = 3 * 8 * MOST_PARAMETERS + (1 << 20)  # bytes: slots of the largest network, and a header


def save_optimizer(path: Path, state: State, weights_sha256: str) -> None:
    """Writes an optimizer's state atomically; `weights_sha256`: of the weights that it belongs to."""
    header = {"format": _FORMAT, "steps": state.steps, "weights_sha256": weights_sha256}
    write_npz(path, {"header": np.array(canonical_json(header).decode()), **state.slots})


def pin(config: Config, file: Path, name: str) -> Config:
    """The configuration with a digest as `train.start_from`; keeps the model file, and its optimizer's state if asked.

    name: as the user typed it. Raises `UserError` if the network of the file has other hidden layers.
    """
    optimizer = file.with_name(OPTIMIZER) if config.train.start_optimizer else None
    digest, network = identify(file, optimizer)
    if network.widths[1:-1] != config.model.hidden:
        there, here = (",".join(map(str, hidden)) for hidden in (network.widths[1:-1], config.model.hidden))
        raise UserError(f"train.start_from={name}: its hidden layers are [{there}], model.hidden=[{here}]")
    keep(digest, file, optimizer)
    return dataclasses.replace(config, train=dataclasses.replace(config.train, start_from=digest))


def is_pinned(name: str) -> bool:
    """Whether a value of `train.start_from` is a digest, not a file or a run."""
    return name.startswith(_PREFIX)


def identify(model: Path, optimizer: Path | None) -> tuple[str, Network]:
    """The digest of a start, which is a model file and its optimizer's state; and the network.

    Raises `UserError` if a file is missing or damaged, or the two do not belong together.
    """
    network = load_model(model).network
    state = _load_optimizer(optimizer, network) if optimizer else None
    return _digest(network, state), network


def keep(digest: str, model: Path, optimizer: Path | None) -> None:
    """Copies the files of a start below runs/.starts/, under its digest."""
    for file, kept in zip((model, optimizer), _kept(digest), strict=True):
        if file and not (kept.exists() and kept.read_bytes() == file.read_bytes()):
            with replacing(kept) as copy:
                copy.write(file.read_bytes())


def files(config: Config) -> Iterator[tuple[str, Path]]:
    """What a run folder gets of its start: names there, and the kept files. Nothing, without `train.start_from`."""
    if (digest := config.train.start_from) is not None:
        model, optimizer = _kept(digest)
        yield START, model
        if config.train.start_optimizer:
            yield START_OPTIMIZER, optimizer


def checked(config: Config, dataset: Dataset, name: str | None = None) -> Start | None:
    """What the training starts from; None: from drawn weights. `train.start_from` must be a digest.

    name: of the start, as the user typed it; for messages. Raises `UserError` for settings that do not fit the data or
    the start.
    """
    network = check_against(config, dataset)
    if (digest := config.train.start_from) is None:
        return None
    assert is_pinned(digest)
    setting, (file, optimizer) = f"train.start_from={name or digest}", _kept(digest)
    if not file.exists():
        raise UserError(f"{setting}: not in {file.parent}; give the run or the file itself")
    found = load_model(file)
    if (there := _words(found.network)) != (here := _words(network)):
        raise UserError(f"{setting}: its layers are {there}; the configuration and the data ask for {here}")
    _refuse_other(found.header, config.model, dataset, setting)
    state = _load_optimizer(optimizer, found.network) if config.train.start_optimizer else None
    if digest != _digest(found.network, state):
        raise UserError(f"{setting}: {file} has other weights; delete it, and give the run or the file itself")
    if state and {*state.slots} != {*config.optimizer.slots}:
        slots, name = ", ".join(sorted(state.slots)), config.optimizer.name
        raise UserError(
            f"train.start_optimizer=true: the state has {slots}; optimizer={name} needs "
            f"{', '.join(config.optimizer.slots) or 'none'}"
        )
    return Start(found.network.parameters.theta, state, str(found.header.get("fingerprint", "")))


def doubts(config: Config, dataset: Dataset) -> list[str]:
    """What to warn of in a start that fits: inputs that were scaled otherwise, and examples that it may have seen."""
    if (digest := config.train.start_from) is None:
        return []
    header = load_model(_kept(digest)[0]).header
    own, scaling, found = header["recipe"], header["scaling"], list[str]()
    trained, name = f"train.start_from: it was trained on data={own['name']}", config.data.name
    same = all(np.array_equal(scaling[key], dataset.scaling[key]) for key in ("center", "scale"))
    if not same and (scaling["kind"], own["source"]) != (dataset.scaling["kind"], config.data.source):
        kinds = scaling["kind"], dataset.scaling["kind"]
        found.append(f"{trained}, whose inputs are scaled otherwise (data.scaling: {kinds[0]} there, {kinds[1]} here)")
    if split_otherwise(own, dataset.recipe):
        found.append(f"{trained}, another split; it may have seen examples of the validation and test set of {name}")
    return found


def _refuse_other(header: Mapping[str, Any], model: Architecture, dataset: Dataset, setting: str) -> None:
    """Rejects a start whose weights mean something else: with other activations, another output, loss or labels."""
    match header.get("labels"), header.get("recipe"), header.get("scaling"):
        case [*_], {"name": _, "source": str(source)}, {"kind": _, "center": _, "scale": _} if source in _KNOWN:
            pass
        case _:
            raise UserError(f"{setting}: its header lacks labels, scaling or a known source")
    there: Architecture = build(Architecture, header["model"], "model")
    for key, own, asked in (
        ("act", there.acts, model.acts),
        ("output", there.output, model.output),
        ("loss", there.loss, model.loss),
    ):
        if own != asked:
            own_value, asked_value = (written(getattr(one, key)) for one in (there, model))
            raise UserError(
                f"{setting}: it has model.{key}={own_value}; the configuration has model.{key}={asked_value}"
            )
    if (labels := tuple(map(str, header["labels"]))) != dataset.labels:
        listed, asked_for = ", ".join(labels), ", ".join(dataset.labels)
        raise UserError(f"{setting}: its labels are {listed}; data={dataset.recipe['name']} has {asked_for}")


def _kept(digest: str) -> tuple[Path, Path]:
    """Where the model file and the optimizer's state of a start are kept."""
    folder, name = runs_folder() / ".starts", digest.removeprefix(_PREFIX)
    return folder / f"{name}.npz", folder / f"{name}.{OPTIMIZER}"


def _digest(network: Network, state: State | None) -> str:
    digest = weights_digest(network)
    if state:
        slots = {name: sha256(np.ascontiguousarray(slot).tobytes()) for name, slot in state.slots.items()}
        digest = sha256(canonical_json({"weights": digest, "steps": state.steps, "slots": slots}))
    return f"{_PREFIX}{digest}"


def _words(network: Network) -> str:
    biases = "with" if network.parameters.b else "without"
    return f"{'-'.join(map(str, network.widths))} {biases} biases, in {network.dtype.name}"


def _load_optimizer(file: Path, network: Network) -> State:
    theta = network.parameters.theta
    try:
        slots: dict[str, Any] = read_npz(file, _LIMIT)
        header = json.loads(str(slots.pop("header")))
        if header["format"] != _FORMAT or type(header["steps"]) is not int or header["steps"] < 0:
            raise ValueError(f"it is not a state of format {_FORMAT}")
        if any((slot.shape, slot.dtype) != (theta.shape, theta.dtype) for slot in slots.values()):
            raise ValueError("its slots do not fit the network")
        if header["weights_sha256"] != weights_digest(network):
            raise ValueError("it belongs to other weights")
    except FileNotFoundError:
        raise UserError(
            f"train.start_optimizer=true: there is no {file}; only a run has one, if its optimizer has a state and it "
            "kept the weights of its last epoch"
        ) from None
    except DAMAGE as error:
        raise UserError(f"{file}: damaged ({error})") from None
    return State(slots, np.empty_like(theta), header["steps"])
