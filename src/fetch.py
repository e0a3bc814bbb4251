"""The stage `fetch`. Fetches the recipe's raw files into data/raw/<source>/, verified."""

from src.cli.stage import run_stage
from src.data import recipes

if __name__ == "__main__":
    run_stage(
        "fetch",
        "Fetches the recipe's raw files into data/raw/<source>/, verified.",
        lambda config: recipes.fetch(config.data),
    )
