"""Records in MLflow what is missing there: `python -m src.sync`.

Every command that trains records its own runs. What is missing, because the store was away or the command was killed,
is recorded by this one, or by the next command that records.
"""

import argparse

from src.cli.arguments import Arguments
from src.cli.command import run_command
from src.foundation.errors import RunFailed

_TEACHES = """\
The run folders under runs/ have all data of the runs, and MLflow is a copy. What belongs in MLflow is first noted in
runs/.records/; this command records what MLflow lacks: each metric once, with its own time. A run whose process has
died is closed as killed; the command that trains it continues it, in its folder and in MLflow.
It can be interrupted and repeated. It leaves alone what a running command records.

  python -m src.sync          what is missing, as far as this machine knows
  python -m src.sync --all    everything that was ever recorded from here: fills a store that was deleted

Exit codes: 0 MLflow is up to date; 1 a store is away, or a run can't be recorded.
"""


def tell(everything: bool) -> None:
    """Records what no living command is recording; `RunFailed` if something could not be."""
    from src.recording.syncing import sync

    synced = sync(everything)
    for entry in synced.recorded:
        print(f"recorded: {entry.name}, MLflow run {entry.run_id}")
    for entry in synced.left:
        print(f"still running: {entry.name}, MLflow run {entry.run_id}")
    if synced.failures:
        raise RunFailed("; ".join(synced.failures))
    number = len(synced.recorded)
    print(f"MLflow is up to date ({number} run{'s'[: number != 1]} added)" if number else "MLflow is up to date")


def main() -> None:
    """The command."""
    parser = Arguments(
        prog="python -m src.sync",
        description="Records in MLflow what is missing there.",
        epilog=_TEACHES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--all", action="store_true", help="also what MLflow should have already")
    tell(parser.parse_args().all)


if __name__ == "__main__":
    run_command(main)
