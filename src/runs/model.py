"""Model files: every array of a network, and a JSON header that says how to use them; sealed, and never pickle."""

import itertools
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from src.foundation import schema
from src.foundation.errors import UserError
from src.foundation.files import canonical_json, sha256
from src.foundation.npz import DAMAGE, read_npz, write_npz
from src.nn.architecture import MOST_PARAMETERS, Architecture
from src.nn.arithmetic import ARITHMETICS
from src.nn.arithmetic.operations import MOST_TERMS
from src.nn.network import Network

LIMIT = 8 * MOST_PARAMETERS + (1 << 20)  # bytes of the largest network there can be, and its header
_FORMAT = 2


class Model(NamedTuple):
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
    ops = network.arithmetic
    arithmetic = {"arithmetic": {"name": ops.name, "terms": ops.terms}} if ops.everywhere else {}
    header = {
        **about,
        **arithmetic,
        "format": _FORMAT,
        "model": schema.plain(architecture) | {"class_weights": class_weights},
        "widths": list(network.widths),
        "dtype": network.dtype.name,
        "weights_sha256": weights_digest(network),
    }
    write_npz(path, {"header": np.array(canonical_json(header).decode()), **network.parameters.arrays()})


def load_model(path: Path) -> Model:
    """Reads a model file and checks it whole: its size, header, shapes and digest. `UserError` for a damaged one."""
    try:
        arrays = read_npz(path, LIMIT)
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
    except (UserError, *DAMAGE) as error:
        raise UserError(f"{path}: not a model of this project, or damaged ({error})") from None
    return Model(network, header)


def _arithmetic(header: Any) -> tuple[str, int]:
    name, terms = header["name"], header["terms"]
    if name not in ARITHMETICS or type(terms) is not int or not 1 <= terms <= MOST_TERMS:
        raise ValueError(f"its arithmetic is {name} of {terms} terms")
    return name, terms


def _network_of(header: Any, size: int) -> Network:
    if header["format"] != _FORMAT:
        raise ValueError(f"its format is {header['format']}, where {_FORMAT} is known")
    if header["dtype"] not in ("float32", "float64"):
        raise ValueError(f"its dtype is {header['dtype']}")
    architecture: Architecture = schema.build(Architecture, header["model"], "model")
    inputs, *hidden, _ = widths = [int(width) for width in header["widths"]]
    if hidden != list(architecture.hidden):
        raise ValueError(f"its widths are {widths}, where its hidden layers are {list(architecture.hidden)}")
    # Before memory is taken: a header that claims more parameters than the file has bytes for is a lie.
    weights = sum(fan_in * fan_out for fan_in, fan_out in itertools.pairwise(widths))
    if min(widths) < 1 or np.dtype(header["dtype"]).itemsize * weights > size:
        raise ValueError(f"its widths are {widths}, more than the file holds")
    sizes = (inputs, len(header["labels"]), np.zeros(0, np.int64), header["dtype"])
    arithmetic = _arithmetic(header["arithmetic"]) if "arithmetic" in header else ()
    network = architecture.network(*sizes, *arithmetic)
    if list(network.widths) != widths:
        raise ValueError(f"its widths are {widths}, where it has {len(header['labels'])} labels")
    return network
