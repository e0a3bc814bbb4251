"""What a run predicts of the test set, as its folder and a study's folder hold it."""

from pathlib import Path
from typing import NamedTuple

from src.foundation.npz import read_npz
from src.nn.arrays import Array, Labels

_LIMIT = 64 << 20  # bytes: millions of examples


class Predicted(NamedTuple):
    """The predicted classes of the test set, and how probable each was held to be."""

    labels: Labels  # [n_test]
    confidence: Array  # [n_test]


def read_predictions(path: Path) -> Predicted:
    """Reads predictions.npz; `ValueError` or `KeyError` for a file that is not whole, or holds something else."""
    arrays = read_npz(path, _LIMIT)
    labels, confidence = arrays["predicted"], arrays["probability"]
    if labels.shape != (labels.size,) or confidence.shape != labels.shape:
        raise ValueError(f"its arrays have the shapes {labels.shape} and {confidence.shape}")
    if labels.dtype.kind != "i" or confidence.dtype.kind != "f":
        raise ValueError(f"its arrays are of {labels.dtype} and {confidence.dtype}")
    return Predicted(labels, confidence)
