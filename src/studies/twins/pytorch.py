"""PyTorch, in eager mode: linear layers that are given initial weights, autograd, and an optimizer of `torch.optim`."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from src.config.tree import Config
from src.nn.activations import LEAK
from src.nn.arrays import Array, Labels
from src.nn.network import Network
from src.studies.twins import fit

_ACTIVATIONS = {"linear": "Identity", "sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU", "leaky_relu": "LeakyReLU"}


class _PyTorch:
    package = module = "torch"

    def unfit(self, config: Config) -> str:
        """What it lacks; empty if nothing."""
        return next(_lacking(config), "")

    def differences(self, config: Config) -> Sequence[str]:
        """Where its definitions are others than ours: nowhere."""
        return ()

    def twin(self, config: Config, network: Network) -> "_Twin":
        """A `torch.nn.Sequential` with the weights that `network` has now."""
        return _Twin(config, network)


LIBRARY = _PyTorch()


class _Twin:
    def __init__(self, config: Config, network: Network) -> None:
        import torch

        torch.set_num_threads(config.train.threads)
        self._model, self._network = config.model, network
        W, b = network.parameters.W, network.parameters.b
        self._linear = [torch.nn.Linear(*wide, bias=bool(b)) for wide in pairwise(network.widths)]
        for layer, linear in enumerate(self._linear):
            linear.weight.data = _tensor(W[layer].T)  # [fan_out, fan_in]
            if b:
                linear.bias.data = _tensor(b[layer])
        model = config.model
        modules: list[Any] = [self._linear[0]]
        for name, linear in zip(model.acts, self._linear[1:], strict=True):
            modules += [_activation(name), linear]
        self._module = torch.nn.Sequential(*modules)
        self._optimizer = _optimizer(config.optimizer, self._linear)

    def step(self, x: Array, y: Labels) -> None:
        self._optimizer.zero_grad()
        self._loss(x, y).backward()
        self._optimizer.step()

    def loss(self, x: Array, y: Labels) -> float:
        return float(self._loss(np.asarray(x, self._network.dtype), y).detach())

    def weights(self) -> Sequence[Array]:
        weights = [linear.weight.detach().numpy().T for linear in self._linear]
        return weights + [linear.bias.detach().numpy() for linear in self._linear if linear.bias is not None]

    def probabilities(self, x: Array) -> Array:
        import torch

        with torch.no_grad():
            z = self._module(_tensor(np.asarray(x, self._network.dtype)))
            p: Array = (z.softmax(dim=1) if self._model.output == "softmax" else z.sigmoid()).numpy()
        return p if self._network.threshold is None else np.concatenate([1 - p, p], axis=1)

    def _loss(self, x: Array, y: Labels) -> Any:
        from torch.nn import functional

        z, labels = self._module(_tensor(x)), _tensor(y)  # [n, units], [n]
        target = (labels[:, None] if z.shape[1] == 1 else functional.one_hot(labels, z.shape[1])).to(z.dtype)
        if self._model.loss == "cross_entropy":
            losses = functional.cross_entropy(z, labels, reduction="none")
        elif self._model.loss == "mse":
            losses = functional.mse_loss(z.sigmoid(), target, reduction="none").mean(dim=1)
        else:
            losses = functional.binary_cross_entropy_with_logits(z, target, reduction="none").sum(dim=1)
        return losses @ _tensor(self._network.example_weights(y)[:, 0])


def _tensor(values: Array | Labels) -> Any:
    import torch

    return torch.from_numpy(np.array(values))  # a copy: the data are mapped read-only


def _activation(name: str) -> Any:
    from torch import nn

    return nn.LeakyReLU(LEAK) if name == "leaky_relu" else getattr(nn, _ACTIVATIONS[name])()


def _optimizer(ours: Any, linear: Sequence[Any]) -> Any:
    from torch import optim

    penalty = getattr(ours, "weight_decay", ours.l2)
    groups = [
        {"params": [layer.weight for layer in linear], "weight_decay": penalty},
        {"params": [layer.bias for layer in linear if layer.bias is not None], "weight_decay": 0.0},
    ]
    if ours.name in ("adam", "adamw"):
        kind = optim.AdamW if ours.name == "adamw" else optim.Adam
        return kind(groups, lr=ours.lr, betas=(ours.beta1, ours.beta2), eps=ours.eps)
    if ours.name == "rmsprop":
        return optim.RMSprop(groups, lr=ours.lr, alpha=ours.decay, eps=ours.eps)
    momentum = getattr(ours, "momentum", 0.0)
    return optim.SGD(groups, lr=ours.lr, momentum=momentum, nesterov=ours.name == "nesterov" and momentum > 0)


def _lacking(config: Config) -> Iterator[str]:
    optimizer = config.optimizer
    if new := {*config.model.acts} - _ACTIVATIONS.keys():
        yield f"model.act={', '.join(sorted(new))}"
    if optimizer.name == "adamw" and optimizer.l2:
        yield "optimizer.l2 besides optimizer.weight_decay"
    yield from fit.lacking(config)
