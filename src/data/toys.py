"""Small data for quick runs and tests, at hand without a network: arrays that this machine makes, and verifies."""

import io
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.data.raw import Raw, Source, is_whole, require_whole
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import replacing, sha256

Make = Callable[[], tuple[NDArray[Any], ...]]


def toy(name: str, library: str, make: Make, digests: Mapping[str, str], **about: Any) -> Source:
    """A source whose files are made here.

    Args:
        name: of the source.
        library: what they are made with.
        make: gives the arrays of the files, in the order of `digests`.
        digests: the SHA-256 of `x.npy`, `y.npy` and, where the source has groups, `group.npy`.
        about: what else a `Source` tells.
    """
    return Source(partial(_fetch, name, library, make, digests), partial(_read, digests), **about)


def _fetch(name: str, library: str, make: Make, digests: Mapping[str, str], folder: Path, mirror: Path | None) -> None:
    """Writes the arrays into `folder`, where they are not there already.

    Raises:
        UserError: a `mirror` is named, which these sources have no use for.
        RunFailed: the installed library makes other data.
    """
    if mirror is not None:
        raise UserError(
            f"data.mirror={mirror}: data.source={name} is made on the spot, by {library}, and takes no mirror; leave "
            "data.mirror out"
        )
    if all(is_whole(folder / file, digest) for file, digest in digests.items()):
        return
    for (file, digest), array in zip(digests.items(), make(), strict=True):
        content = io.BytesIO()
        np.lib.format.write_array(content, array, version=(1, 0), allow_pickle=False)
        if sha256(content.getvalue()) != digest:
            raise RunFailed(f"{folder / file}: the installed {library} makes other {name} data than the known ones")
        with replacing(folder / file) as opened:
            opened.write(content.getvalue())


def _read(digests: Mapping[str, str], folder: Path) -> Raw:
    """The examples in the order in which they are made.

    Raises:
        UserError: a file is missing or damaged.
    """
    for file, digest in digests.items():
        require_whole(folder / file, digest)
    x, *indices = (np.load(folder / file, allow_pickle=False) for file in digests)
    return Raw(x, *(array.astype(np.int64) for array in indices))
