"""Lists the runs of this repository: `python -m src.runs`.

Everything is read from the run folders in runs/, so the table is right whatever MLflow has. Newest runs come first.
"""

import csv
import json
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.cli.command import Arguments, run_command
from src.foundation.errors import UserError, suggestion

if TYPE_CHECKING:
    from src.runs.summary import Row

_EPILOG = """\
A condition compares columns with numbers and "texts", and joins comparisons with and, or, not. A run that lacks a
column meets no comparison with it. Columns are the keys of a configuration, metrics of the kept weights (fractions),
times (UTC), and more: --columns '?' lists them. differs says what is not as conf/ has it.

examples:
  python -m src.runs
  python -m src.runs --where 'model.act == "relu" and test/accuracy > 0.98'
  python -m src.runs --where 'data in ["mnist", "digits"] and status != "finished"'
  python -m src.runs --where '"ladder" in studies' --sort valid/accuracy
  python -m src.runs --sort valid/accuracy --columns id,differs,valid/accuracy,optimizer.lr
  python -m src.runs --sort=-seconds                          the slowest first; metrics are sorted best first
  python -m src.runs --where 'ended >= "2026-11-20"' --csv > runs.csv

commands, each with --help:
  python -m src.runs tag RUN TAG... adds tags to a run
  python -m src.runs note RUN TEXT  writes a note on a run
  python -m src.runs rm RUN...      deletes runs, with their MLflow runs
  python -m src.runs prune ...      deletes old runs, and keeps the best
  python -m src.runs adopt FOLDER   takes runs from another machine
  python -m src.runs du             prints what takes space on the disk

In Python, `from src.runs.frame import runs_frame` gives a pandas DataFrame.

exit codes: 0 done; 2 the input is wrong
"""


def _columns(given: Sequence[str] | None, known: Sequence[str], default: Sequence[str]) -> Sequence[str]:
    from src.runs.where import column

    if given is None:
        return default
    names = [name.strip() for name in ",".join(given).split(",") if name.strip()]
    if not names:
        raise UserError("--columns: give names of columns, like id,differs,test/accuracy")
    return [column(name, known, "--columns") for name in dict.fromkeys(names)]


def _print(rows: "Sequence[Row]", columns: Sequence[str], form: str) -> None:
    from src.reporting.run_table import run_table

    if form == "json":  # a run a line: indented, ten thousand would take seconds
        lines = [json.dumps({name: row.get(name) for name in columns}, allow_nan=False) for row in rows]
        print("[" + ",\n ".join(lines) + "]")
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_plain(row.get(name)) for name in columns] for row in rows)
    else:
        print(run_table(rows, columns, shutil.get_terminal_size((120, 0)).columns))


def _plain(value: object) -> object:
    return json.dumps(value) if isinstance(value, list | bool) else value  # CSV has no lists


def listing(words: Sequence[str]) -> None:
    """Prints the runs that the options ask for."""
    parser = Arguments("runs", __doc__, _EPILOG)
    parser.add_argument("--where", metavar="CONDITION", help="only runs that meet it, such as 'test/accuracy > 0.98'")
    parser.add_argument(
        "--sort", metavar="COLUMN", help="metrics best first, all else ascending; --sort=-COLUMN: reversed"
    )
    parser.add_argument(
        "--columns", metavar="NAMES", nargs="+", help="columns, separated by commas; '?': lists their names"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_const", dest="form", const="json", default="table", help="print JSON")
    form.add_argument("--csv", action="store_const", dest="form", const="csv", help="print CSV")
    given = parser.parse_args(words)

    from src.reporting.run_table import ordered
    from src.runs.listing import COLUMNS, columns, meeting, rows
    from src.runs.where import column

    found = rows()
    if not found and given.form == "table":
        print("no runs yet; `python -m src.train` makes one")
        return
    known = columns(found)
    if given.columns == ["?"]:
        print("\n".join(sorted(known)))
        return
    shown = _columns(given.columns, known, COLUMNS if given.form == "table" else known)
    found = meeting(found, given.where)
    if given.sort is not None:
        name = given.sort.removeprefix("-")
        found = ordered(found, column(name, known, "--sort"), backwards=given.sort.startswith("-"))
    if not found and given.form == "table":
        print("no such run")
        return
    _print(found, shown, given.form)


def main() -> None:
    """The command."""
    words = sys.argv[1:]
    if words and not words[0].startswith("-"):
        from src.upkeep.commands import COMMANDS

        if words[0] not in COMMANDS:
            without = "without one, `python -m src.runs` lists the runs, `python -m src.show RUN` shows one"
            raise UserError(f"{words[0]}: no such command; {suggestion(words[0], COMMANDS)}; {without}")
        COMMANDS[words[0]](words[1:])
    else:
        listing(words)


if __name__ == "__main__":
    run_command(main)
