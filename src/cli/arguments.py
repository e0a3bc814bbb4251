"""Parsing command lines that Hydra does not handle; errors are one line here, too."""

import argparse
from typing import NoReturn

from src.foundation.errors import UserError


class Arguments(argparse.ArgumentParser):
    """A parser that raises `UserError` instead of printing argparse's usage. Use it inside `run_command`."""

    def error(self, message: str) -> NoReturn:
        """Raises `UserError` with argparse's message."""
        raise UserError(f"{message}; `{self.prog} --help` lists what is allowed")
