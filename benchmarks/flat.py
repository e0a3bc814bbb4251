"""Times every epoch of a training that converges, with subnormal numbers flushed to zero and without.

As a network converges, its gradients underflow into subnormal numbers, which many processors work on slowly; see
`src/training/processor.py`. Two trainings from the same seed take turns, an epoch each, one with flushing and one
without, and the matrix products of an epoch between them show what the machine itself was up to. A training is flat
where its last five epochs take as long, in epochs' products, as its second to sixth.
"""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.contestants import ours, products
from benchmarks.machine import machine
from benchmarks.networks import NETWORKS, config_of, describe
from benchmarks.timing import on_one_core
from src.cli.command import run_command
from src.data.recipes import prepare
from src.foundation.files import write_json
from src.reporting.tables import plain_table
from src.training.processor import flushes_to_zero, held


@contextlib.contextmanager
def _held_without_flushing(threads: int) -> Iterator[None]:
    with threadpool_limits(limits=threads, user_api="blas"), np.errstate(over="ignore", invalid="ignore"):
        yield


def rise(times: list[float]) -> float:
    """The median of the last five epochs over that of the second to the sixth."""
    return median(times[-5:]) / median(times[1:6])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flat", description=__doc__.split("\n")[0])
    parser.add_argument("--network", choices=NETWORKS, default="784-89-10", help="default: 784-89-10")
    parser.add_argument("--epochs", type=int, default=20, help="default: 20")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every time to FILE as well")
    arguments = parser.parse_args()
    if arguments.epochs < 11:
        parser.error(f"--epochs {arguments.epochs}: must be >= 11, for two spans of five after the first")

    on_one_core()
    about = machine()
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    config = config_of(arguments.network, f"train.epochs={arguments.epochs}")
    dataset = prepare(config.data)
    print(f"\n{describe(arguments.network, config)}; seconds of each epoch")
    if not flushes_to_zero():
        print("This machine cannot be told to flush to zero: both columns are without.")

    sides = {
        "flushed": (held, ours(config, dataset).epoch),
        "products alone": (held, products(config, dataset).epoch),
        "not flushed": (_held_without_flushing, ours(config, dataset).epoch),
    }
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(arguments.epochs):
        for side, (holding, epoch) in sides.items():
            with holding(config.train.threads):
                seconds[side].append(epoch())

    alone = seconds["products alone"]
    in_products = {side: [t / a for t, a in zip(times, alone, strict=True)] for side, times in seconds.items()}
    rows = [
        [str(number), *(f"{time:.4f}" for time in times)]
        for number, times in enumerate(zip(*seconds.values(), strict=True), start=1)
    ]
    rows.append(["last 5 / 2-6, seconds", *(f"{rise(times):.2f}" for times in seconds.values())])
    rows.append(["last 5 / 2-6, in products", *(f"{rise(times):.2f}" for times in in_products.values())])
    print(plain_table(["epoch", *sides], rows))
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        write_json(arguments.json, {"machine": about, "network": arguments.network, "seconds": seconds})


if __name__ == "__main__":
    run_command(main)
