"""The stage `normalize`. Scales the parts, as fitted on train, into data/normalized/<recipe>/."""

from src.cli.stage import run_stage
from src.data import recipes

if __name__ == "__main__":
    run_stage(
        "normalize",
        "Scales the parts, as fitted on train, into data/normalized/<recipe>/.",
        lambda config: recipes.normalize(config.data),
    )
