"""Gradients against central differences, and against automatic differentiation of an independent forward pass.

Errors are relative to norms, array by array (each W and b for itself, so that a small one cannot hide behind a large
one): |g - reference| / |reference|, Euclidean, and 0 where both are exactly zero. Everything is in float64.

Biases and inputs are drawn until no hidden pre-activation is near 0, where the ReLUs have their kink.
"""

from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from src.nn.activations import ACTIVATIONS
from src.nn.dropout import SCALINGS
from src.nn.initializers import INITIALIZERS, Spread
from src.nn.losses import HEADS
from src.nn.network import Network
from tests.nn.test_activations import DEFINITIONS

INPUTS, HIDDEN, CLASSES, BATCH = 4, (5, 4, 3), 3, 6
KINK = 1e-3  # the least distance kept from it; differences reach 1e-5 times an activation
H = 1e-5
SEED = 7

# What the names mean, from the textbook and without this project's code. A head that is added needs no entry here: it
# is then compared with central differences alone.
OUTPUTS = {
    "softmax": lambda z: anp.exp(z) / anp.sum(anp.exp(z), axis=1, keepdims=True),
    "sigmoid": lambda z: 1 / (1 + anp.exp(-z)),
}
KEPT = {"train": lambda p: 1 / (1 - p), "inference": lambda p: 1, "none": lambda p: 1}  # the scale of kept units
LOSSES = {
    "cross_entropy": lambda p, t: -anp.sum(t * anp.log(p), axis=1),
    "mse": lambda p, t: anp.mean((p - t) ** 2, axis=1),
    "binary_cross_entropy": lambda p, t: -anp.sum(t * anp.log(p) + (1 - t) * anp.log(1 - p), axis=1),
}


class Case:
    """A network with its weights, a batch, and the definition of its loss as a function of the weights."""

    def __init__(
        self,
        act: str,
        head: tuple[str, str],
        depth: int,
        init: str = "glorot",
        single: bool = False,
        mixed: bool = False,
        dropout: tuple[float, ...] = (0.0, 0.0, 0.0),
        scaling: str = "train",
        **settings: Any,
    ) -> None:
        self.head, self.class_weights = head, settings.get("class_weights")
        self.dropout, self.scaling = dropout[:depth], scaling
        names = list(ACTIVATIONS)
        first = names.index(act)
        self.acts = (names[first:] + names[:first])[:depth] if mixed else [act] * depth
        widths = (INPUTS, *HIDDEN[:depth], 1 if single else CLASSES)
        settings |= {"threshold": 0.5 if single else None, "dtype": "float64"}
        settings |= {"dropout": self.dropout, "scaling": SCALINGS[scaling]}
        self.network = Network(widths, [ACTIVATIONS[name] for name in self.acts], HEADS[head], **settings)
        self.network.initialize(INITIALIZERS[init], Spread(0.5, 0.8), np.random.SeedSequence(1))
        self.y = np.array([0, 1, 0, 0, 1, 1]) if single else np.array([0, 1, 2, 2, 1, 1])
        self.target = self.y[:, np.newaxis] if single else np.eye(CLASSES)[self.y]
        self.masks: list[np.ndarray] = []  # of a pass with dropout
        rng = np.random.default_rng(11)
        for _ in range(1000):
            self.x = rng.standard_normal((BATCH, INPUTS))
            for b in self.network.parameters.b:
                b[:] = rng.standard_normal(b.shape)
            if self._is_off_the_kink():
                return
        raise AssertionError("no inputs off the kink")

    def _is_off_the_kink(self) -> bool:
        # A hidden layer without biases under zero weights is at 0 for good; no weight moves its slope's part then.
        hidden = self._layers(self.network.parameters.arrays())[:-1]
        return all(np.abs(z).min() > KINK or not z.any() for z in hidden)

    def _layers(self, arrays: dict[str, Any], masks: list[np.ndarray] | None = None) -> list[Any]:
        """Every layer's pre-activations."""
        a, layers, masks = self.x, [], list(masks or ())
        for l in range(len(self.network.widths) - 1):
            if l > 0:
                a, p = DEFINITIONS[self.acts[l - 1]](layers[-1]), self.dropout[l - 1]
                a = a * masks.pop(0) * KEPT[self.scaling](p) if masks and p else a
            layers.append(anp.dot(a, arrays[f"W{l}"]) + arrays.get(f"b{l}", 0.0))
        return layers

    def definition(self, arrays: dict[str, Any]) -> Any:
        """The mean loss, weighted by the classes' weights."""
        output, loss = self.head
        losses = LOSSES[loss](OUTPUTS[output](self._layers(arrays, self.masks)[-1]), self.target)
        weights = np.ones(BATCH) if self.class_weights is None else self.class_weights[self.y]
        return anp.sum(weights * losses) / np.sum(weights)

    def loss(self) -> float:
        """The network's loss in training; the network keeps its gradient."""
        return self.network.loss_and_gradient(self.x, self.y, np.random.default_rng(SEED))

    def analytic(self) -> dict[str, np.ndarray]:
        trained = self.network.gradient
        (trained.weights if self.network.fixed else trained.theta).fill(np.nan)
        self.loss()
        return {name: array.copy() for name, array in self.network.gradient.arrays().items()}

    def differences(self) -> dict[str, np.ndarray]:
        """(L(theta + H e) - L(theta - H e)) / 2H for every unit vector e."""
        theta = self.network.parameters.theta
        slopes = self.network.gradient  # for its layout alone
        result = np.empty_like(theta)
        for i, middle in enumerate(theta.copy()):
            theta[i] = middle + H
            above = self.loss()
            theta[i] = middle - H
            below = self.loss()
            theta[i] = middle
            result[i] = (above - below) / (2 * H)
        slopes.theta[:] = result
        return {name: array.copy() for name, array in slopes.arrays().items()}

    def automatic(self) -> dict[str, np.ndarray]:
        arrays = {name: array.copy() for name, array in self.network.parameters.arrays().items()}
        gradient: dict[str, np.ndarray] = autograd.grad(self.definition)(arrays)
        return gradient


def relative_error(gradient: dict[str, np.ndarray], reference: dict[str, np.ndarray]) -> float:
    """The largest of all arrays' errors, as the file's head defines them."""
    assert gradient.keys() <= reference.keys()
    errors = [0.0]
    for name, g in gradient.items():
        off, norm = np.linalg.norm(g - reference[name]), np.linalg.norm(reference[name])
        errors.append(0.0 if off == 0 else float(off / norm) if norm else np.inf)
    return max(errors)


@pytest.fixture
def masks(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The masks of zeros and ones that dropout draws, in the order in which it draws them."""
    from src.nn import network

    masks: list[np.ndarray] = []
    draw = network.draw_mask

    def watch(*arguments: Any) -> np.ndarray:
        mask = draw(*arguments)
        masks.append(mask.copy())
        return mask

    monkeypatch.setattr(network, "draw_mask", watch)
    return masks


SETTINGS: dict[str, dict[str, Any]] = {
    **{init: {"init": init} for init in INITIALIZERS},
    "without bias": {"bias": False},
    "zeros without bias": {"init": "zeros", "bias": False},
    "class weights": {"class_weights": np.array([0.5, 1.0, 3.0])},
    "an activation for each layer": {"mixed": True},
    **{f"dropout, scaling {name}": {"dropout": (0.4,) * 3, "scaling": name} for name in SCALINGS},
    **{f"mixed, scaling {name}": {"mixed": True, "dropout": (0.0, 0.5, 0.3), "scaling": name} for name in SCALINGS},
    "dropout, class weights, no bias": {
        "bias": False,
        "class_weights": np.array([0.5, 1.0, 3.0]),
        "dropout": (0.4, 0.4, 0.0),
    },
    "fixed biases": {"fixed": True},
    "single output": {"single": True},
    "single output, class weights": {"single": True, "class_weights": np.array([0.5, 3.0])},
}
NETWORKS = [(head, s) for head in HEADS for s in SETTINGS if "single" not in s or head[0] == "sigmoid"]


@pytest.mark.parametrize("depth", range(4))
@pytest.mark.parametrize(("head", "setting"), NETWORKS, ids=lambda value: "+".join(value) if value in HEADS else value)
@pytest.mark.parametrize("act", ACTIVATIONS)
def test_gradient_equals_central_differences_and_autograds(
    act: str, head: tuple[str, str], setting: str, depth: int, masks: list[np.ndarray]
) -> None:
    case = Case(act, head, depth, **SETTINGS[setting])
    gradient = case.analytic()
    case.masks = list(masks)
    assert len(case.masks) == sum(p > 0 for p in case.dropout)
    assert all(set(np.unique(mask)) <= {0, 1} for mask in masks)
    if case.network.fixed:
        biases = {name: gradient.pop(name) for name in list(gradient) if name[0] == "b"}
        assert len(biases) == depth + 1
        assert not any(b.any() for b in biases.values())
    assert relative_error(gradient, case.differences()) < 1e-6
    if head[0] in OUTPUTS and head[1] in LOSSES:
        assert case.loss() == pytest.approx(case.definition(case.network.parameters.arrays()), rel=1e-13)
        assert relative_error(gradient, case.automatic()) < 1e-10
