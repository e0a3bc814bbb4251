"""Reads the examples that a command line names: typed values, tables, arrays and pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from src.foundation.errors import UserError, suggestion
from src.foundation.files import read_capped
from src.prediction.signature import RawExamples, Signature
from src.prediction.tables import number, read_array, read_table

LARGEST = {".csv": 32 << 20, ".npy": 128 << 20}  # bytes of a file
LARGEST_PICTURE = 64 << 20


def read_examples(arguments: Sequence[str], signature: Signature) -> RawExamples:
    """All examples, checked: the typed one first, if there is one, then those of the files in their order.

    Raises:
        UserError: a file can't be read, or the model does not take what it holds.
    """
    values = [argument for argument in arguments if is_value(argument)]
    parts = [_typed(values, signature)] if values else []
    parts += [_in_file(Path(argument), signature) for argument in arguments if not is_value(argument)]
    for part in parts:
        signature.check(part)
    return RawExamples([name for part in parts for name in part.names], np.concatenate([part.x for part in parts]))


def is_value(argument: str) -> bool:
    """Whether an argument is a feature's value, `X1=0.1`, not a file."""
    return "=" in argument and not Path(argument).exists()


def _typed(arguments: Sequence[str], signature: Signature) -> RawExamples:
    """The one example that `name=value` arguments give, each feature once."""
    if signature.table is not None:
        return RawExamples([" ".join(arguments)], signature.table.typed(arguments))
    if signature.features is None:
        raise UserError(f"{arguments[0]}: the values of this model have no names; it takes {signature.words}")
    values: dict[str, float] = {}
    for argument in arguments:
        name, _, text = argument.partition("=")
        if name not in signature.features:
            raise UserError(f"{argument}: not a feature of this model; {suggestion(name, signature.features)}")
        if name in values:
            raise UserError(f"{argument}: a second value of {name}; put several examples into a .csv file")
        if (value := number(text)) is None:
            raise UserError(f"{argument}: not a number")
        values[name] = value
    if missing := [name for name in signature.features if name not in values]:
        raise UserError(f"{' '.join(arguments)}: {', '.join(missing)} missing; this model takes {signature.words}")
    row = [values[name] for name in signature.features]
    return RawExamples([" ".join(arguments)], np.array([row], np.float64))


def _in_file(path: Path, signature: Signature) -> RawExamples:
    if path.is_dir():
        raise UserError(f"{path}: a folder; give the files in it, as in {path / '*'}")
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if not path.is_file():
        raise UserError(f"{path}: not a regular file")
    kind = path.suffix.lower()
    if signature.table is not None and kind != ".npy":
        if (size := path.stat().st_size) > LARGEST[".csv"]:
            raise UserError(f"{path}: {size} bytes; allowed: at most {LARGEST['.csv']}")
        examples = signature.table.read(path)
        return RawExamples(examples.names, examples.x)
    if kind not in LARGEST and (signature.image is None or signature.largest is None):
        raise UserError(f"{path}: this model takes no pictures, but {signature.words}")
    if not (data := read_capped(path, LARGEST.get(kind, LARGEST_PICTURE))):
        raise UserError(f"{path}: an empty file")
    if kind in LARGEST:
        return {".csv": read_table, ".npy": read_array}[kind](path, data, signature)
    from src.prediction.pictures import read_picture

    return read_picture(path, data, signature)
