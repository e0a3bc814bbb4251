"""Files that are whole or not there: atomic writes, digests, reads with a cap.

A file is written beside its target, flushed to the disk, then put in the target's place by one `rename`. A target is
never written through, because DVC may have linked it to its cache.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from src.foundation.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
_CHUNK = 1 << 20


def home() -> Path:
    """The repository whose run folders and MLflow store count.

    This is `ROOT`, save where DVC runs a queued experiment: that happens in a copy of the repository under
    `<repo>/.dvc/tmp/exps/`, and its records belong to `<repo>`.
    """
    for folder in ROOT.parents:
        if folder.parts[-3:] == (".dvc", "tmp", "exps"):
            return folder.parents[2]
    return ROOT


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Opens a binary file that takes the place of `path` when the block ends, and leaves no trace when it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path)
    try:
        # 0o666 under the user's umask, where `tempfile` would leave a file that nobody else can read.
        with open(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # a full disk does not say on which file
            error.filename = str(path)
        raise
    _sync_folder(path.parent)


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Makes a folder that takes the place of `path` when the block ends, and leaves no trace when it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path)
    beside.mkdir()
    try:
        yield beside
        for file in beside.rglob("*"):
            if file.is_file():
                with file.open("rb") as opened:
                    os.fsync(opened.fileno())
        if path.exists():
            old = _beside(path)
            os.rename(path, old)
            os.rename(beside, path)
            shutil.rmtree(old)
        else:
            os.rename(beside, path)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    _sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text, atomically."""
    with replacing(path) as file:
        file.write(text.encode())


def write_json(path: Path, value: Any) -> None:
    """Writes JSON as `json_text` spells it, atomically."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """JSON for people, which two equal values spell alike. NaN and infinities are refused (`ValueError`)."""
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Writes comma-separated values, atomically. Floats keep every bit (`repr`)."""
    lines = [",".join(header), *(",".join(str(value) for value in row) for row in rows)]
    write_text(path, "\n".join(lines) + "\n")


def read_capped(path: Path, limit: int) -> bytes:
    """The bytes of a file of `limit` bytes at most; a larger one is refused before any of it is read."""
    size = path.stat().st_size
    if size > limit:
        raise UserError(f"{path}: {size} bytes, where at most {limit} are expected; the file is not what it should be")
    return path.read_bytes()


def read_json(path: Path, limit: int = 4 << 20) -> Any:
    """A JSON file's value; a file that is missing, too large or not JSON is the user's to mend."""
    try:
        return json.loads(read_capped(path, limit))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({error}); the file is damaged") from None


def sha256(data: bytes | memoryview) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in chunks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_tree(folder: Path, files: Iterable[Path]) -> str:
    """One digest of many files below `folder`: of their relative names and contents, in the order of the names."""
    listing = sorted((file.relative_to(folder).as_posix(), sha256_file(file)) for file in files)
    return sha256("".join(f"{digest}  {name}\n" for name, digest in listing).encode())


def conf_digest() -> str:
    """The digest of conf/, which a snapshot carries so that the stage `check` notices a stale one.

    `ablation/` and `hparams_search/` configure studies, not the snapshot, and stay out.
    """
    conf = ROOT / "conf"
    apart = {"ablation", "hparams_search"}
    files = [f for f in conf.rglob("*.yaml") if f.is_file()]  # and not an editor's lock, which is a dangling link
    return sha256_tree(conf, [f for f in files if f.relative_to(conf).parts[0] not in apart])


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """JSON whose bytes depend on the value alone: sorted keys, no spaces. Floats as Python's shortest `repr`."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def copy_capped(source: IO[bytes], target: IO[bytes], limit: int) -> int:
    """Copies a stream in chunks and returns its length; raises `ValueError` as soon as it passes `limit` bytes."""
    copied = 0
    while chunk := source.read(_CHUNK):
        copied += len(chunk)
        if copied > limit:
            raise ValueError(f"more than the {limit} bytes that are expected")
        target.write(chunk)
    return copied


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")


def _sync_folder(folder: Path) -> None:
    # A rename survives a power cut only when its folder has reached the disk.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
