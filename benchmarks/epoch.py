"""Times an epoch of training against its matrix products alone and against other libraries.

Contestants take turns, an epoch each a round, so that a machine that is busy for a while is so for all of them. Times
and ratios are medians over rounds, and a ratio is that of two neighbours in a round.
"""

import argparse
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contestants import CONTESTANTS, Epoch, LeftOut
from benchmarks.networks import NETWORKS, config_of, describe, machine
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
    epochs: dict[str, Epoch] = {}
    left_out: dict[str, str] = {}
    for contestant, prepared in CONTESTANTS.items():
        try:
            epochs[contestant] = prepared(config, dataset)
        except LeftOut as error:
            left_out[contestant] = str(error)

    seconds: dict[str, list[float]] = {contestant: [] for contestant in epochs}
    with held(config.train.threads):
        for epoch in epochs.values():
            epoch()  # a first epoch reads files and allocates: untimed
        for _ in range(rounds):
            for contestant, epoch in epochs.items():
                seconds[contestant].append(epoch())

    ratios = {contestant: _ratios(seconds, contestant) for contestant in seconds}
    header = ["", "seconds", "fastest", "x products", "x ours"]
    rows = [
        [contestant, f"{median(times):.4f}", f"{min(times):.4f}", *(f"{r:.2f}" for r in ratios[contestant].values())]
        for contestant, times in seconds.items()
    ]
    print(plain_table(header, rows))
    for contestant, reason in left_out.items():
        print(f"left out: {contestant}: {reason}")
    return {"seconds": seconds, "ratios": ratios, "left_out": left_out}


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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every time to FILE as well")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"--rounds {arguments.rounds}: must be >= 1")

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
