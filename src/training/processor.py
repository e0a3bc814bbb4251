"""Floating-point settings during training.

The number of BLAS threads changes float32 results, so it is fixed. Subnormal numbers appear as a training converges and
slow down many processors, so they are flushed to zero if processor and C library allow it; never with portable
arithmetic, whose results are those of IEEE 754.
"""

import contextlib
import ctypes
import platform
from collections.abc import Iterator

import numpy as np

# glibc's fenv_t on x86-64 is eight 32-bit words, of which the last is MXCSR, the control word of SSE and AVX.
_FENV_WORDS, _MXCSR = 8, 7
_FLUSH_RESULTS_AND_INPUTS = 0x8040  # FZ and DAZ: Intel SDM, volume 1, section 10.2.3


@contextlib.contextmanager
def held(threads: int, everywhere: bool = False) -> Iterator[None]:
    """Within the block: BLAS uses `threads` threads, overflows give no warning, and subnormals are flushed to zero.

    everywhere: subnormals are kept, so that results can be the same on every machine.
    """
    from threadpoolctl import threadpool_limits

    # A diverging network overflows; the loop checks its losses, so a warning would be redundant.
    quiet = np.errstate(over="ignore", invalid="ignore")
    with threadpool_limits(limits=threads, user_api="blas"), _flushing(not everywhere), quiet:
        yield


def flushes_to_zero() -> bool:
    """Whether `held` can flush subnormals to zero on this machine."""
    return _libm() is not None


@contextlib.contextmanager
def _flushing(on: bool) -> Iterator[None]:
    libm = _libm()
    if libm is None:
        yield
        return
    before = (ctypes.c_uint32 * _FENV_WORDS)()
    libm.fegetenv(before)
    flushing = type(before)(*before)
    if on:
        flushing[_MXCSR] |= _FLUSH_RESULTS_AND_INPUTS
    else:  # another library may have set it
        flushing[_MXCSR] &= ~_FLUSH_RESULTS_AND_INPUTS
    libm.fesetenv(flushing)
    try:
        yield
    finally:
        libm.fesetenv(before)


def _libm() -> ctypes.CDLL | None:
    if platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc":
        return None
    return ctypes.CDLL("libm.so.6")
