"""Atomic writes, digests, and reads with a size limit.

A file is written next to its target, flushed to disk, and renamed to the target. So a target is complete or absent, and
is never modified in place: DVC may have linked it to its cache.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from src.foundation.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
_CHUNK = 1 << 20


def home() -> Path:
    """The repository that owns the run folders and the MLflow store.

    Usually `ROOT`. DVC runs a queued experiment in a copy of the repository under `<repo>/.dvc/tmp/exps/`; its runs
    belong to `<repo>`.
    """
    for folder in ROOT.parents:
        if folder.parts[-3:] == (".dvc", "tmp", "exps"):
            return folder.parents[2]
    return ROOT


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Opens a binary file that replaces `path` when the block ends; if the block fails, nothing changes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path)
    try:
        # 0o666 under the user's umask; `tempfile` would create a file that only its owner can read.
        with open(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # ENOSPC does not name the file
            error.filename = str(path)
        raise
    _sync_folder(path.parent)


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Creates a folder that replaces `path` when the block ends; if the block fails, nothing changes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path)
    beside.mkdir()
    try:
        yield beside
        for file in beside.rglob("*"):
            if file.is_file():
                with file.open("rb") as opened:
                    os.fsync(opened.fileno())
        old = _beside(path)
        if path.exists():
            os.rename(path, old)
        os.rename(beside, path)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    _sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text, atomically."""
    with replacing(path) as file:
        file.write(text.encode())


def write_json(path: Path, value: Any) -> None:
    """Writes JSON as formatted by `json_text`, atomically."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """Indented JSON; equal values give equal text. Raises `ValueError` for NaN and infinities."""
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def rounded(value: Any) -> Any:
    """JSON data with each float at nine significant digits, which do not depend on the order of its sum."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Writes a CSV file, atomically. Floats are written exactly (`repr`); texts in quotes where they need some."""
    lines = [",".join(_cell(str(value)) for value in row) for row in (header, *rows)]
    write_text(path, "\n".join(lines) + "\n")


def _cell(text: str) -> str:
    # Python's `csv` leaves a lone \r without quotes, and reads it as the end of a line.
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if re.search(r'[",\r\n]', text) else text


def read_capped(path: Path, limit: int) -> bytes:
    """The bytes of a file. Raises `UserError` before reading if it is larger than `limit` bytes."""
    size = path.stat().st_size
    if size > limit:
        raise UserError(f"{path}: {size} bytes; allowed: at most {limit}")
    return path.read_bytes()


def read_json(path: Path, limit: int = 4 << 20) -> Any:
    """The value in a JSON file. Raises `UserError` if it is missing, too large or not JSON."""
    try:
        return json.loads(read_capped(path, limit))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({error}); the file is damaged") from None


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises `UserError` as `read_json` does, and if the file has another value."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise UserError(f"{path}: not a JSON object; the file is damaged")
    return value


def sha256(data: bytes | memoryview) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in chunks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_tree(folder: Path, files: Iterable[Path]) -> str:
    """One digest of several files below `folder`: their relative names and contents, sorted by name."""
    listing = sorted((file.relative_to(folder).as_posix(), sha256_file(file)) for file in files)
    return sha256("".join(f"{digest}  {name}\n" for name, digest in listing).encode())


def conf_digest() -> str:
    """The digest of conf/, stored in params.yaml so that the stage `check` can detect a stale one.

    Excludes `ablation/` and `hparams_search/`, which configure studies and not params.yaml.
    """
    conf = ROOT / "conf"
    apart = {"ablation", "hparams_search"}
    files = [f for f in conf.rglob("*.yaml") if f.is_file()]  # not an editor's lock file, a dangling link
    return sha256_tree(conf, [f for f in files if f.relative_to(conf).parts[0] not in apart])


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """JSON as bytes for digests: sorted keys, no spaces, floats as Python's shortest `repr`."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def copy_capped(source: IO[bytes], target: IO[bytes], limit: int) -> int:
    """Copies a stream in chunks and returns its length. Raises `ValueError` as soon as it exceeds `limit` bytes."""
    copied = 0
    while chunk := source.read(_CHUNK):
        copied += len(chunk)
        if copied > limit:
            raise ValueError(f"more than the expected {limit} bytes")
        target.write(chunk)
    return copied


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")


def _sync_folder(folder: Path) -> None:
    # A rename survives a power cut only if its folder was synced.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
