"""What it costs that nothing is lost: `python -m benchmarks.safety [--epochs 6] [--rounds 3]`.

The default network is trained in turns without any of it, with checkpoints, and with MLflow: in order, on a server that
refuses, and on one that never answers. Each training is a command of its own, in a copy of this tree.
Printed, as medians of the rounds' ratios to the training without any of it:

- the wall time of the training: from its first epoch to its results, checkpoints and evaluations included;
- the wall time of the whole command, which also imports MLflow, and waits for a store that makes no progress, but not
  for long.
"""

import argparse
import socket
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.trainings import copied, timed
from src.cli.command import run_command
from src.reporting.tables import plain_table


def main() -> None:
    """Trains in turns and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as silent:
        tree = copied(Path(folder) / "tree", [[]])
        port = silent.getsockname()[1]
        without = ("tracking=off", "train.checkpoint_seconds=null")
        sides = {
            "without any of it": without,
            "a checkpoint every 10 s": ("tracking=off",),
            "one after each epoch, too": ("tracking=off", "train.checkpoint_epochs=1"),
            "MLflow in a local database": (f"tracking.uri=sqlite:///{folder}/mlflow.db",),
            "MLflow's server refuses": ("tracking.uri=http://127.0.0.1:9",),
            "MLflow's server is silent": (f"tracking.uri=http://127.0.0.1:{port}",),
        }
        common = (f"train.epochs={given.epochs}", "tracking.figures=false", "train.fresh=true")
        timed(tree, *common, *sides["MLflow in a local database"])  # the store is made, files are in the page cache
        times: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
        for _ in range(given.rounds):
            for side, overrides in sides.items():
                times[side].append(timed(tree, *common, *overrides))
    rows = [
        [side, *(f"{part:.1f} s" for part in map(median, zip(*times[side], strict=True))), *_ratios(times, side)]
        for side in sides
    ]
    print(plain_table(["", "training", "command", "training, ratio", "command, ratio"], rows))


def _ratios(times: dict[str, list[tuple[float, float]]], side: str) -> list[str]:
    base = times["without any of it"]
    pairs = list(zip(times[side], base, strict=True))
    return [f"{median(mine[i] / theirs[i] for mine, theirs in pairs):.3f}" for i in (0, 1)]


if __name__ == "__main__":
    run_command(main)
