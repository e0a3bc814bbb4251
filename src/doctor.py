"""Lists what killed processes, full disks and flipped bits left in this checkout; `--fix` repairs what is safe."""

import sys

from src.cli.command import Arguments, run_command
from src.foundation.errors import RunFailed
from src.foundation.files import ROOT

_HELP = """\
Checks:
{checks}

A finished run is read again only if the size, time or inode of one of its files has changed since, or the code; `--all`
also finds what damages a file without changing these, such as a bad disk.

Repairs lose nothing. An interrupted run is closed; repeat its command to resume it. Removed files are made again by
`dvc repro` or the next command. A damaged database is moved aside. Active runs and stages are not touched. `make repro`
runs this command first.

Exit codes: 0 no problems, or all repaired; 1 problems remain.
"""


def examine(fix: bool, everything: bool = False) -> None:
    """Prints one line per problem; with `fix`, repairs it if that is safe. Raises `RunFailed` if problems remain.

    everything: also reads finished runs that have not changed since they were verified.
    """
    from src.health import checks
    from src.health.runs import forget, of_other_code

    if everything:
        forget(ROOT)
    mended = mendable = left = 0
    for finding in checks.examine(ROOT):
        where = finding.where.relative_to(ROOT)
        if fix and finding.mend:
            try:
                finding.mend()
                done, mended = f"mended: {finding.advice}", mended + 1
            except Exception as error:
                done, left = f"not mended ({type(error).__name__}: {' '.join(str(error).split())})", left + 1
        elif finding.mend:
            done, mendable = f"--fix: {finding.advice}", mendable + 1
        else:
            done, left = f"to do: {finding.advice}", left + 1
        print(f"{where}: {' '.join(finding.what.split())} -> {done}", flush=True)
    others, runs = of_other_code(ROOT)
    if others:  # for information: nothing is wrong with them
        print(
            f"runs: {others} of {runs} finished runs are of other code; they are kept and can be read, but not reused"
        )
    if mendable or left:
        counts = {"mended": mended, "for `python -m src.doctor --fix`": mendable, "for you": left}
        summary = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        total = mended + mendable + left
        raise RunFailed(f"{total} {'finding' if total == 1 else 'findings'}: {summary}")
    print(f"all is well: {mended} mended" if mended else "all is well")


def main() -> None:
    """The command."""
    parser = Arguments("doctor", __doc__)
    parser.add_argument("--fix", action="store_true", help="repair what is safe to repair")
    parser.add_argument("--all", action="store_true", help="also read finished runs that have not changed")
    if {"-h", "--help"} & set(sys.argv[1:]):
        from src.health.checks import CHECKS

        parser.epilog = _HELP.format(checks="\n".join(f"  {check.__doc__}" for check in CHECKS))
    given = parser.parse_args()
    examine(given.fix, given.all)


if __name__ == "__main__":
    run_command(main)
