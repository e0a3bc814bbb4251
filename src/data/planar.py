"""Points in the plane: three arms of a spiral, four blobs that form an XOR, and noise.

Random numbers come from NumPy's `RandomState`, whose streams never change. Coordinates are rounded to a grid, coarser
than the last bits in which sines and logarithms differ between machines.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.data.generated import Make, toy
from src.data.raw import GRID, Source

ARMS = {"c1": 0.0, "c2": 8.0, "c3": 4.0}  # label -> start of the arm, in radians
POINTS_PER_ARM = 500
BLOBS = {  # group -> label, and centre of the blob
    "upper_left": ("0", (-1, 1)),
    "lower_right": ("0", (1, -1)),
    "lower_left": ("1", (-1, -1)),
    "upper_right": ("1", (1, 1)),
}
POINTS_PER_CLASS = 50

DIGESTS = {
    "spiral": {
        "x.npy": "7c37b04f4cd7dbf8c02db50f2cd2c9cc7abb0f5b01b13f3410bcd1e2d0550bc1",
        "y.npy": "4743aa046870c2971976f59f877cbe1f8f621ecbe85ec8eb405e634ca5fb18fa",
    },
    "xor": {
        "x.npy": "541a059ae94c134c4a89d1cfff0fbf6c96ba411cae2201b96826437ceb03880a",
        "y.npy": "898354734a4b667907c93eb02bc2de8404af243cdee0f33a2b59a9bf8eb62d0d",
        "group.npy": "ba155da968cbb345465b349d6323d1aca09131ca5bdda41ee4a385df405184a4",
    },
    "noise": {
        "x.npy": "e9fccf25e11cb040c9470e76ddccac3850ef1cbd55b577bdd2692d8e796b50b6",
        "y.npy": "b77c26f505de98fe3020a4b9650222f7dfd289b3a043fecea99db3bd9f8b7801",
    },
}


def make_spiral() -> tuple[NDArray[Any], ...]:
    """x = r sin t, y = r cos t, with t = 4 r + the arm's start + N(0, 0.2) and r evenly spaced in [0, 1].

    Returns x [1500, 2], float64, arm after arm, and y [1500], uint8.
    """
    random = np.random.RandomState(0)
    r = np.linspace(0, 1, POINTS_PER_ARM)
    arms = []
    for beginning in ARMS.values():
        t = 4 * r + beginning + 0.2 * random.standard_normal(POINTS_PER_ARM)
        arms.append(np.stack([r * np.sin(t), r * np.cos(t)], axis=1))
    return _rounded(np.concatenate(arms)), np.repeat(np.arange(len(ARMS), dtype=np.uint8), POINTS_PER_ARM)


def make_xor() -> tuple[NDArray[Any], ...]:
    """Two classes of 50 points: each point is in one of its class's two blobs, chosen at random, at N(centre, 0.2).

    Returns x [100, 2], float64, class after class; y [100] and the blob of each point [100], uint8.
    """
    random = np.random.RandomState(0)
    labels = np.array([int(label) for label, _ in BLOBS.values()])
    y = np.repeat(np.arange(2, dtype=np.uint8), POINTS_PER_CLASS)
    group = np.concatenate([random.choice(np.flatnonzero(labels == k), POINTS_PER_CLASS) for k in (0, 1)])
    centers = np.array([center for _, center in BLOBS.values()], np.float64)
    x = centers[group] + 0.2 * random.standard_normal((len(y), 2))
    return _rounded(x), y, group.astype(np.uint8)


def make_noise() -> tuple[NDArray[Any], ...]:
    """150 points, uniform in [0, 1)^2: 50 with each of three labels, in turn.

    Returns x [150, 2], float64, and y [150], uint8.
    """
    x = np.random.RandomState(0).random_sample((150, 2))
    return _rounded(x), np.repeat(np.arange(3, dtype=np.uint8), 50)


def _rounded(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.rint(x / GRID) * GRID + 0.0  # 0 and never -0, which would change the digest


def _source(name: str, make: Make, **about: Any) -> Source:
    return toy(name, "NumPy", make, DIGESTS[name], image=None, largest=None, features=("X1", "X2"), **about)


SPIRAL = _source("spiral", make_spiral, labels=tuple(ARMS))
XOR = _source("xor", make_xor, labels=("0", "1"), groups=tuple(BLOBS))
NOISE = _source("noise", make_noise, labels=("c1", "c2", "c3"))
