"""scikit-learn's digits: 1 797 images of 8 x 8 pixels with values from 0 to 16, in its order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.data.generated import toy

DIGESTS = {
    "x.npy": "06622382efae4888481a982e2eb3ac77ac3e5b64ef0da69168b7943041fbebe0",
    "y.npy": "03ec0343bca84958ae3df825f252a3680415fa07fccb1ed1125ed521c13169e5",
}


def make() -> tuple[NDArray[Any], ...]:
    """x [1797, 64] and y [1797], both uint8; the same in scikit-learn 0.18 to 1.9."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x.astype(np.uint8), y.astype(np.uint8)


SOURCE = toy("digits", "scikit-learn", make, DIGESTS, image=(8, 8), largest=16, labels=tuple("0123456789"))
