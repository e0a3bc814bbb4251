"""Records what PyTorch and optax do, step for step, for the tests of optimizers and schedules: `references.json`.

Neither library is part of the project; this is run by hand, in an environment of its own:

    python3 -m venv /tmp/peers
    /tmp/peers/bin/pip install torch==2.13.0 numpy optax     # torch: the CPU wheel is enough
    /tmp/peers/bin/python tests/optim/record_references.py

Optimizers: the first WEIGHTS entries of theta are one parameter (weights, with decay), the rest another (biases,
without). The gradient at step t is H (theta - center) + noise[t], so an error made once is in every later step.
Clipping is recorded from optax, since PyTorch divides by norm + 1e-6.

Schedules: the factors are the rates of `torch.optim.lr_scheduler` at lr = 1, one for each tick: an epoch, or a batch.
"""

import itertools
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
import torch

jax.config.update("jax_enable_x64", True)

SIZE, WEIGHTS, STEPS = 6, 4, 12
RNG = np.random.default_rng(20261121)
ROOT = RNG.standard_normal((SIZE, SIZE))
PROBLEM = {
    "theta": RNG.standard_normal(SIZE).tolist(),
    "H": (ROOT @ ROOT.T / SIZE).tolist(),
    "center": RNG.standard_normal(SIZE).tolist(),
    "noise": (0.3 * RNG.standard_normal((STEPS, SIZE))).tolist(),
    "rates": [0.1 * 0.9**t if t % 3 else 0.02 for t in range(STEPS)],
    "weights": WEIGHTS,
}


def gradient(theta: np.ndarray, step: int) -> np.ndarray:
    return np.array(PROBLEM["H"]) @ (theta - PROBLEM["center"]) + PROBLEM["noise"][step]


# --- optimizers ------------------------------------------------------------------------------------------------------

OPTIMIZERS: list[tuple[str, dict[str, float]]] = [
    ("sgd", {}),
    ("sgd", {"l2": 0.3}),
    ("sgd", {"clip_norm": 0.7}),
    ("momentum", {}),
    ("momentum", {"momentum": 0.5, "l2": 0.1}),
    ("momentum", {"momentum": 0.7, "l2": 0.2, "clip_norm": 0.7}),
    ("nesterov", {}),
    ("nesterov", {"momentum": 0.8, "l2": 0.3}),
    ("rmsprop", {}),
    ("rmsprop", {"decay": 0.7, "eps": 0.01, "l2": 0.3}),
    ("adam", {}),
    ("adam", {"beta1": 0.6, "beta2": 0.8, "eps": 0.01, "l2": 0.3}),
    ("adam", {"clip_norm": 0.7}),
    ("adamw", {}),
    ("adamw", {"beta1": 0.6, "beta2": 0.8, "eps": 0.01, "weight_decay": 0.5}),
]
Groups = list[dict[str, Any]]


def sgd(groups: Groups, momentum: float = 0.0, nesterov: bool = False) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, lr=1.0, momentum=momentum, nesterov=nesterov)


def adam(kind: Any, groups: Groups, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> Any:
    return kind(groups, lr=1.0, betas=(beta1, beta2), eps=eps)


def rmsprop(groups: Groups, decay: float = 0.99, eps: float = 1e-8) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(groups, lr=1.0, alpha=decay, eps=eps)


TORCH: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": sgd,
    "momentum": partial(sgd, momentum=0.9),
    "nesterov": partial(sgd, momentum=0.9, nesterov=True),
    "rmsprop": rmsprop,
    "adam": partial(adam, torch.optim.Adam),
    "adamw": partial(adam, torch.optim.AdamW),
}
OPTAX: dict[str, Callable[..., optax.GradientTransformation]] = {
    "sgd": optax.sgd,
    "momentum": optax.sgd,
    "adam": partial(optax.adam, b1=0.9, b2=0.999, eps=1e-8),
}


def by_torch(name: str, l2: float = 0.0, weight_decay: float = 0.01, **settings: float) -> list[list[float]]:
    start = torch.tensor(PROBLEM["theta"], dtype=torch.float64)
    W, b = start[:WEIGHTS].clone(), start[WEIGHTS:].clone()
    decay = weight_decay if name == "adamw" else l2
    groups = [{"params": [W], "weight_decay": decay}, {"params": [b], "weight_decay": 0.0}]
    optimizer, thetas = TORCH[name](groups, **settings), []
    for step, rate in enumerate(PROBLEM["rates"]):
        g = torch.from_numpy(gradient(torch.cat([W, b]).numpy(), step))
        W.grad, b.grad = g[:WEIGHTS].clone(), g[WEIGHTS:].clone()
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        thetas.append(torch.cat([W, b]).tolist())
    return thetas


def by_optax(name: str, clip_norm: float, l2: float = 0.0, **settings: float) -> list[list[float]]:
    mask = (np.arange(SIZE) < WEIGHTS).astype(float)  # optax masks whole arrays only; theta is one
    penalty = optax.stateless(lambda g, theta: g + l2 * mask * theta)
    rates, theta = jax.numpy.array(PROBLEM["rates"]), jax.numpy.array(PROBLEM["theta"])
    own = OPTAX[name](lambda step: rates[step], **settings)
    optimizer = optax.chain(penalty, optax.clip_by_global_norm(clip_norm), own)
    state, thetas = optimizer.init(theta), []
    for step in range(STEPS):
        updates, state = optimizer.update(jax.numpy.array(gradient(np.asarray(theta), step)), state, theta)
        theta = optax.apply_updates(theta, updates)
        thetas.append(theta.tolist())
    return thetas


def optimizer_cases() -> list[dict[str, Any]]:
    cases = []
    for name, settings in OPTIMIZERS:
        source, recorded = ("optax", by_optax) if "clip_norm" in settings else ("torch", by_torch)
        thetas = recorded(name, **settings)
        cases.append({"name": name, "settings": settings, "recorded_from": source, "thetas": thetas})
    return cases


# --- schedules -------------------------------------------------------------------------------------------------------


def decay(name: str, settings: dict[str, Any], optimizer: torch.optim.Optimizer, last: int, per_epoch: int) -> Any:
    s = torch.optim.lr_scheduler
    match name:
        case "constant":
            return s.ConstantLR(optimizer, factor=1.0)
        case "linear":
            return s.LinearLR(optimizer, 1.0, settings.get("final", 0.0), total_iters=last)
        case "exponential":
            return s.ExponentialLR(optimizer, gamma=settings.get("final", 0.01) ** (1 / last))
        case "step":
            interval = round(settings.get("interval", 10) * per_epoch)
            return s.StepLR(optimizer, interval, gamma=settings.get("gamma", 0.5))
        case "cosine":
            return s.CosineAnnealingLR(optimizer, T_max=last, eta_min=settings.get("final", 0.0))


def factors(name: str, settings: dict[str, Any], epochs: int, steps: int) -> list[float]:
    per_epoch = steps if settings.get("by") == "step" else 1
    ticks, warm = epochs * per_epoch, round(settings.get("warmup", 0) * per_epoch)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    if warm:
        up = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / warm, 1.0, total_iters=warm - 1)
        down = decay(name, settings, optimizer, ticks - 1 - warm, per_epoch)
        scheduler: Any = torch.optim.lr_scheduler.SequentialLR(optimizer, [up, down], [warm])
    else:
        scheduler = decay(name, settings, optimizer, ticks - 1, per_epoch)
    recorded = []
    for _ in range(ticks):
        recorded.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return recorded


SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("constant", {}),
    *(("linear", {}), ("linear", {"final": 0.2})),
    *(("exponential", {}), ("exponential", {"final": 0.2})),
    *(("step", {"interval": 2.0}), ("step", {"interval": 3.0, "gamma": 0.1})),
    *(("cosine", {}), ("cosine", {"final": 0.2})),
]
SHARED: list[dict[str, Any]] = [{}, {"warmup": 3.0}, {"by": "step"}, {"by": "step", "warmup": 1.5}]


def schedule_cases() -> list[dict[str, Any]]:
    cases = []
    for (name, own), shared in itertools.product(SCHEDULES, SHARED):
        settings: dict[str, Any] = own | shared
        times = {"epochs": 6 if settings.get("by") == "step" else 12, "steps": 4}
        cases.append({"name": name, "settings": settings, **times, "factors": factors(name, settings, **times)})
    return cases


if __name__ == "__main__":
    references = {
        "versions": {"torch": torch.__version__, "optax": optax.__version__},
        "problem": PROBLEM,
        "optimizers": optimizer_cases(),
        "schedules": schedule_cases(),
    }
    # The innermost lists and objects are on one line each.
    text = re.sub(
        r"[\[{][^][{}]*[]}]", lambda inner: json.dumps(json.loads(inner[0])), json.dumps(references, indent=2)
    )
    Path(__file__).with_name("references.json").write_text(text + "\n")
