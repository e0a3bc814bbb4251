"""The published training of a ReLU network on MNIST, digit for digit: through the command, as a user runs it."""

import re

import pytest

from tests.conftest import Shell
from tests.experiments.conftest import mirrored

# epoch: mean squared error on the training set, accuracy on the training and on the validation set in per cent.
PUBLISHED = """
1: 0.0206 88.81 88.84 · 2: 0.0163 90.78 90.74 · 3: 0.0143 91.97 91.54 · 4: 0.0125 92.92 92.72 · 5: 0.0117 93.40 93.10 ·
6: 0.0110 93.83 93.26 · 7: 0.0103 94.36 93.94 · 8: 0.0098 94.52 94.08 · 9: 0.0091 94.91 94.50 · 10: 0.0089 95.09 94.74 ·
11: 0.0085 95.40 94.82 · 12: 0.0083 95.44 94.82 · 13: 0.0078 95.75 95.16 · 14: 0.0079 95.81 95.28 ·
15: 0.0075 95.92 95.22 · 16: 0.0074 96.02 95.30 · 17: 0.0070 96.21 95.50 · 18: 0.0070 96.26 95.54 ·
19: 0.0069 96.26 95.24 · 20: 0.0069 96.39 95.72 · 21: 0.0063 96.62 95.66 · 22: 0.0062 96.68 95.80 ·
23: 0.0061 96.80 95.74 · 24: 0.0061 96.72 95.74 · 25: 0.0059 96.87 96.08 · 26: 0.0060 96.87 95.88 ·
27: 0.0057 96.94 96.00 · 28: 0.0054 97.12 96.14 · 29: 0.0054 97.06 96.14 · 30: 0.0055 97.10 96.20 ·
31: 0.0052 97.21 96.10 · 32: 0.0053 97.13 96.04 · 33: 0.0052 97.20 96.18 · 34: 0.0050 97.32 96.26 ·
35: 0.0050 97.33 96.22 · 36: 0.0049 97.40 96.18 · 37: 0.0048 97.41 96.38 · 38: 0.0048 97.47 96.34 ·
39: 0.0047 97.50 96.22 · 40: 0.0048 97.44 96.30
"""
ROW = re.compile(r"(\d+): (\d\.\d{4}) (\d\d\.\d\d) (\d\d\.\d\d)")
LINE = re.compile(r"^epoch +(\d+)/40  train (\d\.\d{4}) +(\d\d\.\d\d)%  valid \d\.\d{4} +(\d\d\.\d\d)%", re.MULTILINE)


@pytest.mark.slow
def test_all_40_rows_and_the_test_accuracy_come_out(shell: Shell) -> None:
    rows = ROW.findall(PUBLISHED)
    assert [int(epoch) for epoch, *_ in rows] == list(range(1, 41))
    ran = shell("python", "-m", "src.train", "experiment=raschka_relu", "tracking=off", *mirrored())
    assert ran.returncode == 0, ran.stderr
    assert LINE.findall(ran.stdout) == rows
    assert "test accuracy 96.09%" in ran.stdout


@pytest.mark.slow
def test_the_untrained_sigmoid_network_and_its_first_epoch_come_out(shell: Shell) -> None:
    command = ("python", "-m", "src.train", "experiment=raschka_sigmoid", "train.epochs=1", "tracking=off")
    ran = shell(*command, *mirrored())
    assert ran.returncode == 0, ran.stderr
    # Published: 0.3 and 9.4 % before training. The rest is what a re-run of the text's own arithmetic gives.
    assert re.search(r"^epoch 0/1 .* valid 0\.2707 +9\.36%", ran.stdout, re.MULTILINE), ran.stdout
    assert re.search(r"^epoch 1/1  train 0\.0499 +76\.15%  valid 0\.\d{4} +75\.98%", ran.stdout, re.MULTILINE)
