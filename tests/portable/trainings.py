"""Trains with portable arithmetic and prints digests: `python tests/portable/trainings.py ROOT [NAME ...]`.

ROOT: a folder with data/normalized/. This needs NumPy alone, so that it runs on other machines and other versions.
"""

import hashlib
import json
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from src.data.dataset import open_dataset
from src.nn.architecture import Architecture
from src.nn.arithmetic import elementary, single
from src.nn.arithmetic.portable import Portable
from src.nn.normal import standard_normal
from src.optim.optimizers import OPTIMIZERS
from src.optim.schedules import SCHEDULES
from src.runs.model import weights_digest
from src.training.draws import DEFAULT
from src.training.loop import Training
from src.training.session import Session

MSE = {"output": "sigmoid", "loss": "mse"}
BCE = {"output": "sigmoid", "loss": "binary_cross_entropy"}
# data, model, optimizer, schedule, training. Each optimizer, schedule, activation and loss occurs.
Named = tuple[str, dict[str, Any]]
TRAININGS: dict[str, tuple[str, dict[str, Any], Named, Named, dict[str, Any]]] = {
    "mnist_default": ("mnist_small", {}, ("adam", {"lr": 1e-3}), ("constant", {}), {"epochs": 2}),
    "ladder_last": (
        "mnist_small",
        {"hidden": (89,), "init": "glorot", "dropout": 0.2},
        ("momentum", {"lr": 0.05}),
        ("exponential", {}),
        {"epochs": 2, "batch_size": 60},
    ),
    "raschka_relu": (
        "mnist_small",
        {"hidden": (50,), "init": "normal", "dropout": 0.0, **MSE},
        ("sgd", {"lr": 0.1}),
        ("constant", {}),
        {"epochs": 2, "metrics": ("squared_error", "mae", "rmse", "binary_cross_entropy", "f1")},
    ),
    "spiral": (
        "spiral",
        {"hidden": (100,), "dropout": 0.0, "class_weights": "balanced"},
        ("adam", {"lr": 1e-2}),
        ("linear", {}),
        {"epochs": 60, "batch_size": None},
    ),
    "xor": (
        "xor_all",
        {"hidden": (3,), "act": "sigmoid", "init": "uniform", "dropout": 0.0, "single_output": True, **BCE},
        ("nesterov", {"lr": 0.1}),
        ("step", {"interval": 2.0, "by": "step"}),
        {"epochs": 6, "steps_per_epoch": 100, "order": "drawn", "batch_size": 32, "dtype": "float64"},
    ),
    "deep": (
        "digits",
        {"hidden": (64, 48, 32), "act": ("tanh", "leaky_relu", "linear"), "dropout": 0.3},
        ("adamw", {"lr": 3e-3}),
        ("cosine", {"by": "step", "warmup": 1.0}),
        {"epochs": 4, "metrics": ("binary_cross_entropy",)},
    ),
    "deep_float64": (
        "digits",
        {"hidden": (64, 48, 32), "act": "tanh", "dropout": 0.3},
        ("rmsprop", {"lr": 1e-3, "l2": 1e-4, "clip_norm": 1.0}),
        ("cosine", {}),
        {"epochs": 3, "dtype": "float64"},
    ),
}


def trained(root: Path, name: str) -> dict[str, str]:
    """Digests of the weights, and of the bits of all losses and metrics of each epoch."""
    data, model, (optimizer, of_optimizer), (schedule, of_schedule), train = TRAININGS[name]
    settings: Any = SimpleNamespace(
        model=Architecture(**model),
        optimizer=OPTIMIZERS[optimizer](**of_optimizer),
        schedule=SCHEDULES[schedule](**of_schedule),
        train=Training(arithmetic="portable", **train),
        seed=7,
        rng="default",
        draws=DEFAULT,
    )
    session = Session(settings, open_dataset(root / "data" / "normalized" / data))
    numbers: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        session.prepare()

        def record(epoch: Any) -> dict[str, Any]:
            numbers.extend((epoch.train_loss, epoch.valid_loss, *epoch.metrics.values()))
            return {"epoch": epoch.epoch}

        session.run(session.saver(Path(folder), name), record)
        result, predicted = session.evaluate()
    numbers += [result["test"]["loss"], result["test"]["accuracy"]]
    return {
        "weights": weights_digest(session.network),
        "losses": hashlib.sha256(struct.pack(f"<{len(numbers)}d", *numbers)).hexdigest(),
        "probabilities": digest(predicted.probabilities),
    }


def digest(array: np.ndarray) -> str:
    """SHA-256 of an array's bytes, little-endian."""
    return hashlib.sha256(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()).hexdigest()


def vectors() -> dict[str, str]:
    """Digests of functions of the inputs below, to check another implementation against."""
    x = np.arange(-4000, 4001) / 128
    positive = np.arange(1, 8001) / 128
    ops = Portable(784)

    def drawn(draw: Callable[[np.random.Generator], np.ndarray]) -> str:
        return digest(draw(np.random.Generator(np.random.PCG64(3))))

    a = ops.operand((x[:7840] * positive[:7840]).reshape(10, 784) / 4000, "a")
    b = ops.operand((x[-7840:] / 64).reshape(784, 10), "b")
    product = np.empty((10, 10), np.float32)
    ops.matmul(a, b, product)
    return {
        "exp": digest(elementary.exp(x)),
        "log": digest(elementary.log(positive)),
        "tanh": digest(elementary.tanh(x)),
        "softplus": digest(elementary.softplus(x)),
        "exp, float32": digest(single.exp(x).astype(np.float32)),
        "tanh, float32": digest(single.tanh(x).astype(np.float32)),
        "sigmoid, float32": digest(single.sigmoid(x).astype(np.float32)),
        "normal draws": drawn(lambda generator: standard_normal(generator, (1000,))),
        "permutation": drawn(lambda generator: generator.permutation(1000).astype(np.int64)),
        "product": digest(product),
        "cos pi x": digest(np.array([ops.cos_pi(k / 100) for k in range(101)])),
        "powers": digest(np.array([ops.power(0.999, k) for k in range(1000)])),
    }


if __name__ == "__main__":
    root, *names = sys.argv[1:]
    found = {name: trained(Path(root), name) for name in names or TRAININGS}
    print(json.dumps({"trainings": found, "vectors": vectors()}, indent=2))
