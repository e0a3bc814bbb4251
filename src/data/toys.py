"""Small data for quick runs and tests, at hand without a network."""

from pathlib import Path

import numpy as np

from src.data.raw import Raw, Source, is_whole, require_whole
from src.errors import RunFailed, UserError
from src.files import replacing

DIGITS_FILES = {
    "x.npy": "06622382efae4888481a982e2eb3ac77ac3e5b64ef0da69168b7943041fbebe0",
    "y.npy": "03ec0343bca84958ae3df825f252a3680415fa07fccb1ed1125ed521c13169e5",
}


def fetch_digits(folder: Path, mirror: Path | None) -> None:
    """Writes scikit-learn's 1 797 digits of 8 x 8 pixels, valued 0 to 16, to `x.npy` and `y.npy`.

    Raises:
        UserError: a `mirror` is named, which this source has no use for.
        RunFailed: the installed scikit-learn brings other digits.
    """
    if mirror is not None:
        raise UserError(
            f"data.mirror={mirror}: digits come with scikit-learn and take no mirror; leave data.mirror out"
        )
    if all(is_whole(folder / name, digest) for name, digest in DIGITS_FILES.items()):
        return
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    for name, array in {"x.npy": x.astype(np.uint8), "y.npy": y.astype(np.uint8)}.items():
        with replacing(folder / name) as file:
            np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
        if not is_whole(folder / name, DIGITS_FILES[name]):
            raise RunFailed(f"{folder / name}: this scikit-learn's digits are not those of scikit-learn 0.18 to 1.9")


def read_digits(folder: Path) -> Raw:
    """The 1 797 digits as scikit-learn orders them: x [1797, 64].

    Raises:
        UserError: a file is missing or damaged.
    """
    for name, digest in DIGITS_FILES.items():
        require_whole(folder / name, digest)
    x, y = (np.load(folder / name, allow_pickle=False) for name in DIGITS_FILES)
    return Raw(x, y.astype(np.int64))


DIGITS = Source(fetch_digits, read_digits, image=(8, 8), largest=16, labels=tuple("0123456789"))
