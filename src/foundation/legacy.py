"""NumPy's legacy random stream, `RandomState`, which published texts draw from; it never changes."""

from typing import Any, cast

import numpy as np


def legacy_stream(seed: int, skip: int = 0) -> np.random.RandomState:
    """The stream of a seed, after its first `skip` outputs of 32 bits.

    A program that seeds once and draws for several purposes has left each of them a later part of one stream.
    """
    bits, state = np.random.MT19937(), np.random.RandomState(seed).get_state(legacy=False)
    bits.state = cast(Any, state)
    bits.random_raw(skip, output=False)
    return np.random.RandomState(bits)
