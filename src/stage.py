"""What the pipeline's stages share: their command line."""

import argparse
from collections.abc import Callable

from src.config import Config
from src.errors import run_command


def run_stage(name: str, description: str, act: Callable[[Config], None]) -> None:
    """Ends the process with the exit code of `act`, called with the configuration that the command line asks for."""
    parser = argparse.ArgumentParser(
        prog=f"python -m src.{name}",
        description=description,
        epilog="Without overrides the stage works on params.yaml, as `dvc repro` has it do; with some, such as "
        "data=digits, on conf/ composed with them. `python -m src.train --help` lists groups and keys.",
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="what to change in conf/")
    overrides = parser.parse_args().overrides

    def command() -> None:
        from src.composition import load

        act(load(overrides))

    run_command(command)
