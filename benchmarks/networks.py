"""The networks that are timed, as overrides of the project's configuration, and the machine that times them."""

import datetime
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from src.config.composition import compose
from src.config.tree import Config

_SHARED = ["data=mnist", "schedule=constant", "model.init=glorot", "tracking=off"]
_SIGMOID = ["model.act=sigmoid", "optimizer=sgd", "optimizer.lr=0.1", "train.batch_size=100"]
_TANH = ["model.act=tanh", "optimizer=momentum", "optimizer.lr=0.05", "train.batch_size=64"]

NETWORKS = {
    "784-50-10": [*_SIGMOID, "model.hidden=[50]", "model.output=sigmoid", "model.loss=mse"],
    "784-89-10": [*_TANH, "model.hidden=[89]"],
    "784-178-46-10": [*_TANH, "model.hidden=[178,46]"],
    "784-1024-512-10": [*_SIGMOID, "model.hidden=[1024,512]"],
}


def config_of(name: str, *overrides: str) -> Config:
    """The configuration of a network of the table, with more overrides."""
    return compose([*_SHARED, *NETWORKS[name], *overrides])


def describe(name: str, config: Config) -> str:
    """A network and how it is trained, in one line."""
    model = config.model
    return f"{name}: {model.act}, {model.output}+{model.loss}, {config.optimizer.name}, batch {config.train.batch_size}"


def machine() -> dict[str, str]:
    """The date, the processor, and the versions of what is compared; only what is installed."""
    told = {"date": datetime.date.today().isoformat(), "cpu": _cpu(), "python": platform.python_version()}
    for package in ("numpy", "scikit-learn", "torch"):
        try:
            told[package] = version(package)
        except PackageNotFoundError:
            continue
    return told


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.machine()}, {len(models)} cores"
