"""Times an epoch of training against its matrix products alone and against other libraries.

Contestants take turns, one epoch each per round, so a machine that is busy for a while is busy for all of them. Times
are processor times on one core. Times and ratios are medians over rounds; a ratio is that of two times of one round.
"""

import argparse
import sys
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.contestants import CONTESTANTS
from benchmarks.machine import machine, start_without_avx512
from benchmarks.networks import NETWORKS, config_of, describe
from benchmarks.timing import Contestant, LeftOut, on_one_core
from src.cli.command import run_command
from src.data.recipes import prepare
from src.foundation.files import write_json
from src.reporting.tables import plain_table
from src.training.processor import held


def measure(name: str, rounds: int) -> dict[str, Any]:
    """Prints the table of one network, and returns what it was made from."""
    config = config_of(name, f"train.epochs={rounds + 1}")
    dataset = prepare(config.data)
    print(f"\n{describe(name, config)}; {len(dataset.train.y)} images an epoch, {rounds} rounds")
    prepared: dict[str, Contestant] = {}
    left_out: dict[str, str] = {}
    for contestant, prepare_it in CONTESTANTS.items():
        try:
            prepared[contestant] = prepare_it(config, dataset)
        except LeftOut as error:
            left_out[contestant] = str(error)

    seconds: dict[str, list[float]] = {contestant: [] for contestant in prepared}
    with held(config.train.threads):
        for each in prepared.values():
            each.epoch()  # a first epoch reads files, allocates and compiles: untimed
        for _ in range(rounds):
            for contestant, each in prepared.items():
                seconds[contestant].append(each.epoch())
        x, y = dataset.valid.x, dataset.valid.y
        accuracy = {name: float(np.mean(each.predict(x) == y)) for name, each in prepared.items() if each.predict}

    ratios = {contestant: _ratios(seconds, contestant) for contestant in seconds}
    header = ["", "seconds", "fastest", "x products", "x ours", "accuracy"]
    rows = [
        [
            *(contestant, f"{median(times):.4f}", f"{min(times):.4f}"),
            *(f"{ratio:.2f}" for ratio in ratios[contestant].values()),
            f"{accuracy[contestant]:.4f}" if contestant in accuracy else "",
        ]
        for contestant, times in seconds.items()
    ]
    print(plain_table(header, rows))
    for contestant, reason in left_out.items():
        print(f"left out: {contestant}: {reason}")
    return {"seconds": seconds, "ratios": ratios, "accuracy": accuracy, "left_out": left_out}


def _ratios(seconds: dict[str, list[float]], contestant: str) -> dict[str, float]:
    return {
        reference: median(t / r for t, r in zip(seconds[contestant], seconds[reference], strict=True))
        for reference in ("products alone", "ours")
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.epoch", description=__doc__.split("\n")[0])
    first, *_ = NETWORKS
    parser.add_argument("--network", choices=[*NETWORKS, "all"], default=first, help=f"default: {first}")
    parser.add_argument("--rounds", type=int, default=15, help="default: 15")
    parser.add_argument("--avx2", action="store_true", help="leave out AVX-512, on a processor that has it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every time to FILE as well")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"--rounds {arguments.rounds}: must be >= 1")

    if arguments.avx2:
        start_without_avx512()
    on_one_core()
    about = machine()
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    names = list(NETWORKS) if arguments.network == "all" else [arguments.network]
    measured = {name: measure(name, arguments.rounds) for name in names}
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        write_json(arguments.json, {"machine": about, "networks": measured})
        print(f"\nwritten to {arguments.json}", file=sys.stderr)


if __name__ == "__main__":
    run_command(main)
