"""Model files: every array of a network, and a JSON header that says how to use them. Never pickle."""

import itertools
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from src import schema
from src.errors import UserError
from src.files import canonical_json, replacing, sha256
from src.nn.architecture import MOST_PARAMETERS, Architecture
from src.nn.arrays import Array
from src.nn.network import Network

LIMIT = 8 * MOST_PARAMETERS + (1 << 20)  # bytes of the largest network there can be, and its header
_FORMAT = 1
# What reading bytes that are not what they claim to be may end in.
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, EOFError, OSError, RuntimeError, zipfile.BadZipFile)


@dataclass(frozen=True)
class Model:
    """A network as a file holds it. The header's keys are those that `save_model` writes."""

    network: Network
    header: dict[str, Any]


def weights_digest(network: Network) -> str:
    """SHA-256 of the parameters, in the order of the flat vector, little-endian."""
    theta = network.parameters.theta
    return sha256(np.ascontiguousarray(theta, theta.dtype.newbyteorder("<")).tobytes())


def save_model(path: Path, network: Network, architecture: Architecture, about: dict[str, Any]) -> None:
    """Writes the network atomically; the same network and header give the same bytes.

    `about`: what else the header holds, such as the labels and the scaling of the inputs.
    """
    class_weights = None if network.class_weights is None else [float(w) for w in network.class_weights]
    header = about | {
        "format": _FORMAT,
        "model": schema.plain(architecture) | {"class_weights": class_weights},
        "widths": list(network.widths),
        "dtype": network.dtype.name,
        "weights_sha256": weights_digest(network),
    }
    arrays: dict[str, Any] = {"header": np.array(canonical_json(header).decode()), **network.parameters.arrays()}
    with replacing(path) as file:
        np.savez(file, **arrays)


def load_model(path: Path) -> Model:
    """Reads a model file and checks it whole: its size, header, shapes and digest. `UserError` for a damaged one."""
    try:
        if path.stat().st_size > LIMIT:
            raise ValueError("it is larger than any model of this project")
        arrays = _read_arrays(path)
        header = json.loads(str(arrays.pop("header")))
        network = _network_of(header, path.stat().st_size)
        for name, view in network.parameters.arrays().items():
            array = arrays.pop(name)
            if array.shape != view.shape or array.dtype != view.dtype:
                raise ValueError(f"{name} is {array.dtype} {array.shape}, where {view.dtype} {view.shape} is declared")
            view[...] = array
        if weights_digest(network) != header["weights_sha256"]:
            raise ValueError("the weights do not match their digest")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `dvc repro` makes models/model.npz") from None
    except (UserError, *_DAMAGE) as error:
        raise UserError(f"{path}: not a model of this project, or damaged ({error})") from None
    return Model(network, header)


def _read_arrays(path: Path) -> dict[str, Array]:
    # A zip's directory states the sizes: look at them before anything is unpacked.
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > LIMIT:
            raise ValueError("it would unpack to more than any model of this project")
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("its arrays are compressed, which ours never are")
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _network_of(header: Any, size: int) -> Network:
    if header["format"] != _FORMAT:
        raise ValueError(f"its format is {header['format']}, where {_FORMAT} is known")
    if header["dtype"] not in ("float32", "float64"):
        raise ValueError(f"its dtype is {header['dtype']}")
    architecture: Architecture = schema.build(Architecture, header["model"], "model")
    inputs, *_, classes = widths = [int(width) for width in header["widths"]]
    # Before memory is taken: a header that claims more parameters than the file has bytes for is a lie.
    if min(widths) < 1 or 4 * sum(a * b for a, b in itertools.pairwise(widths)) > size:
        raise ValueError(f"its widths are {widths}, more than the file holds")
    network = architecture.network(inputs, classes, np.zeros(0, np.int64), header["dtype"])
    if list(network.widths) != header["widths"]:
        raise ValueError(f"its widths are {header['widths']}, where its layers are {list(network.widths)}")
    return network
