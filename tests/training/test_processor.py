import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from src.foundation.files import ROOT
from src.training import processor
from src.training.processor import flushes_to_zero, held

needs_flushing = pytest.mark.skipif(not flushes_to_zero(), reason="not x86-64 with glibc")
SUBNORMAL = {"float32": 1e-40, "float64": 1e-310}


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


# Where a subnormal number goes in and comes out, only goes in, and only comes out.
OPERATIONS: dict[str, Callable[[str], np.ndarray]] = {
    "times 1": lambda dtype: np.full(50, SUBNORMAL[dtype], dtype) * np.ones(50, dtype),
    "scaled up": lambda dtype: np.full(50, SUBNORMAL[dtype], dtype) * np.array(1e20, dtype),
    "squared": lambda dtype: np.square(np.full(50, SUBNORMAL[dtype] ** 0.5, dtype)),
    "matrix product": lambda dtype: np.full((40, 40), SUBNORMAL[dtype], dtype) @ np.eye(40, dtype=dtype),
}
times_1 = OPERATIONS["times 1"]


@pytest.fixture
def two_threads() -> Any:
    with threadpool_limits(2, user_api="blas"):
        if blas_threads() != {2}:
            pytest.skip("BLAS has one thread here")
        yield


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_set_within_and_restored_after_a_block_also_if_it_raises(threads: int) -> None:
    with pytest.raises(KeyError), held(1):  # noqa: PT012
        with held(threads):
            assert blas_threads() == {threads}
        assert blas_threads() == {1}
        raise KeyError
    assert blas_threads() == {2}


@needs_flushing
@pytest.mark.parametrize("dtype", SUBNORMAL)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_subnormals_are_flushed_within_and_restored_after_a_block_also_if_it_raises(dtype: str, operation: str) -> None:
    numbers = OPERATIONS[operation]
    assert (numbers(dtype) > 0).all()
    with pytest.raises(KeyError), held(1):  # noqa: PT012
        assert not numbers(dtype).any()
        with held(1):
            pass
        assert not numbers(dtype).any()  # still, after an inner block
        raise KeyError
    assert (numbers(dtype) > 0).all()


@needs_flushing
@pytest.mark.parametrize("dtype", SUBNORMAL)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_with_portable_arithmetic_subnormals_are_kept_whoever_flushes_them(dtype: str, operation: str) -> None:
    numbers = OPERATIONS[operation]
    with held(1):
        with held(1, everywhere=True):
            assert (numbers(dtype) > 0).all()
        assert not numbers(dtype).any()


def test_normal_arithmetic_is_unchanged() -> None:
    x = np.random.default_rng(1).standard_normal(1000)
    expected = (np.sqrt(np.abs(x)) / 3 + x).tobytes()
    with held(1):
        assert (np.sqrt(np.abs(x)) / 3 + x).tobytes() == expected


def test_overflows_warn_only_outside() -> None:
    large = np.full(3, 1e38, np.float32)
    with held(1):
        assert np.isinf(large * large).all()
        assert np.isnan(large * large - large * large).all()
    with pytest.warns(RuntimeWarning, match="overflow"):
        large * large


@pytest.mark.usefixtures("two_threads")
def test_on_other_processors_only_the_threads_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor.platform, "machine", lambda: "arm64")
    assert not flushes_to_zero()
    with held(1):
        assert blas_threads() == {1}
        assert (times_1("float32") > 0).all()
    assert blas_threads() == {2}


def test_numpys_own_check_of_subnormals_does_not_warn() -> None:
    # NumPy checks once a process, so this needs its own process.
    code = (
        "import numpy as np\n"
        "from src.training.processor import held\n"
        "with held(1):\n"
        "    assert np.finfo(np.float32).smallest_subnormal >= 0\n"
        "    assert np.finfo(np.float64).smallest_subnormal >= 0\n"
        "    repr(np.finfo(np.float32)), repr(np.finfo(np.float64))\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
