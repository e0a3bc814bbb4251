"""The machine that measures, and how to measure as if it had no AVX-512."""

import datetime
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from src.foundation.errors import UserError
from src.runs.fingerprint import environment

# Read when the libraries are loaded. Each keeps OpenBLAS, NumPy, PyTorch with its two libraries, or JAX off AVX-512.
_AVX2 = {
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}


def machine() -> dict[str, str]:
    """The date, the processor, what NumPy's BLAS and loops use of it, and the versions of what is compared, if here."""
    of_numpy = environment(threads=1)
    simd = of_numpy["simd"]
    about = {
        "date": datetime.date.today().isoformat(),
        "cpu": _cpu(),
        "BLAS": ", ".join(of_numpy["blas"]),
        "SIMD of NumPy": simd[-1] if simd else "baseline",
        "python": platform.python_version(),
    }
    for package in ("numpy", "scikit-learn", "torch", "jax"):
        try:
            about[package] = version(package)
        except PackageNotFoundError:
            continue
    return about


def start_without_avx512() -> None:
    """Starts this command again with libraries that use AVX2 at most, unless it was.

    Raises `UserError` if that makes no difference here.
    """
    if _AVX2.items() <= os.environ.items():
        return
    if not any(extension.startswith(("X86_V4", "AVX512")) for extension in environment(threads=1)["simd"]):
        raise UserError("--avx2: this machine has no AVX-512 to leave out; run the command without the option")
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **_AVX2})


def _cpu() -> str:
    """Its name, with family and model where the system has them: virtual machines often hide the full name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in lines)]
    first, cores = dict(reversed(facts)), sum(key == "processor" for key, _ in facts)
    name = first.get("model name", platform.machine())
    kind = [f"{key.removeprefix('cpu ')} {first[key]}" for key in ("cpu family", "model") if key in first]
    return f"{name} ({', '.join([*kind, f'{cores} cores'])})"
