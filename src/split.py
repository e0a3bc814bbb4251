"""The stage `split`. Cuts the examples into train, valid and test: data/split/<recipe>/."""

from src.cli.stage import run_stage
from src.data import recipes

if __name__ == "__main__":
    run_stage(
        "split",
        "Cuts the examples into train, valid and test: data/split/<recipe>/.",
        lambda config: recipes.split(config.data),
    )
