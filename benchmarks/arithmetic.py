"""Times an epoch with portable arithmetic against native float32 and native float64, in processor time.

They take turns, an epoch each a round; a ratio is the median of the rounds' ratios.
"""

import argparse
from statistics import median

from benchmarks.contestants import ours
from benchmarks.machine import machine
from src.cli.command import run_command
from src.config.composition import compose
from src.data.recipes import prepare
from src.reporting.tables import plain_table
from src.training.processor import held

KINDS = {
    "portable": (),
    "native float32": ("train=native",),
    "native float64": ("train=native", "train.dtype=float64"),
}
_TANH = ["model.act=tanh", "model.init=glorot", "optimizer=momentum", "optimizer.lr=0.05", "train.batch_size=64"]
NETWORKS = {
    "default: 784-512-10, Adam": [],
    "the ladder's last step: 784-89-10, ReLU": [
        *("model.hidden=[89]", "model.init=glorot", "optimizer=momentum", "optimizer.lr=0.05"),
        *("schedule=exponential", "model.dropout=0.2", "train.batch_size=60"),
    ],
    "784-89-10, tanh and L2": [*_TANH, "model.hidden=[89]", "optimizer.l2=0.0001", "model.dropout=0.0"],
}


def measure(name: str, rounds: int, threads: int) -> None:
    """Prints the table of one network."""
    shared = ["data=mnist", "tracking=off", f"train.threads={threads}", f"train.epochs={rounds + 1}", *NETWORKS[name]]
    configs = {kind: compose([*shared, *overrides]) for kind, overrides in KINDS.items()}
    epochs = {kind: ours(config, prepare(config.data)).epoch for kind, config in configs.items()}
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number in range(rounds + 1):
        for kind, config in configs.items():
            with held(threads, config.train.portable):
                took = epochs[kind]()
            if number:  # the first reads files and allocates
                seconds[kind].append(took)
    rows = [
        [kind, f"{median(times):.3f}", f"{median(t / p for t, p in zip(seconds['portable'], times, strict=True)):.2f}"]
        for kind, times in seconds.items()
    ]
    print(f"\n{name}, {threads} thread(s)\n{plain_table(['', 'seconds', 'portable is x'], rows)}", flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.arithmetic", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="default: 7")
    parser.add_argument("--threads", type=int, default=1, help="of BLAS; default: 1")
    arguments = parser.parse_args()
    if min(arguments.rounds, arguments.threads) < 1:
        parser.error("--rounds and --threads: must be >= 1")
    print(", ".join(f"{key} {value}" for key, value in machine().items()))
    for name in NETWORKS:
        measure(name, arguments.rounds, arguments.threads)


if __name__ == "__main__":
    run_command(main)
