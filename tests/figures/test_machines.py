"""Figures are outs of the pipeline: the same bytes, whatever machine and settings of matplotlib they are drawn with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow
PROGRAM = """
import hashlib, json, sys, tempfile
from pathlib import Path
from src.figures import canvas
from tests.figures import test_figures, test_study
from tests.reporting.studies import STUDIES

figures = {**test_figures.FIGURES, **test_study.FIGURES}
digests = {}
with tempfile.TemporaryDirectory() as folder:
    def add(name, figure):
        canvas.save(figure, Path(folder, "figure.png"))
        digests[name] = hashlib.sha256(Path(folder, "figure.png").read_bytes()).hexdigest()
        digests[name + ", svg"] = hashlib.sha256(canvas.svg(figure, "name", name).encode()).hexdigest()
    for name in sys.argv[1:] or figures:
        add(name, figures[name]())
    for name, figure in test_study.all_of(STUDIES["a ladder"]).items():
        add(name + " of a ladder", figure)
print(json.dumps(digests))
"""
FIGURES = (
    *("curves", "confusion of digits", "two confusions of digits", "25 failures", "hidden weights", "samples", "means"),
    *("steps", "weights", "outputs", "sheet", "versions", "class counts", "turned", "scatter", "boundaries"),
    *("reliability", "curves that stop early", "a sheet of one variant", "gains of named classes"),
    *("6 and 11 disagreements", "costs over decades"),
)


def test_figures_of_each_kind_have_the_same_bytes_with_other_kernels_and_without_simd(tmp_path: Path) -> None:
    settings = tmp_path / "matplotlibrc"
    settings.write_text("font.size: 20\nlines.linewidth: 5\nsavefig.dpi: 50\ntext.usetex: true\n")
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])  # type: ignore[call-overload]
    plain = {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": " ".join(found)}
    plain |= {"MATPLOTLIBRC": str(settings), "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    command = [sys.executable, "-c", PROGRAM, *FIGURES]
    here, there = (
        subprocess.Popen(command, cwd=ROOT, env=os.environ | more, stdout=subprocess.PIPE, text=True)
        for more in ({}, plain)
    )
    digests = [json.loads(process.communicate()[0]) for process in (here, there)]
    assert len(digests[0]) > 2 * len(FIGURES)
    assert digests[0] == digests[1]
