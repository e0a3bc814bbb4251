"""The stage `check`: stops the pipeline when params.yaml is invalid or stale.

DVC deletes a stage's outs before it starts the stage. This stage depends on all of params.yaml, so it runs first after
any edit and rejects a typo while every out is still in place.

params.yaml is stale when conf/ has changed since it was composed: `dvc repro` does not compose. It holds the digest of
its conf/, which this stage compares. The out of this stage is constant, so composing again reruns only this stage and
those whose values have changed.
"""

import sys

from src.cli.stage import run_stage
from src.config.composition import check_studies
from src.config.tree import Config
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import ROOT, conf_digest, home, write_text

CHECKED = ROOT / "data" / "params.checked"


def check(config: Config) -> None:
    """Raises `RunFailed` for a stale snapshot, `UserError` for what can't be in the pipeline."""
    if braces := {"{", "}"} & set(str(ROOT)):  # in its progress bar
        raise UserError(f"{ROOT}: DVC can't work in a folder with {min(braces)} in its path; rename it")
    if config.conf_digest != conf_digest():
        if home() != ROOT:  # DVC's copy of the repository, for a queued experiment
            raise RunFailed(
                "params.yaml is composed from files of conf/ that Git does not know; DVC's copy for a queued run "
                "lacks them: run `git add -N conf`, then queue it again"
            )
        raise RunFailed(
            "params.yaml is stale: conf/ has changed since; run `python -m src.compose`, with the overrides that it "
            "had, then try again"
        )
    if config.train.start_from is not None:
        raise UserError(
            f"train.start_from={config.train.start_from}: not in the pipeline, where DVC would not see it change; "
            "allowed: null. `python -m src.train` goes on with a trained network"
        )
    check_studies(config.studies)
    from src.health.pipeline import other_environment  # late: what is refused is refused at once

    for found in other_environment(ROOT):
        print(f"warning: {found.where.name}: {found.what}; {found.advice}", file=sys.stderr)
    write_text(CHECKED, "params.yaml is composed from conf/\n")


if __name__ == "__main__":
    run_stage("check", "Checks that params.yaml is valid and composed from the current conf/.", check, data_alone=False)
