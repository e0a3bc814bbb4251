"""What is said of a data set, against NumPy and against what a text prints of its data."""

import re
from pathlib import Path

import numpy as np
import pytest

from src.analysis.data_facts import DataFacts, _moments, data_facts
from src.data.recipes import prepare, unscaled
from src.reporting.data_tables import data_text, picture
from tests.helpers.composing import compose


def facts_of(recipe: str, folder: Path, part: str = "train", index: int = 0) -> DataFacts:
    data = compose([f"data={recipe}"]).data
    return data_facts(prepare(data, folder), *unscaled(data, folder), part, index)


def test_the_spiral_is_shown_as_its_text_prints_it(tmp_path: Path) -> None:
    facts = facts_of("spiral", tmp_path)
    head = [[f"{value:.6f}" for value in row.values] for row in facts.head]
    assert head[1:] == [
        ["-0.000457", "0.001951"],
        ["0.001194", "0.003826"],
        ["-0.000231", "0.006008"],
        ["-0.000896", "0.007966"],
    ]
    assert facts.counts == {"train": [350] * 3, "valid": [75] * 3, "test": [75] * 3}
    assert facts.class_weights == [1 / 350] * 3
    mean, deviation = facts.after["test"]
    assert [f"{value:.1f}" for value in (*mean, *deviation)] == ["-0.2", "-0.2", "0.8", "0.9"]
    text = data_text(facts, "train", 0)
    assert "train example 0, label c1, before and after scaling:" in text
    assert "0.44688413" in text
    assert "-0.07360876" in text


@pytest.mark.parametrize("recipe", ["digits", "xor", "noise"])
def test_statistics_are_those_of_numpy(recipe: str, tmp_path: Path) -> None:
    data = compose([f"data={recipe}"]).data
    dataset = prepare(data, tmp_path)
    raw, rows = unscaled(data, tmp_path)
    facts = data_facts(dataset, raw, rows, "valid", 3)
    axis = 0 if raw.x.shape[1] <= 8 else None
    for part, indices in rows.items():
        for x, moments in ((raw.x[indices], facts.before[part]), (getattr(dataset, part).x, facts.after[part])):
            x = np.asarray(x, np.float64)
            assert moments.mean == pytest.approx(np.ravel(x.mean(axis=axis)), rel=1e-9, abs=1e-12)
            assert moments.deviation == pytest.approx(np.ravel(x.std(axis=axis)), rel=1e-9)
        assert facts.counts[part] == np.bincount(getattr(dataset, part).y, minlength=len(dataset.labels)).tolist()
    assert facts.sample.values == raw.x[rows["valid"][3]].tolist()
    assert facts.sample.label == dataset.labels[dataset.valid.y[3]]
    assert facts.scaled_sample == dataset.valid.x[3].tolist()


def test_a_set_that_is_a_copy_is_called_one_and_counted_once(tmp_path: Path) -> None:
    text = data_text(facts_of("xor_all", tmp_path), "train", 0)
    assert text.startswith("data=xor_all: 100 examples, 2 values, 2 classes")
    assert re.search(r"^class +train +valid \(= training\) +test \(= training\)", text, re.MULTILINE)
    assert re.search(r"^ +0 +50 +50 +50 +0\.02$", text, re.MULTILINE)
    assert "valid (= training) example 3" in data_text(facts_of("xor_all", tmp_path, "valid", 3), "valid", 3)


@pytest.mark.parametrize(("size", "shift"), [(1e-8, 0), (1, 1e9), (1e100, -1e103)])
def test_statistics_keep_their_digits_whatever_the_size(size: float, shift: float) -> None:
    x = shift + size * np.random.default_rng(0).random((5000, 2))
    mean, deviation = _moments(x, np.arange(5000))
    assert mean == pytest.approx(x.mean(axis=0), rel=1e-12)
    assert deviation == pytest.approx(x.std(axis=0), rel=1e-6)


def test_a_picture_in_characters_has_two_for_each_pixel() -> None:
    image = np.array([[0.0, 0, 16], [8, 16, 0]])
    assert picture(image) == "    @@\n==@@"
    assert picture(np.zeros((2, 2))) == "\n"
