"""How long the toy experiments take, start-up included: `python -m benchmarks.toys [--rounds 5]`.

A toy is an experiment that is trained on other data than MNIST. Each is a command of its own, in a copy of this tree,
in turns as it is, with its figures and with MLflow in a local database, and without MLflow, but with its figures.
Printed, as medians of the rounds: the whole command with MLflow [s], without it [s], the ratio of both; and how many
rounds took over 3 seconds, with MLflow and without.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.trainings import copied, timed
from src.cli.command import run_command
from src.config.composition import choices, compose
from src.reporting.tables import plain_table

_LIMIT = 3.0  # seconds
_WITHOUT = ("tracking=off", "tracking.figures=true")


def main() -> None:
    """Trains in turns and prints the seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    toys = [name for name in choices("experiment") if compose([f"experiment={name}"]).data.source != "mnist"]
    experiments = {name: [f"experiment={name}"] for name in toys}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in toys}
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder) / "tree", list(experiments.values()))
        timed(tree, *experiments[toys[0]])  # the store is made, files are in the page cache
        for _ in range(given.rounds):
            for name, overrides in experiments.items():
                with_mlflow, without = (
                    timed(tree, *overrides, "train.fresh=true", *more)[1] for more in ((), _WITHOUT)
                )
                seconds[name].append((with_mlflow, without))
    rows = []
    for name, pairs in seconds.items():
        ours, theirs = map(median, zip(*pairs, strict=True))
        ratio = median(with_mlflow / without for with_mlflow, without in pairs)
        over = [f"{sum(took > _LIMIT for took in column)} of {len(pairs)}" for column in zip(*pairs, strict=True)]
        rows.append([name, f"{ours:.2f}", f"{theirs:.2f}", f"{ratio:.2f}", *over])
    print(plain_table(["", "with MLflow", "without", "ratio", f"over {_LIMIT:g} s", "without"], rows))


if __name__ == "__main__":
    run_command(main)
