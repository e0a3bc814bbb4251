"""The stage `code`: digests of what computes, a file for each other stage: data/code/<stage>.json.

A comment, a message or a new study reruns this stage alone, since the digests do not change.
"""

from src.cli.arguments import Arguments
from src.cli.command import run_command
from src.cli.dependencies import write_digests
from src.cli.stage import alone


def main() -> None:
    """The command."""
    Arguments(
        prog="python -m src.code",
        description="Writes data/code/: for each stage, a digest of its code and of its files of conf/.",
        epilog="`dvc repro` runs it after any edit; another stage runs only if its digest has changed.",
    ).parse_args()
    with alone("code"):
        write_digests()


if __name__ == "__main__":
    run_command(main)
