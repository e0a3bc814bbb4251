"""Tables of one's own are encoded and scaled as fitted on the training set, groups stay whole, memory stays small."""

import dataclasses
import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.dataset import PARTS
from src.data.originals import digest_of
from src.data.prepared import Prepared
from src.data.recipes import STAGES, make, prepare
from src.data.splits import Split, cut, open_split
from src.foundation.errors import RunFailed
from src.foundation.files import ROOT
from tests.data.test_tables import recipe
from tests.helpers.refusals import refusal

COLOURS = ("red", "blue", "green", "a=b", "")


def made(text: str, folder: Path, **changes: Any) -> tuple[Prepared, dict[str, np.ndarray]]:
    """A table's prepared arrays, and the rows of each set."""
    folder.mkdir(exist_ok=True)
    (folder / "mine.csv").write_text(text)
    mine = recipe(folder / "mine.csv", **changes)
    make(mine, *STAGES, root=folder)
    return prepare(mine, folder), open_split(folder / "data" / "split" / "mine")[1]


def test_numbers_are_scaled_and_categories_are_one_hot_as_fitted_on_the_training_set(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    numbers, colours = random.normal(1e13, 1e3, 60), random.choice(COLOURS, 60)
    numbers[7] = np.nan
    pairs = enumerate(zip(numbers.tolist(), colours, strict=True))
    lines = [f"{'' if a != a else a},{b},{'ab'[k % 2]}" for k, (a, b) in pairs]
    own = {"columns": {"x": "number", "colour": "category"}, "missing": "mean"}
    dataset, rows = made("\n".join(["x,colour,class", *lines]), tmp_path, **own)
    seen = sorted({*colours[rows["train"]]} - {""})
    assert dataset.features == ("x", *(f"colour={colour}" for colour in seen))
    train = numbers[rows["train"]]
    mean = Fraction(sum(map(Fraction, train[~np.isnan(train)]))) / int((~np.isnan(train)).sum())
    filled = [mean if np.isnan(value) else Fraction(value) for value in train]
    deviation = math.sqrt(sum((value - mean) ** 2 for value in filled) / len(filled))
    assert dataset.scaling["center"][0] == pytest.approx(float(mean), rel=1e-15)
    assert dataset.scaling["scale"][0] == pytest.approx(deviation, rel=1e-12)
    assert dataset.scaling["center"][1:] == [0] * len(seen)
    assert dataset.scaling["scale"][1:] == [1] * len(seen)
    for part in PARTS:
        x = getattr(dataset, part).x
        expected = np.where(np.isnan(numbers), float(mean), numbers)[rows[part]]
        np.testing.assert_allclose(x[:, 0], (expected - float(mean)) / deviation, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(x[:, 1:], colours[rows[part]][:, None] == np.array(seen))


def test_a_category_that_train_lacks_is_all_zeros_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["c,class", *(f"c{k},{'ab'[k % 2]}" for k in range(20))]  # each row has a category of its own
    dataset, _ = made("\n".join(lines), tmp_path, columns={"c": "category"})
    assert dataset.train.x.sum(axis=1).tolist() == [1] * 10
    assert not dataset.test.x.any()
    assert "data mine: 5 examples of the test set have a c that the training set lacks" in capsys.readouterr().err


@pytest.mark.parametrize("scale", [1e-7, 1e-300, 1.0, 1e13, 1e300])
@pytest.mark.parametrize("kind", ["per_feature", "standard"])
def test_columns_of_any_size_are_scaled_to_mean_0_and_deviation_1(kind: str, scale: float, tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(3, 1, 200) * scale
    text = "x,class\n" + "".join(f"{value!r},{'ab'[k % 2]}\n" for k, value in enumerate(x.tolist()))
    dataset, _ = made(text, tmp_path, scaling=kind, dtype="float64")
    assert abs(dataset.train.x.mean()) < 1e-14
    assert dataset.train.x.std() == pytest.approx(1, rel=1e-14)


def test_nanoseconds_are_scaled_though_their_differences_are_small(tmp_path: Path) -> None:
    start, steps = 1_700_000_000_000_000_000, np.arange(200) * 1_000_000_000
    text = "x,class\n" + "".join(f"{start + step},{'ab'[k % 2]}\n" for k, step in enumerate(steps.tolist()))
    dataset, rows = made(text, tmp_path, dtype="float64")
    train = steps[rows["train"]].astype(np.float64)
    np.testing.assert_allclose(dataset.train.x[:, 0], (train - train.mean()) / train.std(), atol=1e-7)


def test_names_and_order_of_labels_and_columns_are_part_of_the_digest_and_other_files_are_the_same(
    tmp_path: Path,
) -> None:
    rows = [(k % 7, k % 5, "ab"[k % 2]) for k in range(40)]
    own = {"columns": {"x": "number", "y": "number"}, "labels": ("a", "b")}
    lines = [f"{x},{y},{label}" for x, y, label in rows]
    same = ["x,y,class", *lines], ["x,y,class", *(line.replace(",", " , ", 1) for line in lines)]
    one, spaced = (made("\n".join(text), tmp_path / str(k), **own)[0] for k, text in enumerate(same))
    assert (one.sha256, one.raw_test_sha256) == (spaced.sha256, spaced.raw_test_sha256)
    renamed = [line.replace(",b", ",c") for line in lines]
    others = [
        made("\n".join(["x,y,class", *renamed]), tmp_path / "c", **own | {"labels": ("a", "c")})[0],
        made("\n".join(["x,z,class", *lines]), tmp_path / "z", **own | {"columns": {"x": "number", "z": "number"}})[0],
    ]
    assert len({dataset.sha256 for dataset in (one, *others)}) == 3
    assert len({dataset.raw_test_sha256 for dataset in (one, *others)}) == 3
    for dataset in others:  # though the arrays are equal
        np.testing.assert_array_equal(dataset.train.x, one.train.x)


def test_the_digest_of_the_raw_test_set_ignores_scaling_dtype_and_the_training_set(tmp_path: Path) -> None:
    text = "x,class\n" + "".join(f"{k},{'ab'[k % 2]}\n" for k in range(40))
    changes: list[dict[str, Any]] = [{}, {"scaling": "none"}, {"dtype": "float64"}]
    changes += [{"split": Split(0.4, 0.25, 0.25, stratify=False)}, {"seed": 1}]
    digests = []
    for k, change in enumerate(changes):
        (tmp_path / str(k)).mkdir()
        (tmp_path / str(k) / "mine.csv").write_text(text)
        mine = dataclasses.replace(recipe(tmp_path / str(k) / "mine.csv"), **change)
        digests.append(prepare(mine, tmp_path / str(k)).raw_test_sha256)
    assert len({*digests[:4]}) == 1
    assert digests[4] != digests[0]


@given(
    data=st.data(),
    sizes=st.lists(st.integers(1, 9), min_size=6, max_size=30),
    stratify=st.booleans(),
    seed=st.integers(0, 99),
)
def test_groups_are_never_divided_and_sets_have_about_their_sizes(
    data: st.DataObject, sizes: list[int], stratify: bool, seed: int
) -> None:
    group = np.repeat(np.arange(len(sizes)), sizes)
    y = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(group), max_size=len(group))), np.int64)
    parts = cut(y, Split(0.5, 0.25, 0.25, stratify=stratify), seed, group=group)
    held = [set(group[rows].tolist()) for rows in parts.values()]
    assert all(held)
    assert sum(map(len, held)) == len(set.union(*held)) == len(sizes)
    if not stratify:
        for part, share in (("train", 0.5), ("valid", 0.25), ("test", 0.25)):
            assert abs(len(parts[part]) - share * len(y)) <= 2 * max(sizes)
    again = cut(y, Split(0.5, 0.25, 0.25, stratify=stratify), seed, group=group)
    assert all(np.array_equal(parts[part], again[part]) for part in PARTS)


def test_a_split_by_groups_keeps_the_proportions_of_the_classes() -> None:
    random = np.random.default_rng(0)
    group = np.sort(random.integers(0, 200, 3000))
    y = (random.random(3000) < np.where(group % 4 == 0, 0.9, 0.1)).astype(np.int64)
    for part in cut(y, Split(0.7, 0.15, 0.15), 0, group=group).values():
        assert y[part].mean() == pytest.approx(y.mean(), abs=0.02)


def test_too_few_groups_and_one_that_is_too_large_are_refused(tmp_path: Path) -> None:
    own = {"group": "who"}
    text = "x,who,class\n" + "".join(f"{k},{'uv'[k % 2]},{'ab'[k % 2]}\n" for k in range(40))
    assert "2 groups for 3 sets" in refusal(made, text, tmp_path / "1", **own)
    assert "data.split.draw=choice" in refusal(
        dataclasses.replace, recipe(tmp_path / "1" / "mine.csv", **own), split=Split(1, 1, 1, False, draw="choice")
    )


def test_a_second_file_is_the_test_set_in_any_order_of_columns(tmp_path: Path) -> None:
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("x,c,class\n" + "".join(f"{k},u,{'ab'[k % 2]}\n" for k in range(30)))
    test.write_text("class,x,c\nb,100,v\na,200,u\n")
    own = {"columns": {"x": "number", "c": "category"}, "test_path": str(test), "sha256": digest_of(train, test)}
    split = Split(20, 10, 2, published_test=True)
    mine = dataclasses.replace(recipe(train, **own, scaling="none"), split=split)
    make(mine, *STAGES, root=tmp_path)
    dataset = prepare(mine, tmp_path)
    assert dataset.test.x.tolist() == [[100, 0], [200, 1]]
    assert dataset.test.y.tolist() == [1, 0]
    assert dataset.train.x[:, 0].max() < 30
    other = dataclasses.replace(mine, split=Split(20, 9, 3, published_test=True))
    assert "must be 2" in refusal(make, other, "split", root=tmp_path)


def test_arrays_of_changed_data_are_made_again_but_not_of_lost_ones(tmp_path: Path) -> None:
    text = "x,class\n" + "".join(f"{k},{'ab'[k % 2]}\n" for k in range(40))
    before, _ = made(text, tmp_path)
    old = recipe(tmp_path / "mine.csv")
    (tmp_path / "mine.csv").write_text(text + "99,a\n")
    new = recipe(tmp_path / "mine.csv")
    assert "has changed" in refusal(make, old, "fetch", root=tmp_path)
    assert prepare(old, tmp_path).sha256 == before.sha256
    after = prepare(new, tmp_path)
    assert len(after.train.y) + len(after.valid.y) + len(after.test.y) == 41
    assert "has changed" in refusal(prepare, old, tmp_path)
    assert prepare(new, tmp_path).sha256 == after.sha256
    (tmp_path / "mine.csv").unlink()
    (tmp_path / "data" / "raw" / "mine" / "original").write_text("damaged")
    with pytest.raises(RunFailed, match=r"no such file or folder, and the copy is damaged.*dvc checkout data/raw/mine"):
        make(new, "fetch", root=tmp_path)
    assert prepare(new, tmp_path).sha256 == after.sha256  # whose arrays are whole


NORMALIZE = """
import resource, sys
from pathlib import Path
from src.data import encoding
from src.data.originals import digest_of
from src.data.recipe import Recipe
from src.data.recipes import make
from src.data.splits import Split
encoding._BLOCK = 8 << 20  # of this small table, as 64 MB are of a large one
folder, stage = Path(sys.argv[1]), sys.argv[2]
columns = {f"c{k}": "number" for k in range(100)}
own = {"path": str(folder / "a.csv"), "sha256": digest_of(folder / "a.csv"), "label": "class", "labels": ("a", "b")}
make(Recipe("a", "table", Split(0.6, 0.2, 0.2), "per_feature", columns=columns, **own), stage, root=folder)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_a_table_is_prepared_in_less_memory_than_it_would_take(tmp_path: Path) -> None:
    """Its 150 000 rows of 100 columns take 120 MB as float64, and 60 MB as float32."""

    def peaks(rows: int) -> list[int]:
        folder = tmp_path / str(rows)
        folder.mkdir()
        lines = [",".join(str((k * j) % 10) for j in range(100)) + f",{'ab'[k % 2]}\n" for k in range(1000)]
        with (folder / "a.csv").open("w") as file:
            file.write(",".join(f"c{k}" for k in range(100)) + ",class\n")
            for _ in range(rows // 1000):
                file.writelines(lines)
        command = [sys.executable, "-c", NORMALIZE, str(folder)]
        done = [subprocess.run([*command, stage], cwd=ROOT, capture_output=True, check=True) for stage in STAGES]
        return [int(one.stdout) for one in done]

    few, many = peaks(1000), peaks(150_000)
    assert [a - b < 80 for a, b in zip(many, few, strict=True)] == [True] * 3, (few, many)
