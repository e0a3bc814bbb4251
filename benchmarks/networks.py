"""The networks that are timed, as overrides of the project's configuration."""

from src.config.composition import compose
from src.config.tree import Config

# Every contestant can do this; the default model, for instance, also drops units. None of the others is portable.
_SHARED = ["data=mnist", "train=native", "schedule=constant", "model.init=glorot", "model.dropout=0.0", "tracking=off"]
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
