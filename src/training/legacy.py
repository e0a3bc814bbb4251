"""The random numbers of published code: NumPy's `RandomState`, PyTorch's start values, and masks of either.

A `RandomState` is a Mersenne Twister; its draws have been the same in all versions of NumPy. PyTorch's CPU generator
is the same twister, with the same start from a seed.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from src.nn.arrays import Array

_ALL_32_BITS = 1 << 32
_MCG31 = 2**31 - 1  # modulus
_MCG31_FACTOR = np.uint64(1132489760)


class NumpyStream:
    """Draws of weights and biases from a `RandomState`, for the protocol `LayerStream`."""

    def __init__(self, stream: np.random.RandomState, unit_by_unit: bool) -> None:
        self._stream, self.unit_by_unit = stream, unit_by_unit

    def normal(self, shape: tuple[int, ...]) -> Array:
        """Mean 0, deviation 1; float64."""
        return self._stream.standard_normal(shape)

    def uniform(self, shape: tuple[int, ...]) -> Array:
        """In [-1, 1); float64."""
        return self._stream.uniform(-1, 1, shape)


class TorchStream:
    """Draws as by `torch.Tensor.uniform_` on a CPU: the lower 24 bits of each 32-bit number, float32."""

    unit_by_unit = True  # torch.nn.Linear has weights [fan_out, fan_in]

    def __init__(self, stream: np.random.RandomState) -> None:
        self._stream = stream

    def normal(self, shape: tuple[int, ...]) -> Array:
        """Not known; `src/config/draws.py` refuses initializers that need it."""
        raise NotImplementedError

    def uniform(self, shape: tuple[int, ...]) -> Array:
        """In [-1, 1), multiples of 2^-23, so that the product with a bound is rounded once, as in PyTorch."""
        drawn = self._stream.randint(0, _ALL_32_BITS, shape, dtype=np.uint32) & 0xFFFFFF
        return ((drawn.astype(np.float64) - 2**23) / 2**23).astype(np.float32)


class UnitStreams:
    """Draws of a layer whose units each have a stream of their own."""

    unit_by_unit = True

    def __init__(self, streams: Iterable["NumpyStream | TorchStream"]) -> None:
        self._streams = tuple(streams)

    def normal(self, shape: tuple[int, ...]) -> Array:
        """[units, ...], mean 0, deviation 1."""
        return np.stack([stream.normal(shape[1:]) for stream in self._streams])

    def uniform(self, shape: tuple[int, ...]) -> Array:
        """[units, ...], in [-1, 1)."""
        return np.stack([stream.uniform(shape[1:]) for stream in self._streams])


def layer_stream(stream: np.random.RandomState, weights: str) -> NumpyStream | TorchStream:
    """A stream's draws of weights; `weights` is one of `draws.WEIGHTS`."""
    return TorchStream(stream) if weights == "torch" else NumpyStream(stream, weights == "fan_out_first")


class LegacyMasks:
    """Dropout masks from a `RandomState`, for the protocol `Masks`; `kind` is a key of `KEPT`."""

    def __init__(self, stream: np.random.RandomState, kind: str) -> None:
        self._stream, self._kept = stream, KEPT[kind]
        self.first: list[np.random.RandomState] = []  # the streams of the first masks, if they are not `stream`

    def keep(self, share: float, out: Array) -> None:
        """Fills `out` [batch, width] with 1 with probability `share`, else 0."""
        out[...] = self._kept(self.first.pop(0) if self.first else self._stream, share, out.shape)


def _binomial(stream: np.random.RandomState, share: float, shape: tuple[int, ...]) -> Any:
    return stream.binomial(1, share, shape)


def _mcg31(stream: np.random.RandomState, share: float, shape: tuple[int, ...]) -> Any:
    """As PyTorch with MKL: x_0 is the stream's next number, x' = factor x mod modulus; 1 where x / modulus < share."""
    seed = int(stream.randint(0, _ALL_32_BITS, dtype=np.uint32)) % _MCG31 or 1
    x = np.uint64(seed) * _powers(int(np.prod(shape))) % np.uint64(_MCG31)
    return (x / _MCG31 < share).reshape(shape)


@functools.lru_cache(maxsize=4)
def _powers(n: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    """[n], the powers of the factor of MCG31 (L'Ecuyer, 1999, table 2), from the 0th."""
    powers, next_power = np.ones(1, np.uint64), _MCG31_FACTOR
    while len(powers) < n:
        powers = np.concatenate([powers, powers * next_power % np.uint64(_MCG31)])
        next_power = next_power * next_power % np.uint64(_MCG31)
    return powers[:n]


# kept(stream, share, shape) -> 1 with probability `share`, else 0
KEPT: dict[str, Callable[[np.random.RandomState, float, tuple[int, ...]], Any]] = {
    "binomial": _binomial,
    "mcg31": _mcg31,
}


def copy(stream: np.random.RandomState) -> np.random.RandomState:
    """A stream in the same state."""
    other = np.random.RandomState(0)
    other.set_state(stream.get_state(legacy=False))
    return other


def state_of(stream: np.random.RandomState) -> dict[str, Any]:
    """The state of a stream as plain data."""
    state: dict[str, Any] = stream.get_state(legacy=False)
    return state | {"state": {"key": state["state"]["key"].tolist(), "pos": int(state["state"]["pos"])}}


def restore(stream: np.random.RandomState, state: Mapping[str, Any]) -> None:
    """Restores a state. Raises `ValueError`, `KeyError` or `TypeError` if it is not one."""
    key = np.array(state["state"]["key"], np.uint32)
    known = {name: state[name] for name in ("bit_generator", "has_gauss", "gauss")}
    stream.set_state(known | {"state": {"key": key, "pos": state["state"]["pos"]}})
