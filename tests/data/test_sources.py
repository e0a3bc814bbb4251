import math
from pathlib import Path

import numpy as np
import pytest

from src.data.sources import SOURCES


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_gives_what_it_announces(name: str, mirror: Path, tmp_path: Path) -> None:
    source = SOURCES[name]
    source.fetch(tmp_path / "raw", mirror if name == "mnist" else None)
    x, y = source.read(tmp_path / "raw")
    assert (x.dtype, y.dtype) == (np.uint8, np.int64)
    assert len(x) == len(y)
    assert source.image is None or x.shape[1] == math.prod(source.image)
    assert x.max() == source.largest
    assert set(y.tolist()) == set(range(len(source.labels)))
