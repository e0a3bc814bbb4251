"""Brings MLflow level with the run folders: `python -m src.sync`.

Every command that trains does so for its own runs. What is left, because the store was away or the command was killed,
is done here, or at the start of the next command.
"""

import argparse

from src.cli.arguments import Arguments
from src.cli.command import run_command
from src.foundation.errors import RunFailed

_TEACHES = """\
The run folders under runs/ are the truth about runs, and MLflow is a record of them. What is to be recorded is noted
in runs/.records/ first; this command records what MLflow lacks: each metric once, with its own time. A run whose
process has died is closed as killed; the command that trains it goes on with it, in its folder and in MLflow.
It can be cut short and repeated. Records that a command is at work on are left to it.

  python -m src.sync          what is lacking, as far as is known here
  python -m src.sync --all    everything that was ever recorded from here: fills a store that was deleted

Exit codes: 0 MLflow is level; 1 a store is away, or a record can't be brought level.
"""


def tell(everything: bool) -> None:
    """Brings all records level that no living command works on; `RunFailed` if one could not be."""
    from src.recording.syncing import sync

    synced = sync(everything)
    for record in synced.brought:
        print(f"recorded: {record.name}, MLflow run {record.run_id}")
    for record in synced.left:
        print(f"still running: {record.name}, MLflow run {record.run_id}")
    if synced.failures:
        raise RunFailed("; ".join(synced.failures))
    print(f"MLflow is level; {len(synced.brought)} records were not" if synced.brought else "MLflow is level")


def main() -> None:
    """The command."""
    parser = Arguments(
        prog="python -m src.sync",
        description="Brings MLflow level with the run folders.",
        epilog=_TEACHES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--all", action="store_true", help="go over what is level as far as is known, too")
    tell(parser.parse_args().all)


if __name__ == "__main__":
    run_command(main)
