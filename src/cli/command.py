"""How a command starts and ends: standard streams, signals, and the exit code.

0 done; 1 a run or a verification failed; 2 the user's input is wrong, or the machine has a problem (a full disk, a
missing permission); 130 interrupted. Each error is one line on stderr. Only a bug prints a traceback.
"""

import argparse
import atexit
import gc
import io
import os
import re
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from src.foundation.errors import RunFailed, UserError, is_machine_error, machine_error, suggestion

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
TOO_NEW = (3, 14)  # versions of Python, as in pyproject.toml


class Arguments(argparse.ArgumentParser):
    """The options of `python -m src.<command>`, where Hydra does not parse them. Use it inside `run_command`.

    The texts are printed as they are, line by line.
    """

    def __init__(self, command: str, description: str | None, epilog: str = "") -> None:
        as_is = argparse.RawDescriptionHelpFormatter
        # An abbreviation would choose an option that is not meant: `prune --keep 3`, --keep-best.
        super().__init__(
            f"python -m src.{command}",
            description=description,
            epilog=epilog,
            formatter_class=as_is,
            allow_abbrev=False,
        )

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but a value may begin with `-`, as in `--sort -seconds`, if it is no option.

        An option with a value that is given twice is a `UserError`: the last one would win.
        """
        seen: set[argparse.Action] = set()
        words: list[str] = []
        for word in sys.argv[1:] if args is None else args:
            action = self._option_string_actions.get(option := word.partition("=")[0])
            before = self._option_string_actions.get(words[-1]) if words else None
            if action is None and re.match("-(?!-$)", word) and before is not None and before.nargs is None:
                words[-1] += f"={word}"
                continue
            if action in seen and action.nargs != 0 and not isinstance(action, argparse._AppendAction):
                raise UserError(f"{option}: given twice; give it once")
            seen |= {action} if action else set()
            words.append(word)
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """Raises `UserError` with what an unknown option should be, else with argparse's message, without the usage."""
        known = self._option_string_actions
        takes_overrides = any(action.dest == "overrides" for action in self._actions)
        for at, word in enumerate(sys.argv):
            option, _, _ = word.partition("=")
            if not at or not word.startswith("-") or {word, option} & known.keys():
                continue
            if takes_overrides:
                from src.config.slips import cure

                if meant := cure(sys.argv, at):
                    raise UserError(f"{word}: {meant}")
            if option.startswith("--") and option != "--":
                options = (name for name in known if name.startswith("--"))
                raise UserError(f"{option}: no such option of `{self.prog}`; {suggestion(option, options)}")
        raise UserError(f"{message}; `{self.prog} --help` lists what is allowed")


def run_command(main: Callable[[], None]) -> NoReturn:
    """Runs a command and exits. `UserError`, `RunFailed` and a full disk are reported in one line on stderr."""
    if sys.platform == "win32":
        _print_error("this needs Linux or macOS; on Windows use WSL (`wsl --install`), and clone the repository in it")
        sys.exit(WRONG_INPUT)
    if sys.version_info >= TOO_NEW:  # argparse checks help texts as it gets them, and Hydra 1.3 has one that is no text
        python = ".".join(map(str, sys.version_info[:2]))
        _print_error(f"this is Python {python}; 3.11, 3.12 or 3.13 is needed, as in: make repro PYTHON=python3.13")
        sys.exit(WRONG_INPUT)
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # what the locale's encoding lacks is printed as ?
    # At exit Python would search all objects of matplotlib and others for cycles, which takes 0.2 s.
    atexit.register(gc.freeze)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) is not signal.SIG_IGN:  # as under nohup
            signal.signal(ending, _interrupt)
    try:
        main()
    except UserError as error:
        _print_error(str(error))
        sys.exit(WRONG_INPUT)
    except RunFailed as error:
        _print_error(str(error))
        sys.exit(FAILED)
    except KeyboardInterrupt:
        _print_error("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader has closed the pipe, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if not is_machine_error(error):
            raise
        _print_error(machine_error(error))
        sys.exit(WRONG_INPUT)
    sys.exit(DONE)


def _open_closed_streams() -> None:
    """Opens closed standard streams (`>&-`) on /dev/null; otherwise a file opened later would get their number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest free number: this one
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", closefd=False))


def _print_error(message: str) -> None:
    print("error: " + " ".join(message.split()), file=sys.stderr)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    # `kill` and closing the terminal end a run like Ctrl-C: its status is KILLED and no file is half-written.
    raise KeyboardInterrupt
