from pathlib import Path

import numpy as np
from sklearn import datasets

from src.data.digits import SOURCE


def test_digits_are_those_of_scikit_learn(tmp_path: Path) -> None:
    SOURCE.fetch(tmp_path, None)
    x, y = datasets.load_digits(return_X_y=True)
    raw = SOURCE.read(tmp_path)
    assert (raw.x.dtype, raw.y.dtype, raw.group) == (np.uint8, np.int64, None)
    np.testing.assert_array_equal(raw.x, x)
    np.testing.assert_array_equal(raw.y, y)
