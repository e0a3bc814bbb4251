"""Records in MLflow what is missing there: `python -m src.sync`.

Every command that trains records its own runs. If the store was unreachable or the command was killed, this command, or
the next one that records, adds what is missing.
"""

from src.cli.command import Arguments, run_command
from src.foundation.errors import RunFailed

_TEACHES = """\
MLflow is a copy: the run folders under runs/ have all the data. A command first notes in runs/.records/ what belongs in
MLflow; this one then records what MLflow lacks, each metric once and with its own time. A run whose process has died is
closed as killed; to continue it, repeat the command that trained it.
You can interrupt and repeat it. It does not touch what a running command is recording.

  python -m src.sync              records what is missing, as far as this machine knows
  python -m src.sync --all        records everything again, for example after the store was deleted
  python -m src.sync --to URI     also records all that this machine knows in another store, such as http://host:5000
  python -m src.sync --forget     forgets what can't be recorded, such as for a server that is gone
  python -m src.sync --all --forget    forgets also what a store has that can't be opened any more

Exit codes: 0 MLflow is up to date, or the rest is forgotten; 1 a store is unreachable, or a run can't be recorded.
"""


def record_missing(everything: bool = False, to: str | None = None, forgetting: bool = False) -> None:
    """Records what no living command is recording; `RunFailed` if something could not be, unless it is forgotten."""
    from src.recording.outbox_mirror import forget, sync

    synced = sync(everything, to)
    for entry in synced.recorded:
        print(f"recorded: {entry.name}, MLflow run {entry.run_id}")
    for entry in synced.left:
        print(f"still running: {entry.name}, MLflow run {entry.run_id}")
    for entry in forget(synced.gone if everything else ()) if forgetting else ():
        print(f"forgotten: {entry.name}, for {entry.uri or 'the store of this repository'}; its run folder stays")
    if synced.failures and not forgetting:
        raise RunFailed("; ".join(synced.failures))
    number = len(synced.recorded)
    print(f"MLflow is up to date ({number} run{'s'[: number != 1]} added)" if number else "MLflow is up to date")


def main() -> None:
    """The command."""
    parser = Arguments("sync", "Records in MLflow what is missing there.", _TEACHES)
    parser.add_argument("--all", action="store_true", help="also check runs that MLflow should already have")
    parser.add_argument("--to", metavar="URI", help="a store that gets all that this machine has recorded elsewhere")
    parser.add_argument("--forget", action="store_true", help="forget what can't be recorded")
    given = parser.parse_args()
    record_missing(given.all, given.to, given.forget)


if __name__ == "__main__":
    run_command(main)
