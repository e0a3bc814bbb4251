"""The stage `split`. Splits the examples into training, validation and test set: data/split/<recipe>/."""

from src.cli.stage import run_stage
from src.data.recipes import make

if __name__ == "__main__":
    run_stage(
        "split",
        "Splits the examples into training, validation and test set: data/split/<recipe>/.",
        lambda config: make(config.data, "split"),
    )
