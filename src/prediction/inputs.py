"""Reads the examples that a command line names: typed values, tables, arrays and pictures."""

import re
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

import numpy as np

from src.data import idx
from src.foundation.errors import UserError, suggestion
from src.foundation.files import read_capped
from src.prediction.signature import RawExamples, Signature
from src.prediction.tables import number, of_array, read_array, read_table

LARGEST = {".csv": 128 << 20, ".npy": 128 << 20}  # bytes of a file
_TABLES = (".csv", ".tsv", ".tab", ".txt", ".dat")
_START = 16  # bytes by which a file's kind is known
_GZIP = b"\x1f\x8b"
# How files of other kinds start, and what to do with them.
_OTHERS = {
    b"....ftyp(hei|mif|msf|avi)": "a HEIC or AVIF picture; convert it: `heif-convert {path} new.png`, or on a Mac "
    "`sips -s format png {path} --out new.png`",
    b"II\\*\0|MM\0\\*": "a TIFF picture; convert it: `python -c 'import sys; from PIL import Image; "
    "Image.open(sys.argv[1]).save(sys.argv[2])' {path} new.png`",
    _GZIP: "compressed; unpack it: `gunzip {path}`",
    b"PK\3\4": "an archive or a workbook; save a sheet as CSV, an array by numpy.save, or unpack it",
    b"PAR1": "a Parquet file; save it as CSV",
    b"%PDF": "a PDF; save the page as PNG",
    b"\x80[\2-\5]": "a pickle, which can run programs; save an array by numpy.save",
}


def read_examples(arguments: Sequence[str], signature: Signature, as_is: bool = False) -> RawExamples:
    """All examples, checked: the typed one first, if there is one, then those of the files in their order.

    Raises:
        UserError: a file can't be read, or the model does not take what it holds.
    """
    values = [argument for argument in arguments if is_value(argument)]
    files = [argument for argument in arguments if not is_value(argument)]
    parts = [_typed(values, signature)] if values else []
    parts += [_in_file(Path(file), signature) for file in files]
    for part, name in zip(parts, [" ".join(values)] * bool(values) + files, strict=True):
        signature.check(part, name, as_is)
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
    kind = ".csv" if path.suffix.lower() in _TABLES else path.suffix.lower()
    if signature.table is not None and kind != ".npy":
        if (size := path.stat().st_size) > LARGEST[".csv"]:
            raise UserError(f"{path}: {size} bytes; allowed: at most {LARGEST['.csv']}")
        examples = signature.table.read(path)
        return RawExamples(examples.names, examples.x)
    if not path.stat().st_size:
        raise UserError(f"{path}: an empty file")
    if kind in LARGEST:
        return {".csv": read_table, ".npy": read_array}[kind](path, read_capped(path, LARGEST[kind]), signature)
    with path.open("rb") as file:
        start = file.read(_START)
    if "idx" in path.name and start[:2] in (b"\0\0", _GZIP):
        return of_array(path, idx.values(path), signature)
    for pattern, cure in _OTHERS.items():
        if re.match(pattern, start, re.DOTALL):
            raise UserError(f"{path}: {cure.format(path=quote(str(path)))}")
    if signature.image is None or signature.largest is None:
        raise UserError(f"{path}: this model takes no pictures, but {signature.words}")
    from src.prediction.pictures import read_picture

    return read_picture(path, signature)
