"""`python -m src.add`: the recipe says what was found, Hydra composes it, and nothing is written about bad data."""

import csv
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from PIL import Image

from src.adding.recipe import quoted, training_examples
from src.config.composition import compose
from src.config.interpolations import escaped
from src.data.recipes import prepare
from tests.conftest import ROOT
from tests.data.conftest import idx_bytes
from tests.helpers.commands import run_main
from tests.helpers.refusals import assert_rejected

NASTY = (
    *("no", "class", "${x}", r"\${x}", "${oc.env:HOME}", "_target_", "1", "1e3", "null", "~", "a.b", "a=b"),
    *("[x]", "{x: 1}", '"', "'", "# no", "x: y", "- x", "é", "\N{SNOWMAN}", "\N{GRINNING FACE}"),
    *("two\nlines", "\u2028", "\x7f"),
    *("=", "<<", "*x", "&x", "!x", "%x", "@x", "`x`", " x ", "\\", "\\n", "searchpath", "()", ",", ";"),
)  # fmt: skip
LABELS = (*NASTY[:9], *NASTY[14:20])


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of conf/, where recipes are written and composed."""
    folder = tmp_path / "here" / "conf"
    shutil.copytree(ROOT / "conf", folder)
    for module in ("src.config.groups", "src.adding.recipe", "src.adding.command"):
        monkeypatch.setattr(f"{module}.ROOT", folder.parent)
    monkeypatch.setattr("src.config.composition.CONF", str(folder))
    return folder


def table(path: Path, header: Any, rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def flowers(path: Path, n: int = 60) -> Path:
    return table(path, ("x", "colour", "class"), [(k / 4, "rgb"[k % 7 % 3], "ab"[k % 2]) for k in range(n)])


def added(*arguments: object) -> str:
    done = run_main("add", "data", *map(str, arguments))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def files(conf: Path) -> dict[str, bytes]:
    return {str(path.relative_to(conf)): path.read_bytes() for path in conf.rglob("*.yaml")}


def test_any_text_is_a_name_of_a_column_or_a_class(conf: Path, tmp_path: Path) -> None:
    rows = [(*(k + j for j in range(len(NASTY))), LABELS[k % len(LABELS)]) for k in range(20 * len(LABELS))]
    path = table(tmp_path / "a $(folder)" / "x ${y}.csv", (*NASTY, "the ${label}"), rows)
    added("mine", path, "--label", "the ${label}")
    config = compose(["experiment=mine"])
    assert dict(config.data.columns) == dict.fromkeys(NASTY, "number")
    assert list(config.data.columns) == list(NASTY)
    assert config.data.labels == tuple(sorted(LABELS))
    assert (config.data.label, config.data.path) == ("the ${label}", str(path))


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_text_is_quoted_so_that_yaml_and_omegaconf_give_it_back(text: str) -> None:
    assert yaml.safe_load(f"key: {quoted(text)}\n") == {"key": text}
    loaded = yaml.load(f"key: {quoted(escaped(text))}\n", getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    assert OmegaConf.to_container(OmegaConf.create(loaded), resolve=True) == {"key": text}


def pictures(folder: Path) -> Path:
    for k in range(24):
        path = folder / ("cats", "dogs")[k % 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((5, 4 + k % 2), 10 * k, np.uint8)).save(path)
    return folder


def idx_files(folder: Path) -> Path:
    folder.mkdir()
    for part, n in (("train", 40), ("t10k", 20)):
        images = np.random.default_rng(n).integers(0, 256, (n, 4, 3))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(n) % 3))
    return folder


def arrays(folder: Path) -> Path:
    np.savez(f"{folder}.npz", x=np.random.default_rng(0).normal(size=(40, 3)), y=np.arange(40) % 2)
    return Path(f"{folder}.npz")


# What makes the data; the options; the labels, the image, and how many examples each set has.
KINDS: dict[str, tuple[Callable[[Path], Path], list[str], Any, Any, list[int]]] = {
    "table": (lambda folder: flowers(folder / "x.csv"), ["--label", "class"], ("a", "b"), None, [42, 9, 9]),
    "arrays": (arrays, [], ("0", "1"), None, [28, 6, 6]),
    "idx": (idx_files, [], ("0", "1", "2"), (4, 3), [34, 6, 20]),
    "images": (pictures, [], ("cats", "dogs"), (5, 4), [16, 4, 4]),
    "images of a size": (pictures, ["--size", "2x3"], ("cats", "dogs"), (2, 3), [16, 4, 4]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_each_kind_are_added_and_prepared(kind: str, conf: Path, tmp_path: Path) -> None:
    make, options, labels, image, sizes = KINDS[kind]
    told = added("mine", make(tmp_path / "data of mine"), *options)
    config = compose(["experiment=mine"])
    dataset = prepare(config.data, tmp_path)
    assert (dataset.labels, dataset.image) == (labels, image)
    assert [len(part.y) for part in (dataset.train, dataset.valid, dataset.test)] == sizes
    assert config.train.batch_size is not None
    assert config.train.batch_size <= sizes[0]
    assert compose(["data=mine"]).data == config.data
    assert "git add -N conf/data/mine.yaml conf/experiment/mine.yaml\n  dvc exp run -S experiment=mine\n" in told


def test_a_test_set_of_its_own_is_the_published_one(conf: Path, tmp_path: Path) -> None:
    added("mine", flowers(tmp_path / "a.csv"), "--label", "class", "--test", flowers(tmp_path / "b.csv", 12))
    dataset = prepare(compose(["data=mine"]).data, tmp_path)
    assert [len(part.y) for part in (dataset.train, dataset.valid, dataset.test)] == [51, 9, 12]
    added("two", pictures(tmp_path / "one"), "--test", pictures(tmp_path / "other"))
    dataset = prepare(compose(["data=two"]).data, tmp_path)
    assert [len(part.y) for part in (dataset.train, dataset.valid, dataset.test)] == [20, 4, 24]


def test_pictures_of_other_kinds_are_left_out_with_a_warning(conf: Path, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pets")
    for name in ("cats/a.HEIC", "cats/b.heic", "dogs/c.tif", "dogs/notes.txt"):
        (folder / name).write_bytes(b"whatever it holds")
    printed = added("pets", folder)
    assert "ignored   4 files" in printed
    assert "pictures of other kinds are left out (2 .heic, 1 .tif); convert them to PNG" in printed


def test_changed_data_are_taken_and_what_the_user_chose_stays(conf: Path, tmp_path: Path) -> None:
    path = flowers(tmp_path / "x.csv")
    added("mine", path, "--label", "class", "--category", "x", "--missing", "drop")
    assert ": table; as before\n" in added("mine", "--update")
    (conf / "experiment/mine.yaml").write_text("# @package _global_\nseed: 7\n")
    recipe = conf / "data/mine.yaml"
    recipe.write_text(
        recipe.read_text().replace("per_feature", "standard\nseed: 3").replace("train: 0.7", "train: 0.6")
    )
    before = compose(["data=mine"]).data
    flowers(path, 72)
    assert ": table; changed\n" in added("mine", "--update")
    after = compose(["data=mine"]).data
    assert after.sha256 != before.sha256
    kept = ("split", "scaling", "seed", "columns", "missing", "label", "path", "folder")
    assert [getattr(after, key) for key in kept] == [getattr(before, key) for key in kept]
    assert (conf / "experiment/mine.yaml").read_text() == "# @package _global_\nseed: 7\n"
    table(path, ("x", "class"), [(1, "a")])
    unchanged = files(conf)
    assert_rejected(run_main("add", "data", "mine", "--update"), "no longer has the column colour")
    flowers(path, 80)
    told = added("mine", "--update", "--leave-out", "x", "--missing", "mean")
    assert "1 category: colour" in told
    recipe.write_bytes(unchanged["data/mine.yaml"])
    path.unlink()
    assert_rejected(run_main("add", "data", "mine", "--update"), "x.csv: no such file or folder")
    assert files(conf) == unchanged
    added("mine", flowers(tmp_path / "moved.csv"), "--update")
    assert compose(["data=mine"]).data.path == str(tmp_path / "moved.csv")


def test_an_updated_recipe_leaves_no_arrays_that_another_one_made(conf: Path, tmp_path: Path) -> None:
    """The same file, other columns: its digest does not tell."""
    added("mine", flowers(tmp_path / "x.csv"), "--label", "class")

    def columns(*update: str) -> list[str]:
        if update:
            added("mine", "--update", *update)
        return list(prepare(compose(["data=mine"]).data, conf.parent).features or ())

    assert columns() == ["x", "colour=b", "colour=g", "colour=r"]
    assert columns("--leave-out", "x") == ["colour=b", "colour=g", "colour=r"]
    assert columns("--category", "x")[-4:-2] == columns("--label", "class")[-4:-2]
    assert "class=a" in columns("--label", "colour")


def test_a_column_called_like_a_value_of_an_option_stays_as_it_was(conf: Path, tmp_path: Path) -> None:
    rows = [(k / 4, k % 3, k % 5, "ab"[k % 2]) for k in range(60)]
    path = table(tmp_path / "x.csv", ("x", "mean", "drop", "class"), rows)
    added("mine", path, "--label", "class", "--leave-out", "mean", "--category", "drop")
    for missing in ("mean", "drop"):
        added("mine", "--update", "--missing", missing)
        assert compose(["data=mine"]).data.columns == {"x": "number", "drop": "category"}


def test_two_recipes_may_be_about_one_file(conf: Path, tmp_path: Path) -> None:
    path = flowers(tmp_path / "x.csv")
    added("one", path, "--label", "class")
    added("two", path, "--label", "colour")
    assert len({prepare(compose([f"data={name}"]).data, tmp_path).sha256 for name in ("one", "two")}) == 2


def mistakes(folder: Path) -> dict[str, tuple[list[object], str]]:
    path, whole = flowers(folder / "x.csv"), ["--label", "class"]
    os.mkfifo(folder / "pipe")
    (folder / "nothing").mkdir()
    for name, content in (
        ("book.xlsx", b"PK\3\4"),
        ("a.npy", b"\x93NUMPY"),
        ("u.csv", "x,y".encode("utf-16")),
        ("e.csv", b""),
    ):
        (folder / name).write_bytes(content)
    pictures(folder / "pets")
    (folder / "link").symlink_to("pets")
    np.savez(folder / "x.npz", x=np.zeros((9, 2)), y=np.arange(9) % 3)
    (folder / "pets" / "dogs" / "broken.png").write_bytes(b"\x89PNG\r\n")
    return {
        "a taken recipe": (["digits", path, *whole], "digits: this name is taken by the recipe conf/data/digits.yaml"),
        "a taken experiment": (["spiral_mlp", path, *whole], "taken by the experiment conf/experiment/spiral_mlp.yaml"),
        **{name: ([name, path, *whole], "not a name for a recipe") for name in ("a/b", "1", "a b", "", "é")},
        **{name: ([name, path, *whole], "YAML reads this word as a value") for name in ("null", "on", "No", "y")},
        "no path": (["mine"], "PATH is missing"),
        "a name that is no text": (["mine", os.fsdecode(b"gr\xf6n.csv"), *whole], "this locale can't read its name"),
        "no file": (["mine", folder / "y.csv", *whole], "y.csv: no such file or folder"),
        "a pipe": (["mine", folder / "pipe", *whole], "neither a file nor a folder, but a pipe"),
        "a device": (["mine", "/dev/null", *whole], "neither a file nor a folder"),
        "an empty folder": (["mine", folder / "nothing"], "no folders in it"),
        "a workbook": (["mine", folder / "book.xlsx"], "a damaged archive"),
        "an array": (["mine", folder / "a.npy"], "np.savez('mine.npz', x=x, y=y)"),
        "UTF-16": (["mine", folder / "u.csv", *whole], "save it as UTF-8"),
        "an empty file": (["mine", folder / "e.csv", *whole], "an empty file"),
        "one picture": (["mine", folder / "pets" / "cats" / "0.png"], "one picture; give a folder"),
        "a broken picture": (["mine", folder / "pets"], "dogs/broken.png: not a picture"),
        "a column of pictures": (["mine", folder / "pets", *whole], "--label: only for a table; "),
        **{
            f"{option[0]} of pictures": (["mine", folder / "pets", *option], f"{option[0]}: only for a table; ")
            for option in (["--missing", "mean"], ["--decimal", ","], ["--category", "x"], ["--leave-out", "x"])
        },
        "the size of a table": (["mine", path, *whole, "--size", "3x3"], "--size: only for a folder of pictures"),
        "no size": (["mine", folder / "pets", "--size", "big"], "big: must be height x width"),
        "another kind to test on": (["mine", path, *whole, "--test", folder / "pets"], "images; allowed: table"),
        "the data to test on": (["mine", path, *whole, "--test", path], "the same examples as"),
        "a copy to test on": (["mine", path, *whole, "--test", flowers(folder / "copy.csv")], "the same examples as"),
        "a link to test on": (["mine", folder / "pets", "--test", folder / "link"], "the same examples as"),
        "a test set of arrays": (
            ["mine", folder / "x.npz", "--test", path],
            "data of the kind arrays have their test set in them; put it into this file, as x_test and y_test",
        ),
        "a column in two roles": (
            ["mine", path, *whole, "--category", "x", "--leave-out", "x"],
            "--category x and --leave-out x: give one of them",
        ),
        "nothing to update": (["mine", "--update"], "there is no conf/data/mine.yaml; add it without --update"),
        "not their own": (["digits", "--update"], "not data of your own, but data.source=digits"),
        "another command": (["mine", path, *whole, "--lable", "x"], "--lable"),
    }  # fmt: skip


def test_bad_data_and_slips_are_rejected_in_one_line_and_nothing_is_written(conf: Path, tmp_path: Path) -> None:
    before = files(conf)
    for slip, (arguments, message) in mistakes(tmp_path).items():
        assert_rejected(run_main("add", "data", *map(str, arguments)), message)
        assert files(conf) == before, slip
    said = "error: wine: did you mean `python -m src.add data wine 'my wine.csv' --label x`?"
    assert_rejected(run_main("add", "wine", "my wine.csv", "--label", "x"), said)
    said = "error: daat: did you mean `python -m src.add data wine x.csv`?"
    assert_rejected(run_main("add", "daat", "wine", "x.csv"), said)
    said = f"did you mean `python -m src.add data NAME {tmp_path / 'x.csv'} --label class`?"
    assert_rejected(run_main("add", str(tmp_path / "x.csv"), "--label", "class"), said)
    assert_rejected(run_main("add"), "required: what")
    assert_rejected(run_main("add", "wine"), "invalid choice: 'wine'")


def test_data_for_which_the_disk_has_no_room_are_refused(conf: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: Mock(free=1000))
    before = files(conf)
    message = "GiB on the disk of .*arrays of 240 numbers; 0.0 GiB are free"
    done = run_main("add", "data", "mine", str(flowers(tmp_path / "x.csv")), "--label", "class")
    assert_rejected(done)
    assert re.search(message, done.stderr)
    assert files(conf) == before


def test_the_experiment_is_about_the_examples_that_train(conf: Path, tmp_path: Path) -> None:
    path = flowers(tmp_path / "x.csv", 60)
    for name, tested in (("whole", []), ("apart", ["--test", flowers(tmp_path / "y.csv", 30)])):
        added(name, path, "--label", "class", *tested)
        recipe = compose([f"experiment={name}"]).data
        sizes = len(prepare(recipe, tmp_path).train.y)
        assert abs(training_examples(recipe, Mock(examples=60)) - sizes) <= 2


def test_help_teaches(conf: Path) -> None:
    done = run_main("add", "--help")
    assert done.returncode == 0
    assert re.search(r"python -m src\.add data mine wine\.csv --label class", done.stdout)
