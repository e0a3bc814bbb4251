"""scikit-learn's `MLPClassifier`, given initial weights and trained batch by batch with `partial_fit`."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from src.config.tree import Config
from src.data.sources import open_source
from src.nn.arrays import Array, Labels
from src.nn.network import Network
from src.studies.twins import fit

_ACTIVATIONS = {"linear": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}
_HEADS = (("softmax", "cross_entropy", False), ("sigmoid", "binary_cross_entropy", True))  # the latter: one output
_SOLVERS = {"sgd": "sgd", "momentum": "sgd", "nesterov": "sgd", "adam": "adam"}


class _ScikitLearn:
    package, module = "scikit-learn", "sklearn"

    def unfit(self, config: Config) -> str:
        """What `MLPClassifier` lacks; empty if nothing."""
        return next(_lacking(config), "")

    def differences(self, config: Config) -> Sequence[str]:
        """Where its definitions are others than ours."""
        if config.optimizer.name != "adam":
            return ()
        return (
            "its Adam adds epsilon before it corrects the mean square for its bias, so after t updates its epsilon is "
            "1 / sqrt(1 - beta2^t) times ours",
        )

    def twin(self, config: Config, network: Network) -> "_Twin":
        """An `MLPClassifier` with the weights that `network` has now."""
        return _Twin(config, network)


LIBRARY = _ScikitLearn()


class _Twin:
    def __init__(self, config: Config, network: Network) -> None:
        from sklearn.neural_network import MLPClassifier

        optimizer: Any = config.optimizer
        solver = _SOLVERS[optimizer.name]
        adam = (
            {"beta_1": optimizer.beta1, "beta_2": optimizer.beta2, "epsilon": optimizer.eps} if solver == "adam" else {}
        )
        self._model = MLPClassifier(
            hidden_layer_sizes=config.model.hidden,
            activation=_ACTIVATIONS[_single(config.model.act)],
            solver=solver,
            alpha=0.0,
            learning_rate_init=optimizer.lr,
            momentum=getattr(optimizer, "momentum", 0.0),
            nesterovs_momentum=optimizer.name == "nesterov",
            shuffle=False,
            **adam,
        )
        self._network, self._classes = network, np.arange(network.classes)
        # What `partial_fit` would draw in its first call, if there were no `coefs_`.
        parameters, model = network.parameters, self._model
        model.coefs_ = [W.copy() for W in parameters.W]
        model.intercepts_ = [b.copy() for b in parameters.b]
        model.n_layers_, model.n_outputs_ = len(network.widths), network.widths[-1]
        model.out_activation_ = "logistic" if network.widths[-1] == 1 else "softmax"
        model.n_iter_ = model.t_ = model._no_improvement_count = 0
        model.loss_curve_, model.best_loss_ = [], np.inf

    def step(self, x: Array, y: Labels) -> None:
        self._model.batch_size = len(x)  # of one call all examples are one batch
        class_weights = self._network.class_weights
        sample_weight = None if class_weights is None else class_weights[y]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of batches in which a class is missing
            self._model.partial_fit(x, y, classes=self._classes, sample_weight=sample_weight)

    def loss(self, x: Array, y: Labels) -> float:
        p = self.probabilities(x)[np.arange(len(y)), y]
        return float(-np.log(np.maximum(p, np.finfo(p.dtype).tiny)) @ self._network.example_weights(y)[:, 0])

    def weights(self) -> Sequence[Array]:
        return [*self._model.coefs_, *self._model.intercepts_]

    def probabilities(self, x: Array) -> Array:
        found: Array = self._model.predict_proba(np.asarray(x, self._model.coefs_[0].dtype))
        return found


def _lacking(config: Config) -> Iterator[str]:
    model, optimizer = config.model, config.optimizer
    act = _single(model.act)
    if act not in _ACTIVATIONS or not model.hidden:
        yield f"model.act={act} with model.hidden={list(model.hidden)}"
    if model.bias is False:
        yield "model.bias=false"
    if (model.output, model.loss, model.single_output) not in _HEADS:
        yield f"model.output={model.output} with model.loss={model.loss}"
    if model.output == "softmax" and len(open_source(config.data).labels) == 2:
        yield f"model.output={model.output} with model.loss={model.loss} for two classes"
    if optimizer.name not in _SOLVERS:
        yield f"optimizer={optimizer.name}"
    if optimizer.l2:
        yield "optimizer.l2 that is independent of the batch"
    yield from fit.lacking(config)


def _single(act: Any) -> str:
    """The activation of all layers; with one for each layer, a name that no library has, unless all are the same."""
    names = {act} if isinstance(act, str) else set(act)
    return names.pop() if len(names) == 1 else ",".join(act)
