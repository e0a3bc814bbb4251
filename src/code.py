"""The stage `code`: writes data/code/, for each other stage a digest of its code and of its files of conf/.

`dvc repro` runs it after any edit. Another stage runs only if its digest has changed, so after an edit of a comment or
a message, or with a new study, no other stage runs.
"""

from src.cli.command import Arguments, run_command
from src.cli.dependencies import write_digests
from src.cli.stage import alone


def main() -> None:
    """The command."""
    Arguments("code", __doc__).parse_args()
    with alone("code"):
        write_digests()


if __name__ == "__main__":
    run_command(main)
