"""What the pipeline's stages share: their command line, and a lock that lets one process run a stage at a time.

`kill -9` of `dvc repro` leaves its stage running, and the next `dvc repro` would start the same stage a second time.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import fields

from src.cli.command import Arguments, run_command
from src.config.tree import Config
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import ROOT, read_json, write_json
from src.foundation.locks import locked

_EPILOG = """\
Without overrides the stage reads params.yaml, as under `dvc repro`. With overrides, such as data=digits, it composes
conf/. `python -m src.train --help` lists groups and keys.
"""

_NOT_DATA = {f.name for f in fields(Config)} - {"data"}
_WITHOUT_RESULTS = ("check", "code")  # stages whose outs nobody reads


def run_stage(name: str, description: str, act: Callable[[Config], None], data_alone: bool = True) -> None:
    """Calls `act` with the configuration of the command line, and ends the process with the exit code that follows.

    data_alone: all that it uses is `config.data`, so overrides of anything else are refused.
    """
    parser = Arguments(name, description, _EPILOG)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="changes to conf/")

    def command() -> None:
        overrides = parser.parse_args().overrides
        from src.config.composition import load

        for override in overrides if data_alone else ():
            if override.partition("=")[0].partition(".")[0] in _NOT_DATA:
                raise UserError(
                    f"{override}: has no effect here; the stage {name} uses data alone, such as data=digits"
                )
        with alone(name):
            act(load(overrides))

    run_command(command)


@contextlib.contextmanager
def alone(stage: str) -> Iterator[None]:
    """Holds the stage's lock. A second process waits, and prints which process it waits for.

    Read the stage's inputs inside the block: after the wait they may have changed. Raises `RunFailed` where the code
    has changed since the stage `code` ran. Under DVC an error says how to restore the outs: DVC has deleted them.
    """
    locks = ROOT / "runs" / ".locks"  # not under data/: DVC clears the folders of its outs
    owner = locks / f"stage-{stage}.json"

    def named() -> str:
        about = {"pid": "unknown", "host": "an unknown host"}
        with contextlib.suppress(UserError):  # it has the lock, and has not written the file yet
            about |= read_json(owner)
        return f"process {about['pid']} on {about['host']}, which runs the stage {stage}: {owner.parent}"

    with locked(locks / f"stage-{stage}.lock", named):
        write_json(owner, {"pid": os.getpid(), "host": socket.gethostname()})
        started_by_dvc = os.environ.get("DVC_STAGE")
        try:
            if started_by_dvc:
                from src.cli.dependencies import refuse_outdated

                refuse_outdated(started_by_dvc)
            yield
        except (UserError, RunFailed) as error:
            if not started_by_dvc or stage in _WITHOUT_RESULTS:
                raise
            raise type(error)(f"{error}; `dvc checkout` restores the former outs of this stage") from None
