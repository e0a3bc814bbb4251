"""What the pipeline's stages share: their command line, and that one process at a time is at a stage.

`kill -9` of `dvc repro` leaves the stage that it started running, and another `dvc repro` starts it beside that one.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator

from src.cli.arguments import Arguments
from src.cli.command import run_command
from src.config.tree import Config
from src.foundation.errors import UserError
from src.foundation.files import ROOT, read_json, write_json
from src.foundation.locks import locked


def run_stage(name: str, description: str, act: Callable[[Config], None]) -> None:
    """Ends the process with the exit code of `act`, called with the configuration that the command line asks for."""
    parser = Arguments(
        prog=f"python -m src.{name}",
        description=description,
        epilog="Without overrides the stage works on params.yaml, as `dvc repro` has it do; with some, such as "
        "data=digits, on conf/ composed with them. `python -m src.train --help` lists groups and keys.",
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="what to change in conf/")

    def command() -> None:
        overrides = parser.parse_args().overrides
        from src.config.composition import load

        with alone(name):
            act(load(overrides))

    run_command(command)


@contextlib.contextmanager
def alone(stage: str) -> Iterator[None]:
    """Holds the stage's lock: of two processes at one stage, the second waits, and says for whom.

    What the stage works on is to be read in here: one that has waited then works on what stands there now, and writes
    what the process before it, or the one that follows, writes.
    """
    locks = ROOT / "runs" / ".locks"  # not under data/: DVC clears the folders of its outs
    owner = locks / f"stage-{stage}.json"

    def named() -> str:
        about = {"pid": "unknown", "host": "an unknown host"}
        with contextlib.suppress(UserError):  # it is about to say who it is
            about |= read_json(owner)
        return f"process {about['pid']} on {about['host']}, which is at the stage {stage}: {owner.parent}"

    with locked(locks / f"stage-{stage}.lock", named):
        write_json(owner, {"pid": os.getpid(), "host": socket.gethostname()})
        if started_by_dvc := os.environ.get("DVC_STAGE"):
            from src.cli.dependencies import refuse_outdated

            refuse_outdated(started_by_dvc)
        yield
