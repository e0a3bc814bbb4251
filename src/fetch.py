"""The stage `fetch`. Fetches the raw files into data/raw/<source>/ and verifies them."""

from src.cli.stage import run_stage
from src.data import recipes

if __name__ == "__main__":
    run_stage(
        "fetch",
        "Fetches the raw files into data/raw/<source>/ and verifies them.",
        lambda config: recipes.fetch(config.data),
    )
