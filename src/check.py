"""The stage `check`: stops the pipeline where params.yaml was composed from another conf/ than the one that is there.

DVC does not compose on `dvc repro`, so an edit under conf/ would go unnoticed. The snapshot carries the digest of the
conf/ that it was composed from; its out is a constant, so that a new digest alone reruns this stage and no other.
"""

from src.cli.stage import run_stage
from src.config.tree import Config
from src.foundation.errors import RunFailed
from src.foundation.files import ROOT, conf_digest, write_text

CHECKED = ROOT / "data" / "params.checked"


def check(config: Config) -> None:
    """Raises `RunFailed` for a stale snapshot."""
    if config.conf_digest != conf_digest():
        raise RunFailed("params.yaml is stale: conf/ has changed since; run `python -m src.compose`, then this again")
    write_text(CHECKED, "params.yaml is composed from conf/\n")


if __name__ == "__main__":
    run_stage("check", "Holds params.yaml against the conf/ that it was composed from.", check)
