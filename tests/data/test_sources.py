import math
from pathlib import Path

import numpy as np
import pytest

from src.data.sources import SOURCES


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_gives_what_it_announces(name: str, mirror: Path, tmp_path: Path) -> None:
    source = SOURCES[name]
    source.fetch(tmp_path / "raw", mirror if name == "mnist" else None)
    x, y, group = source.read(tmp_path / "raw")
    assert x.dtype in (np.uint8, np.float64)
    assert y.dtype == np.int64
    assert len(x) == len(y)
    assert source.image is None or x.shape[1] == math.prod(source.image)
    assert source.largest is None or (x.min() >= 0 and x.max() == source.largest)
    assert set(y.tolist()) == set(range(len(source.labels)))
    assert source.features is None or x.shape[1] == len(set(source.features))
    assert source.published_test in (0, 10_000)
    assert (group is None) == (source.groups == ())


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if source.groups])
def test_a_group_lies_inside_one_class(name: str, tmp_path: Path) -> None:
    source = SOURCES[name]
    source.fetch(tmp_path / "raw", None)
    raw = source.read(tmp_path / "raw")
    assert raw.group is not None
    assert raw.group.dtype == np.int64
    assert set(raw.group.tolist()) == set(range(len(set(source.groups))))
    assert all(len(set(raw.y[raw.group == group])) == 1 for group in range(len(source.groups)))
