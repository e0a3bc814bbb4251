"""The stage `check`: stops the pipeline where params.yaml has a value that is not allowed, or is stale.

It depends on all of params.yaml, so it runs before anything that an edit of params.yaml reruns, while every out is
still in place: DVC deletes a stage's outs before it starts the stage.

A params.yaml is stale when it was composed from another conf/ than the one that is there, for DVC does not compose on
`dvc repro`. The snapshot carries the digest of the conf/ that it was composed from. The out of `check` is a constant,
so a snapshot composed again reruns this stage, and of the others those whose values have changed.
"""

from src.cli.stage import run_stage
from src.config.composition import choices
from src.config.tree import Config
from src.foundation.errors import RunFailed, UserError, suggestion
from src.foundation.files import ROOT, conf_digest, write_text

CHECKED = ROOT / "data" / "params.checked"


def check(config: Config) -> None:
    """Raises `RunFailed` for a stale snapshot, `UserError` for a study that does not exist."""
    if config.conf_digest != conf_digest():
        raise RunFailed("params.yaml is stale: conf/ has changed since; run `python -m src.compose`, then this again")
    for study in config.studies:
        if study not in choices("ablation"):
            raise UserError(f"studies=[{study}]: no such study; {suggestion(study, choices('ablation'))}")
    write_text(CHECKED, "params.yaml is composed from conf/\n")


if __name__ == "__main__":
    run_stage("check", "Checks params.yaml: its values, and the conf/ that it was composed from.", check)
