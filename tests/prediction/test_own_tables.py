"""Models of one's own tables take the columns of new files, whatever their order."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from src.config.tree import build
from src.data.originals import digest_of
from src.data.recipes import prepare
from src.prediction.inputs import read_examples
from src.prediction.own_tables import SEPARATORS
from src.prediction.predictions import open_model, predictions
from src.prediction.scoring import score, score_table
from src.prediction.signature import Signature, signature_of
from src.runs.folder import RunFolder
from src.runs.model import Model
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.helpers.composing import composed
from tests.helpers.refusals import refusal

COLUMNS = {"height=1": "number", "colour": "category", "${x}, y": "number"}


class Own:
    """A model that was trained on a small table, the data and the rows of its file."""

    def __init__(self, folder: Path, columns: dict[str, str] = COLUMNS) -> None:
        random = np.random.default_rng(0)
        colours = random.choice(["red", "a=b", "no"], 80).tolist()
        self.rows = [(f"{random.normal():.4f}", colour, f"{k % 7}", "yn"[k % 2]) for k, colour in enumerate(colours)]
        self.file = written(folder / "own.csv", ("height=1", "colour", "${x}, y", "class"), self.rows)
        tree = composed(
            "data=digits", "tracking=off", "train.epochs=3", "train.batch_size=8", "model.hidden=[4]"
        ).plain()
        tree["data"] |= {"name": "own", "source": "table", "folder": "own", "path": str(self.file), "label": "class"}
        tree["data"] |= {"labels": ["n", "y"], "columns": columns, "scaling": "per_feature", "missing": "mean"}
        config = build(tree | {"data": tree["data"] | {"sha256": digest_of(self.file)}}, "a test")
        self.recipe, self.dataset = config.data, prepare(config.data, folder)
        self.folder = run(config, self.dataset, Tracker(), RunFolder(folder / "run")).folder.path
        self.model: Model
        self.signature: Signature
        self.model, self.signature = open_model(str(self.folder))


def written(file: Path, names: tuple[str, ...], rows: list[tuple[str, ...]]) -> Path:
    lines = [",".join(f'"{cell}"' for cell in row) for row in (names, *rows)]
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Own:
    return Own(tmp_path_factory.mktemp("own"))


def predicted(own: Own, *arguments: str) -> list[str]:
    return [one.label for one in predictions(own.model, own.signature, read_examples(arguments, own.signature))]


def test_columns_are_found_by_name_and_others_are_named(
    own: Own, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = predicted(own, str(own.file))
    assert capsys.readouterr().err == ""  # the label is no surprise
    turned = written(
        tmp_path / "new.csv", ("note", "${x}, y", "height=1", "colour"), [("?", c, a, b) for a, b, c, _ in own.rows]
    )
    assert predicted(own, str(turned)) == whole
    assert capsys.readouterr().err == f"{turned}: not used: note\n"
    height, colour, x, _ = own.rows[0]
    assert predicted(own, f"height=1={height}", f"colour={colour}", f"${{x}}, y={x}") == whole[:1]


@pytest.mark.parametrize("separator", SEPARATORS)
def test_the_separator_is_the_one_that_gives_the_columns(
    separator: str, own: Own, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = predicted(own, str(own.file))
    file = tmp_path / "new.csv"
    file.write_text(own.file.read_text().replace('","', f'"{separator}"'))
    assert predicted(own, str(file)) == whole
    assert capsys.readouterr().err == ""
    file.write_text(file.read_text().replace("height=1", " height=1"))
    if separator == ",":
        said = "no column height=1, which this model takes; did you mean ' height=1'? (it has ' height=1', "
        assert said in refusal(predicted, own, str(file))
        file.write_bytes(own.file.read_text().encode("utf-16"))
        assert refusal(predicted, own, str(file)).endswith("or a table in UTF-16, as CSV in UTF-8")
        file.write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
        assert "not a table that can be read; this model takes the columns" in refusal(predicted, own, str(file))


def test_a_value_that_misses_or_has_a_decimal_comma_can_be_typed(own: Own) -> None:
    def typed(height: str, decimal: str = ".") -> list[float]:
        assert own.signature.table is not None
        table = own.signature.table._replace(decimal=decimal)
        x: list[float] = table.typed([f"height=1={height}", "colour=red", "${x}, y=3"])[0].tolist()
        return x

    assert typed("0,5", ",") == typed("0.5")
    assert own.signature.table is not None
    filled, there = typed(""), typed("0.5")
    assert filled[0] == own.signature.table.encoding.columns[0].fill
    assert filled[1:] == there[1:]
    assert refusal(typed, "0,5") == "height=1=0,5: not a number, like 0.5"


def test_a_file_is_scored_as_the_data_are(own: Own, tmp_path: Path) -> None:
    file = written(tmp_path / "all.csv", (*COLUMNS, "class"), own.rows)
    found = score_table(own.model, own.signature, file)
    counts = [score(own.model, own.signature, own.dataset, name).confusion for name in ("train", "valid", "test")]
    np.testing.assert_array_equal(found.confusion, sum(counts))
    assert found.scores["overall"]["num_samples"] == 80


def test_what_the_training_set_lacked_and_what_is_missing_is_told(
    own: Own, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = written(tmp_path / "odd.csv", tuple(COLUMNS), [("", "purple", "1"), ("0.5", "", "2")])
    x = read_examples([str(odd)], own.signature).x
    assert "1 with a colour that the training set lacked; its features are 0" in capsys.readouterr().err
    names = own.dataset.features or ()
    scaled = own.signature.inputs(read_examples([str(odd)], own.signature))
    assert abs(scaled[0, names.index("height=1")]) < 1e-6  # the mean
    colours = [k for k, name in enumerate(names) if name.startswith("colour=")]
    assert not x[:, colours].any()


def test_rows_are_named_by_their_lines(own: Own, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text('colour,"height=1","${x}, y",note\n\nred,1,2,"a\nb"\nno,1,2,c\n')
    assert read_examples([str(file)], own.signature).names == [f"{file}:3", f"{file}:5"]


@pytest.mark.parametrize(
    ("names", "row", "expected"),
    [
        (
            ("height", "colour", "${x}, y"),
            ("1", "red", "1"),
            "no column height=1, which this model takes; did you mean height?",
        ),
        (("colour",), ("red",), "no column height=1, ${x}, y, which this model takes; it has colour"),
        (("a;b",), ("1;2",), "which this model takes; it has a;b"),
        (tuple(COLUMNS), ("tall", "red", "1"), "line 2: height=1=tall: not a number"),
        (tuple(COLUMNS), ("", "", ""), "new.csv:2: all cells of the model's columns are empty; remove this line"),
        (tuple(COLUMNS), ("inf", "red", "1"), "line 2: height=1=inf: too large"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    own: Own, names: tuple[str, ...], row: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    file = written(tmp_path / "new.csv", names, [row])
    assert expected in refusal(read_examples, [str(file)], own.signature)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["height=1=2", "colour=red"], "${x}, y missing; this model takes the columns height=1, colour, ${x}, y: as"),
        (["weight=2"], "not a column of this model; did you mean height=1?"),
        (["colour=red", "colour=no"], "a second value of colour"),
        (["height=1=x", "colour=red", "${x}, y=1"], "height=1=x: not a number"),
    ],
)
def test_typed_values_that_do_not_fit_are_refused(own: Own, arguments: list[str], expected: str) -> None:
    assert expected in refusal(read_examples, arguments, own.signature)


def test_a_damaged_encoding_is_refused(own: Own) -> None:
    scaling = own.model.header["scaling"]
    for encoding in (
        5,
        {"a": 1},
        [{"name": "x"}],
        [{"name": 1, "fill": 0.5}],
        scaling["encoding"][:-1],
        [{"name": "x", "fill": "1"}],
    ):
        header = own.model.header | {"scaling": scaling | {"encoding": encoding}}
        refusal(signature_of, own.model._replace(header=header), "a model")


def test_a_table_that_was_split_otherwise_is_scored_whatever_its_categories(own: Own, tmp_path: Path) -> None:
    rows = [row for row in own.rows if row[1] != "no"]  # a category that the other training set lacks
    file = written(
        tmp_path / "other.csv", ("colour", "class", "height=1", "${x}, y"), [(b, d, a, c) for a, b, c, d in rows]
    )
    other = dataclasses.replace(own.recipe, name="other", path=str(file), sha256=digest_of(file), seed=3)
    dataset = prepare(other, tmp_path)
    assert dataset.features != own.dataset.features
    found = [score(own.model, own.signature, dataset, part).confusion for part in ("train", "valid", "test")]
    np.testing.assert_array_equal(sum(found), score_table(own.model, own.signature, file).confusion)
    fewer = dataclasses.replace(other, name="fewer", columns={"height=1": "number", "colour": "category"})
    message = refusal(score, own.model, own.signature, prepare(fewer, tmp_path), "test")
    assert "data=fewer: no number column ${x}, y, which the model takes" in message


def test_categories_of_which_the_model_knows_none_are_scored(tmp_path: Path) -> None:
    own = Own(tmp_path, {"colour": "category"})
    file = written(tmp_path / "other.csv", ("colour", "class"), [("bg"[k % 3 % 2], "yn"[k % 2]) for k in range(60)])
    other = dataclasses.replace(own.recipe, name="other", path=str(file), sha256=digest_of(file))
    found = score(own.model, own.signature, prepare(other, tmp_path), "test")
    assert sum(found.confusion.any(axis=0)) == 1  # all inputs are zeros, and so the same class
