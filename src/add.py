"""Adds data of your own: a CSV, TSV or Parquet file, an .npz file, four IDX files, or a folder of pictures.

Looks at all of it once and says what it found: kinds of columns, classes, missing values, repeated rows. Then writes a
recipe, conf/data/NAME.yaml, and an experiment, conf/experiment/NAME.yaml, for you to change.
"""

import argparse
import difflib
import re
import shlex
import sys
from pathlib import Path

from src.cli.command import Arguments, run_command
from src.foundation.errors import UserError

_EPILOG = """\
PATH is one of
  a table        CSV (with , ; tab or | between the cells), TSV or Parquet; its first line names the columns
  an .npz file   with x [n, features] or [n, height, width] and y [n]; x_test and y_test if it has a test set
  a folder       with four IDX files, as of Fashion-MNIST, gzipped or not
  a folder       with a folder of pictures for each class; they are made grey and of one size

examples:
  python -m src.add data mine wine.csv --label class                 a table
  python -m src.add data mine wine.csv --label class --leave-out id  without a column
  python -m src.add data mine clinic.csv --label ill --group patient --missing mean
  python -m src.add data mine train.csv --label class --test test.csv
  python -m src.add data pets pictures/ --size 32x32
  python -m src.add data mine --update                               the file has changed

exit codes: 0 done; 2 the data can't be used as they are; nothing is written
"""


def _size(text: str) -> tuple[int, int]:
    if (match := re.fullmatch(r"([1-9]\d{0,3})[x*,]([1-9]\d{0,3})", text)) is None:
        raise argparse.ArgumentTypeError(f"{text}: must be height x width in pixels, like 32x32")
    return int(match[1]), int(match[2])


def main() -> None:
    """The command."""
    parser = Arguments("add", __doc__, _EPILOG)
    parser.add_argument("what", choices=["data"], help="data")
    parser.add_argument("name", metavar="NAME", help="of the recipe: data=NAME")
    parser.add_argument("path", metavar="PATH", type=Path, nargs="?", help="see below")
    parser.add_argument("--label", metavar="COLUMN", help="the column with the classes")
    parser.add_argument("--test", metavar="PATH", type=Path, help="a second file or folder: a test set of its own")
    parser.add_argument(
        "--group", metavar="COLUMN", help="rows with the same value stay in one set, such as a patient's"
    )
    parser.add_argument(
        "--missing", choices=["mean", "drop"], help="empty cells: fill in the mean, or leave the row out"
    )
    parser.add_argument("--decimal", choices=[".", ","], help="the decimal mark (default: .)")
    parser.add_argument("--category", metavar="COLUMN", nargs="+", action="extend", help="numbers that are names")
    parser.add_argument("--leave-out", metavar="COLUMN", nargs="+", action="extend", help="columns that are not used")
    parser.add_argument(
        "--size", metavar="HEIGHTxWIDTH", type=_size, help="of pictures (default: theirs, up to 64; else 32)"
    )
    parser.add_argument("--update", action="store_true", help="take data that have changed; all options as before")
    what, *more = sys.argv[1:] or [""]
    if more and not what.startswith("-") and what != "data":
        name = ["NAME", what] if Path(what).exists() else [what]
        words = shlex.join([*([] if difflib.get_close_matches(what, ["data"]) else name), *more])
        raise UserError(f"{what}: did you mean `python -m src.add data {words}`?")
    given = vars(parser.parse_args())
    del given["what"]
    from src.adding.command import add

    print("\n".join(add(**given, command=f"python -m src.add {shlex.join(sys.argv[1:])}")))


if __name__ == "__main__":
    run_command(main)
