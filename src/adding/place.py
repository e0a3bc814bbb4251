"""What kind of data a path leads to; what can't be read is refused before anything is opened."""

import zipfile
from pathlib import Path

from src.data import images
from src.foundation.errors import UserError, machine_error

_START = 4096  # bytes
_OTHERS = {
    b"\x1f\x8b": "gzipped; unpack it first: gunzip",
    b"BZh": "packed by bzip2; unpack it first: bunzip2",
    b"\xfd7zXZ": "packed by xz; unpack it first: unxz",
    b"\xff\xfe": "UTF-16; save it as UTF-8",
    b"\xfe\xff": "UTF-16; save it as UTF-8",
    b"\x89HDF": "an HDF5 file; save its arrays as x and y in an .npz file: np.savez('mine.npz', x=x, y=y)",
    b"\x93NUMPY": "a single array; save examples and labels together: np.savez('mine.npz', x=x, y=y)",
    b"\x80": "a pickle, which could run anything; save x and y in an .npz file: np.savez('mine.npz', x=x, y=y)",
    b"\xd0\xcf\x11\xe0": "an old workbook; save it as CSV",
    b"SQLite": "a database; export a table as CSV",
    b"%PDF": "a PDF",
    b"{": "JSON; save it as CSV",
    b"\0\0\x08": "one IDX file; give the folder with all four",
}


def kind(path: Path) -> str:
    """The kind of data, as in `data.source`.

    Raises:
        UserError: there is nothing there, it can't be read, or it is of no known kind.
    """
    try:
        if path.is_dir():
            names = [entry.name for entry in path.iterdir()]
            return "idx" if any("idx" in name.lower() and "ubyte" in name.lower() for name in names) else "images"
        if not path.exists():
            raise UserError(f"{path}: no such file or folder")
        if not path.is_file():
            raise UserError(f"{path}: neither a file nor a folder, but a pipe, a socket or a device")
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError as error:
        raise UserError(machine_error(error)) from None
    if not start:
        raise UserError(f"{path}: an empty file")
    if start.startswith(b"PK"):
        return _packed(path)
    if start.startswith(b"PAR1"):
        return "table"
    if images.is_picture(path):
        raise UserError(f"{path}: one picture; give a folder with a folder for each class")
    for magic, words in _OTHERS.items():
        if start.startswith(magic):
            raise UserError(f"{path}: {words}; allowed: CSV, TSV, Parquet, .npz, four IDX files, a folder of pictures")
    if b"\0" in start:
        raise UserError(f"{path}: not a text; allowed: CSV, TSV, Parquet, .npz, four IDX files, a folder of pictures")
    return "table"


def _packed(path: Path) -> str:
    """An `.npz` file is an archive, as many others are."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UserError(f"{path}: a damaged archive ({error})") from None
    if any(name.endswith(".npy") for name in names):
        return "arrays"
    if "xl/workbook.xml" in names:
        raise UserError(f"{path}: a workbook; save its sheet as CSV")
    raise UserError(f"{path}: an archive; unpack it first")
