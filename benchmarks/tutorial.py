"""A network of plain NumPy as tutorials write it: the equations, with new arrays at every step."""

from typing import Any

import numpy as np

from benchmarks.timing import Contestant, batch_size, initial_layers, timed
from src.config.tree import Config
from src.data.dataset import Dataset


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def _softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# f(z), and f'(z) given a = f(z)
_ACTIVATIONS: dict[str, Any] = {
    "sigmoid": (_sigmoid, lambda a: a * (1 - a)),
    "tanh": (np.tanh, lambda a: 1 - a**2),
}


def tutorial(config: Config, dataset: Dataset) -> Contestant:
    """The network in float32 on arrays in memory; tutorials often use float64, which takes twice the time."""
    f, slope = _ACTIVATIONS[str(config.model.act)]
    rate, momentum = config.optimizer.lr, getattr(config.optimizer, "momentum", 0)
    squared = config.model.loss == "mse"
    x = np.array(dataset.train.x)  # [n, features]
    t = np.eye(len(dataset.labels), dtype=np.float32)[dataset.train.y]  # [n, classes], one-hot
    rng, size = np.random.default_rng(config.seed), batch_size(config, dataset)
    W, b = map(list, zip(*initial_layers(config, dataset), strict=True))
    vW, vb = [np.zeros_like(each) for each in W], [np.zeros_like(each) for each in b]

    def forward(x: Any) -> list[Any]:
        a = [x]
        for l in range(len(W) - 1):
            a.append(f(a[l] @ W[l] + b[l]))
        z = a[-1] @ W[-1] + b[-1]
        return [*a, _sigmoid(z) if squared else _softmax(z)]

    def step(x: Any, t: Any) -> float:
        *a, p = forward(x)
        if squared:
            loss = np.mean((p - t) ** 2)
            delta = 2 * (p - t) * p * (1 - p) / p.size
        else:
            loss = -np.mean(np.sum(t * np.log(p + 1e-9), axis=1))
            delta = (p - t) / len(p)
        for l in reversed(range(len(W))):
            dW, db = a[l].T @ delta, delta.sum(axis=0)
            if l > 0:
                delta = delta @ W[l].T * slope(a[l])
            if momentum:
                dW = vW[l] = momentum * vW[l] + dW
                db = vb[l] = momentum * vb[l] + db
            W[l] = W[l] - rate * dW
            b[l] = b[l] - rate * db
        return float(loss)

    def epoch() -> None:
        order = rng.permutation(len(x))
        for start in range(0, len(x), size):
            rows = order[start : start + size]
            step(x[rows], t[rows])

    return Contestant(timed(epoch), lambda x: forward(x)[-1].argmax(axis=1))
