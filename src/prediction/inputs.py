"""From what somebody gives on a command line to examples: typed values, tables, arrays and pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from src.foundation.errors import UserError
from src.prediction.given import Given, require_file
from src.prediction.wanted import Wanted


def examples(arguments: Sequence[str], wanted: Wanted) -> Given:
    """All examples, checked: those in files in the order of the files, after the one that is typed, if there is one.

    Raises:
        UserError: a file can't be read, or something is not what the model takes.
    """
    values = [argument for argument in arguments if is_value(argument)]
    files = [argument for argument in arguments if not is_value(argument)]
    parts: list[Given] = []
    if values:
        from src.prediction.typed import typed

        parts.append(typed(values, wanted))
    parts += [_in_file(Path(file), wanted) for file in files]
    checked = [wanted.checked(part) for part in parts]
    return Given([name for part in checked for name in part.names], np.concatenate([part.x for part in checked]))


def is_value(argument: str) -> bool:
    """Whether it is a feature's value, `X1=0.1`, and not a file."""
    return "=" in argument and not Path(argument).exists()


def _in_file(path: Path, wanted: Wanted) -> Given:
    match path.suffix.lower():
        case ".csv":
            from src.prediction.tables import in_table

            return in_table(path, wanted)
        case ".npy":
            from src.prediction.arrays import in_array

            return in_array(path, wanted)
    return _picture(path, wanted)


def _picture(path: Path, wanted: Wanted) -> Given:
    require_file(path)
    if wanted.image is None or wanted.largest is None:
        raise UserError(f"{path}: this model takes no pictures, but {wanted.words}")
    from src.prediction.framing import FRAMES, framed
    from src.prediction.ink import ink
    from src.prediction.pictures import grey

    if wanted.source not in FRAMES:
        raise UserError(f"{path}: how pictures are made into those of {wanted.source} is not known")
    values = grey(path)
    try:
        image = framed(ink(values), FRAMES[wanted.source], wanted.image)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return Given([str(path)], np.rint(wanted.largest * image).reshape(1, -1))
