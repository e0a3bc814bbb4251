"""Compares finished runs: what differs, their curves, their metrics, and where only one of them is right.

A RUN is a run folder, a fingerprint, an MLflow run id, or a unique prefix of either. The first one is compared with
each of the others: McNemar's exact test and Newcombe's interval on the same test examples, whatever their scaling.
"""

import shlex

from src.cli.command import Arguments, run_command
from src.foundation.errors import UserError

_MOST = 8  # runs that one table and one figure have room for
_EPILOG = """\
examples:
  python -m src.runs                           lists the runs with their fingerprints
  python -m src.compare 2f9c41 aff08d          two runs, by prefixes of their ids
  python -m src.compare 2f9c41 aff08d 68543 --json    three, as JSON

The last line of output is the path of a page, which needs no network.

exit codes: 0 done; 2 the input is wrong
"""


def main() -> None:
    """The command."""
    parser = Arguments("compare", __doc__, _EPILOG)
    parser.add_argument("runs", nargs="*", metavar="RUN", help="see above")
    parser.add_argument("--json", action="store_true", help="print everything as JSON, and write no page")
    arguments = parser.parse_args()
    if len(arguments.runs) < 2:
        raise UserError("give two or more runs: python -m src.compare RUN RUN; `python -m src.runs` lists them")
    if len(arguments.runs) > _MOST:
        raise UserError(f"{len(arguments.runs)} runs: at most {_MOST}; `python -m src.ablation` compares many")
    from src.analysis.run_comparison import compare
    from src.replays.originals import finished_run

    comparison = compare([finished_run(name) for name in arguments.runs])
    if arguments.json:
        from src.foundation.files import json_text

        print(json_text(comparison.plain()), end="")
        return
    from src.reporting.run_comparison_page import text, write_page

    print(text(comparison), "", sep="\n")
    print(write_page(comparison, shlex.join(["python", "-m", "src.compare", *arguments.runs])))


if __name__ == "__main__":
    run_command(main)
