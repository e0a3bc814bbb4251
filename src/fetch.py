"""The stage `fetch`. Fetches the raw files into data/raw/<folder>/ and verifies them."""

from src.cli.stage import run_stage
from src.data.recipes import make

if __name__ == "__main__":
    run_stage(
        "fetch",
        "Fetches the raw files into data/raw/<folder>/ and verifies them.",
        lambda config: make(config.data, "fetch"),
    )
