"""The stage `normalize`. Fits the scaling on the training set and scales all sets: data/normalized/<recipe>/."""

from src.cli.stage import run_stage
from src.data.recipes import make

if __name__ == "__main__":
    run_stage(
        "normalize",
        "Fits the scaling on the training set and scales all sets: data/normalized/<recipe>/.",
        lambda config: make(config.data, "normalize"),
    )
