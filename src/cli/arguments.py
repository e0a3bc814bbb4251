"""Command lines that don't go through Hydra: their mistakes, too, are told in one line."""

import argparse
from typing import NoReturn

from src.foundation.errors import UserError


class Arguments(argparse.ArgumentParser):
    """A parser that raises `UserError` where argparse prints its usage over many lines; use it within `run_command`."""

    def error(self, message: str) -> NoReturn:
        """Tells what is wrong with the command line."""
        raise UserError(f"{message}; `{self.prog} --help` tells what is allowed")
