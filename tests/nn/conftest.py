"""Tests of this folder with each arithmetic."""

from collections.abc import Iterator

import pytest

from src.nn.arithmetic import ARITHMETICS, NATIVE
from tests.nn import used


@pytest.fixture(scope="module", params=ARITHMETICS)
def each_arithmetic(request: pytest.FixtureRequest) -> Iterator[None]:
    """All tests of a file, with each arithmetic as `used.OPS`."""
    used.OPS = ARITHMETICS[request.param](1000)
    yield
    used.OPS = NATIVE
