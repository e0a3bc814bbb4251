import numpy as np
import pytest

from src.foundation.legacy import legacy_stream


@pytest.mark.parametrize("seed", [0, 1, 123, 2**32 - 1])
@pytest.mark.parametrize("skip", [0, 1, 2, 623, 624, 625, 10_000])
def test_a_stream_goes_on_where_another_program_has_left_it(seed: int, skip: int) -> None:
    reference, stream = np.random.RandomState(seed), legacy_stream(seed, skip)
    reference.randint(2**32, size=skip, dtype=np.uint32)
    np.testing.assert_array_equal(stream.permutation(99), reference.permutation(99))
    np.testing.assert_array_equal(stream.standard_normal(7), reference.standard_normal(7))
    np.testing.assert_array_equal(stream.choice(50, 9, replace=False), reference.choice(50, 9, replace=False))
    assert stream.bytes(5) == reference.bytes(5)


def test_a_long_skip_takes_no_memory() -> None:
    legacy_stream(0, 10**8)
