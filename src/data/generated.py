"""Small data sets that are generated on this machine and verified; no network needed.

Points come from NumPy's `RandomState`, whose streams never change, by operations that round the same on every machine:
its normal draws and NumPy's sines do not. So a seed gives the same points everywhere. The seeds in `GENERATED` give the
points of published texts.
"""

import decimal
import io
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.data.raw import Raw, Source, is_whole, require_whole
from src.foundation.errors import RunFailed
from src.foundation.files import replacing, sha256
from src.foundation.legacy import legacy_stream

Arrays = tuple[NDArray[Any], ...]

ARMS = ("c1", "c3", "c2")  # in the order of their starts, which are 4 radians apart
POINTS_PER_ARM = 500
BLOBS = {  # group -> label, and centre of the blob
    "upper_left": ("0", (-1.0, 1.0)),
    "lower_right": ("0", (1.0, -1.0)),
    "lower_left": ("1", (-1.0, -1.0)),
    "upper_right": ("1", (1.0, 1.0)),
}
POINTS_PER_CLASS = 50
# The text draws noise after its spiral: what it has drawn from the same stream until then, as 32-bit numbers.
DRAWN_BEFORE_NOISE = 10179

DIGESTS = {
    "digits": {
        "x.npy": "06622382efae4888481a982e2eb3ac77ac3e5b64ef0da69168b7943041fbebe0",
        "y.npy": "03ec0343bca84958ae3df825f252a3680415fa07fccb1ed1125ed521c13169e5",
    },
    "spiral": {
        "x.npy": "594613d305dec29e33a9917f52eb18d1725e88d2a21421eda77624c06b80f599",
        "y.npy": "9e1dab5072203478b7f3c321ef059a179b44fd057b46e32c390eaaaf7948e4d2",
    },
    "xor": {
        "x.npy": "d905dadf10cbccf1e9f96a3072579488f863b741469583ec4f2c5169a24a02cd",
        "y.npy": "898354734a4b667907c93eb02bc2de8404af243cdee0f33a2b59a9bf8eb62d0d",
        "group.npy": "fce6cf18d0e19ae0f124ebf2021337db22348b34f2c52654a91909ae7b73728d",
    },
    "noise": {
        "x.npy": "d71a7be8b6034fffd3a360846e0b0db945591788c5c6596dda0c50bf035142f7",
        "y.npy": "b77c26f505de98fe3020a4b9650222f7dfd289b3a043fecea99db3bd9f8b7801",
    },
}


def digits(seed: int = 0) -> Arrays:
    """scikit-learn's digits in its order: 1 797 images of 8 x 8 pixels with values from 0 to 16; no seed changes them.

    Returns x [1797, 64] and y [1797], both uint8; the same in scikit-learn 0.18 to 1.9.
    """
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x.astype(np.uint8), y.astype(np.uint8)


def spiral(seed: int) -> Arrays:
    """x = r sin t, y = r cos t, with t = 4 (r + the arm's index) + N(0, 0.2) and r evenly spaced in [0, 1].

    Returns x [1500, 2], float64, arm after arm, and y [1500], uint8.
    """
    normal = _standard_normal(legacy_stream(seed))
    arms, r = [], np.linspace(0, 1, POINTS_PER_ARM)
    for arm in range(len(ARMS)):
        noise = np.array([next(normal) for _ in range(POINTS_PER_ARM)])
        sine, cosine = _sine_and_cosine(np.linspace(4 * arm, 4 * arm + 4, POINTS_PER_ARM) + 0.2 * noise)
        arms.append(np.stack([r * sine, r * cosine], axis=1))
    labels = np.array([sorted(ARMS).index(label) for label in ARMS], np.uint8)
    return np.concatenate(arms), np.repeat(labels, POINTS_PER_ARM)


def xor(seed: int) -> Arrays:
    """Two classes of 50 points: each point is in one of its class's two blobs, chosen at random, at N(centre, 0.2).

    The classes are drawn in turn, a point of each. Returns x [100, 2], float64, class after class; y [100] and the blob
    of each point [100], uint8.
    """
    stream = legacy_stream(seed)
    normal, centers = _standard_normal(stream), [center for _, center in BLOBS.values()]
    x = np.empty((2, POINTS_PER_CLASS, 2))
    group = np.empty((2, POINTS_PER_CLASS), np.uint8)
    for point in range(POINTS_PER_CLASS):
        for label in (0, 1):
            group[label, point] = blob = 2 * label + (stream.random_sample() <= 0.5)
            x[label, point] = [coordinate + 0.2 * next(normal) for coordinate in centers[blob]]
    return x.reshape(-1, 2), np.repeat(np.arange(2, dtype=np.uint8), POINTS_PER_CLASS), group.ravel()


def noise(seed: int) -> Arrays:
    """150 points, uniform in [0, 1)^2: 50 with each of three labels, in turn.

    Returns x [150, 2], float64, and y [150], uint8.
    """
    x = legacy_stream(seed, DRAWN_BEFORE_NOISE).random_sample((150, 2))
    return x, np.repeat(np.arange(3, dtype=np.uint8), 50)


def _standard_normal(stream: np.random.RandomState) -> Iterator[float]:
    """What `stream.standard_normal()` gives, but with a logarithm that is rounded correctly, whatever the C library.

    Marsaglia's polar method: two normal draws for each point of the unit disk.
    """
    context = decimal.Context(prec=30)
    while True:
        u, v = (2 * stream.random_sample(2) - 1).tolist()
        square = u * u + v * v
        if 0 < square < 1:
            factor = math.sqrt(-2 * float(context.ln(decimal.Decimal(square))) / square)
            yield factor * v
            yield factor * u


def _sine_and_cosine(t: NDArray[np.float64]) -> Arrays:
    """sin t and cos t of moderate t, to about 1e-15: Taylor's series of t / 16, whose angle is doubled four times."""
    x = t / 16
    square = x * x
    sine = cosine = np.ones_like(x)
    for k in range(24, 0, -2):  # 1 - x^2/(2 3) (1 - x^2/(4 5) (1 - ...)), and with 1 2, 3 4, ...
        sine = 1 - square / (k * (k + 1)) * sine
        cosine = 1 - square / (k * (k - 1)) * cosine
    sine *= x
    for _ in range(4):
        sine, cosine = 2 * sine * cosine, (cosine - sine) * (cosine + sine)
    return sine, cosine


def generated(
    name: str,
    library: str,
    make: Callable[[int], Arrays],
    digests: Mapping[str, str],
    seed: int | None = None,
    **about: Any,
) -> Source:
    """A source whose files are generated.

    Args:
        name: of the source.
        library: the library that generates them, for messages.
        make: takes a seed and returns the arrays of the files, in the order of `digests`.
        digests: the SHA-256 of `x.npy`, `y.npy` and, if the source has groups, `group.npy`.
        seed: of the files; None: the source has one set of examples.
        about: the other fields of `Source`.
    """

    def fetch(folder: Path, mirror: Path | None) -> None:
        if all(is_whole(folder / file, digest) for file, digest in digests.items()):
            return
        for (file, digest), array in zip(digests.items(), make(seed or 0), strict=True):
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=(1, 0), allow_pickle=False)
            if sha256(content.getbuffer()) != digest:
                raise RunFailed(f"{folder / file}: the installed {library} generates {name} data that differ from ours")
            with replacing(folder / file) as opened:
                opened.write(content.getbuffer())

    def read(folder: Path) -> Raw:
        for file, digest in digests.items():
            require_whole(folder / file, digest)
        return raw(tuple(np.load(folder / file, allow_pickle=False) for file in digests))

    def raw(arrays: Arrays) -> Raw:
        x, y, *group = arrays
        return Raw(x, y.astype(np.int64), group[0].astype(np.int64) if group else None)

    another = None if seed is None else lambda other: raw(make(other))
    return Source(fetch, read, seed=seed, generate=another, **about)


_PLANE: dict[str, Any] = {"image": None, "largest": None, "features": ("X1", "X2")}
_ARMS: dict[str, Any] = {"labels": ("c1", "c2", "c3"), "seed": 1234, **_PLANE}
GENERATED = {
    "digits": generated(
        *("digits", "scikit-learn", digits, DIGESTS["digits"]), image=(8, 8), largest=16, labels=tuple("0123456789")
    ),
    "spiral": generated("spiral", "NumPy", spiral, DIGESTS["spiral"], **_ARMS),
    "xor": generated("xor", "NumPy", xor, DIGESTS["xor"], seed=4128, labels=("0", "1"), groups=tuple(BLOBS), **_PLANE),
    "noise": generated("noise", "NumPy", noise, DIGESTS["noise"], **_ARMS),
}
