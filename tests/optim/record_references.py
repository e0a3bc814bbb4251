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

import json
from collections.abc import Callable
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


def by_torch(make: Callable[[list[dict[str, Any]]], torch.optim.Optimizer], decay: float = 0.0) -> list[list[float]]:
    start = torch.tensor(PROBLEM["theta"], dtype=torch.float64)
    W, b = start[:WEIGHTS].clone(), start[WEIGHTS:].clone()
    optimizer = make([{"params": [W], "weight_decay": decay}, {"params": [b], "weight_decay": 0.0}])
    thetas = []
    for step, rate in enumerate(PROBLEM["rates"]):
        g = torch.from_numpy(gradient(torch.cat([W, b]).numpy(), step))
        W.grad, b.grad = g[:WEIGHTS].clone(), g[WEIGHTS:].clone()
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        thetas.append(torch.cat([W, b]).tolist())
    return thetas


def by_optax(make: Callable[[optax.Schedule], optax.GradientTransformation]) -> list[list[float]]:
    rates = jax.numpy.array(PROBLEM["rates"])
    optimizer = make(lambda step: rates[step])
    theta = jax.numpy.array(PROBLEM["theta"])
    state = optimizer.init(theta)
    thetas = []
    for step in range(STEPS):
        g = jax.numpy.array(gradient(np.asarray(theta), step))
        updates, state = optimizer.update(g, state, theta)
        theta = optax.apply_updates(theta, updates)
        thetas.append(theta.tolist())
    return thetas


def l2(strength: float) -> optax.GradientTransformation:
    mask = (np.arange(SIZE) < WEIGHTS).astype(float)  # optax masks whole arrays only; theta is one
    return optax.stateless(lambda g, theta: g + strength * mask * theta)


def optimizer_cases() -> list[dict[str, Any]]:
    t = torch.optim

    def sgd(**settings: Any) -> Callable[..., torch.optim.Optimizer]:
        return lambda groups: t.SGD(groups, lr=1.0, **settings)

    def rmsprop(**settings: Any) -> Callable[..., torch.optim.Optimizer]:
        return lambda groups: t.RMSprop(groups, lr=1.0, **settings)

    def adam(**settings: Any) -> Callable[..., torch.optim.Optimizer]:
        return lambda groups: t.Adam(groups, lr=1.0, **settings)

    def adamw(**settings: Any) -> Callable[..., torch.optim.Optimizer]:
        return lambda groups: t.AdamW(groups, lr=1.0, **settings)

    nesterov = {"momentum": 0.8, "nesterov": True}
    clip, chain = optax.clip_by_global_norm, optax.chain
    recorded = [
        ("sgd", {}, "torch", by_torch(sgd())),
        ("sgd", {"l2": 0.3}, "torch", by_torch(sgd(), 0.3)),
        ("sgd", {"clip_norm": 0.7}, "optax", by_optax(lambda rate: chain(clip(0.7), optax.sgd(rate)))),
        ("momentum", {}, "torch", by_torch(sgd(momentum=0.9))),
        ("momentum", {"momentum": 0.5, "l2": 0.1}, "torch", by_torch(sgd(momentum=0.5), 0.1)),
        (
            "momentum",
            {"momentum": 0.7, "l2": 0.2, "clip_norm": 0.7},
            "optax",
            by_optax(lambda rate: chain(l2(0.2), clip(0.7), optax.sgd(rate, momentum=0.7))),
        ),
        ("nesterov", {}, "torch", by_torch(sgd(momentum=0.9, nesterov=True))),
        ("nesterov", {"momentum": 0.8, "l2": 0.3}, "torch", by_torch(sgd(**nesterov), 0.3)),
        ("rmsprop", {}, "torch", by_torch(rmsprop(alpha=0.99, eps=1e-8))),
        ("rmsprop", {"decay": 0.7, "eps": 0.01, "l2": 0.3}, "torch", by_torch(rmsprop(alpha=0.7, eps=0.01), 0.3)),
        ("adam", {}, "torch", by_torch(adam(betas=(0.9, 0.999), eps=1e-8))),
        (
            "adam",
            {"beta1": 0.6, "beta2": 0.8, "eps": 0.01, "l2": 0.3},
            "torch",
            by_torch(adam(betas=(0.6, 0.8), eps=0.01), 0.3),
        ),
        (
            "adam",
            {"clip_norm": 0.7},
            "optax",
            by_optax(lambda rate: chain(clip(0.7), optax.adam(rate, b1=0.9, b2=0.999, eps=1e-8))),
        ),
        ("adamw", {}, "torch", by_torch(adamw(betas=(0.9, 0.999), eps=1e-8), 0.01)),
        (
            "adamw",
            {"beta1": 0.6, "beta2": 0.8, "eps": 0.01, "weight_decay": 0.5},
            "torch",
            by_torch(adamw(betas=(0.6, 0.8), eps=0.01), 0.5),
        ),
    ]
    return [{"name": n, "settings": s, "recorded_from": source, "thetas": x} for n, s, source, x in recorded]


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


def schedule_cases() -> list[dict[str, Any]]:
    own: dict[str, list[dict[str, Any]]] = {
        "constant": [{}],
        "linear": [{}, {"final": 0.2}],
        "exponential": [{}, {"final": 0.2}],
        "step": [{"interval": 2.0}, {"interval": 3.0, "gamma": 0.1}],
        "cosine": [{}, {"final": 0.2}],
    }
    cases = []
    for name, variants in own.items():
        for settings in variants:
            for shared in ({}, {"warmup": 3.0}, {"by": "step"}, {"by": "step", "warmup": 1.5}):
                given, steps = settings | shared, 4
                epochs = 6 if given.get("by") == "step" else 12
                cases.append(
                    {
                        "name": name,
                        "settings": given,
                        "epochs": epochs,
                        "steps": steps,
                        "factors": factors(name, given, epochs, steps),
                    }
                )
    return cases


def one_line_a_sequence(value: Any, depth: int = 0) -> str:
    """JSON whose innermost lists and dicts stand on one line each."""
    flat = json.dumps(value)
    if not isinstance(value, list | dict) or len(flat) <= 160 or (isinstance(value, list) and "[" not in flat[1:]):
        return flat
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict):
        body = [f"{json.dumps(key)}: {one_line_a_sequence(entry, depth + 1)}" for key, entry in value.items()]
    else:
        body = [one_line_a_sequence(entry, depth + 1) for entry in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    return f"{start}\n{inner}" + f",\n{inner}".join(body) + f"\n{outer}{end}"


if __name__ == "__main__":
    references = {
        "versions": {"torch": torch.__version__, "optax": optax.__version__},
        "problem": PROBLEM,
        "optimizers": optimizer_cases(),
        "schedules": schedule_cases(),
    }
    Path(__file__).with_name("references.json").write_text(one_line_a_sequence(references) + "\n")
