import subprocess
import sys
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


def times_1(dtype: str) -> np.ndarray:
    """A subnormal number that goes in, and comes out of a product."""
    return np.full(50, SUBNORMAL[dtype], dtype) * np.ones(50, dtype)


def scaled_up(dtype: str) -> np.ndarray:
    """A subnormal number that goes in, where what comes out would be normal."""
    return np.full(50, SUBNORMAL[dtype], dtype) * np.array(1e20, dtype)


def squared(dtype: str) -> np.ndarray:
    """A subnormal number that comes out of normal ones."""
    return np.square(np.full(50, SUBNORMAL[dtype] ** 0.5, dtype))


@pytest.fixture
def two_threads() -> Any:
    with threadpool_limits(2, user_api="blas"):
        if blas_threads() != {2}:
            pytest.skip("BLAS has one thread here")
        yield


@pytest.mark.usefixtures("two_threads")
class TestThreads:
    @pytest.mark.parametrize("threads", [1, 2])
    def test_are_as_asked_inside_and_as_before_outside(self, threads: int) -> None:
        with held(threads):
            assert blas_threads() == {threads}
        assert blas_threads() == {2}

    def test_are_restored_when_the_block_raises(self) -> None:
        with pytest.raises(KeyError), held(1):
            raise KeyError
        assert blas_threads() == {2}

    def test_nest(self) -> None:
        with held(1):
            with held(2):
                assert blas_threads() == {2}
            assert blas_threads() == {1}


@needs_flushing
@pytest.mark.parametrize("dtype", SUBNORMAL)
class TestSubnormals:
    @pytest.mark.parametrize("operation", [times_1, scaled_up, squared])
    def test_are_zero_inside_and_themselves_outside(self, dtype: str, operation: Any) -> None:
        assert (operation(dtype) > 0).all()
        with held(1):
            assert not operation(dtype).any()
        assert (operation(dtype) > 0).all()

    def test_are_restored_when_the_block_raises(self, dtype: str) -> None:
        with pytest.raises(KeyError), held(1):
            raise KeyError
        assert (times_1(dtype) > 0).all()

    def test_stay_flushed_after_an_inner_block(self, dtype: str) -> None:
        with held(1):
            with held(1):
                pass
            assert not times_1(dtype).any()
        assert (times_1(dtype) > 0).all()

    def test_are_flushed_in_matrix_products(self, dtype: str) -> None:
        A, B = np.full((40, 40), SUBNORMAL[dtype], dtype), np.eye(40, dtype=dtype)
        with held(1):
            assert not (A @ B).any()


def test_normal_arithmetic_is_untouched() -> None:
    x = np.random.default_rng(1).standard_normal(1000)
    expected = (np.sqrt(np.abs(x)) / 3 + x).tobytes()
    with held(1):
        assert (np.sqrt(np.abs(x)) / 3 + x).tobytes() == expected


def test_overflows_are_quiet_inside_and_told_outside() -> None:
    large = np.full(3, 1e38, np.float32)
    with held(1):
        assert np.isinf(large * large).all()
        assert np.isnan(large * large - large * large).all()
    with pytest.warns(RuntimeWarning, match="overflow"):
        large * large


@pytest.mark.usefixtures("two_threads")
def test_elsewhere_it_only_holds_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor.platform, "machine", lambda: "arm64")
    assert not flushes_to_zero()
    with held(1):
        assert blas_threads() == {1}
        assert (times_1("float32") > 0).all()
    assert blas_threads() == {2}


def test_numpys_own_look_at_subnormals_stays_without_a_warning() -> None:
    # NumPy looks once a process, so this takes a process of its own.
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
