"""Files are whole or not there."""

import csv
import json
import os
import stat
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.foundation import files
from src.foundation.errors import UserError


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_write_replaces_the_whole_target_and_a_failed_one_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    target, folder = tmp_path / "file", tmp_path / "folder"
    for content in ("one", "two"):
        files.write_text(target, content)
        with files.replacing_folder(folder) as new:
            (new / content).touch()

    def fail(replacing: Callable[[Path], Any], target: Path) -> None:
        with replacing(target) as new:
            new.write(b"half") if target.is_file() else (new / "half").touch()
            raise error

    for replacing, path in ((files.replacing, target), (files.replacing_folder, folder)):
        with pytest.raises(error):
            fail(replacing, path)
    assert target.read_text() == "two"
    assert [path.name for path in folder.iterdir()] == ["two"]
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder"}


def test_a_write_goes_through_no_hard_link_and_leaves_the_permissions_of_the_umask(tmp_path: Path) -> None:
    cached, target = tmp_path / "cached", tmp_path / "target"
    cached.write_text("cache")
    os.link(cached, target)
    before = os.umask(0o022)
    try:
        files.write_text(target, "new")
    finally:
        os.umask(before)
    assert (cached.read_text(), target.read_text()) == ("cache", "new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_csv_keeps_every_bit_of_a_float_and_json_refuses_what_it_cannot_say(tmp_path: Path) -> None:
    files.write_csv(tmp_path / "file.csv", ("x",), [(0.1 + 0.2,)])
    assert float((tmp_path / "file.csv").read_text().split()[1]) == 0.1 + 0.2
    with pytest.raises(ValueError, match="JSON compliant"):
        files.write_json(tmp_path / "file.json", {"loss": float("nan")})
    assert [path.name for path in tmp_path.iterdir()] == ["file.csv"]


@given(rows=st.lists(st.tuples(st.text(max_size=6), st.text(max_size=6)), max_size=4))
def test_any_text_is_a_cell_of_a_table(rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("table") / "file.csv"
    files.write_csv(file, ("a", "b"), rows)
    with file.open(encoding="utf-8", newline="") as opened:
        assert list(csv.reader(opened)) == [["a", "b"], *map(list, rows)]


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e-11, 1e-11))
def test_rounding_keeps_nine_digits_and_nothing_of_how_a_float_was_summed(value: float, noise: float) -> None:
    [once] = files.rounded({"a": [value]})["a"]
    assert files.rounded(once) == once == pytest.approx(value, rel=5.001e-9)
    assert len(f"{Decimal(repr(once)).normalize():e}".partition("e")[0].replace(".", "").lstrip("-")) <= 9
    near = files.rounded((once * (1 + noise), 3, True, None, "0.1"))
    assert near == [once, 3, True, None, "0.1"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"1" * 5000])
def test_json_that_is_damaged_too_large_or_no_object_is_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.json").write_bytes(content)
    with pytest.raises(UserError, match=r"file\.json"):
        files.read_json(tmp_path / "file.json")
    (tmp_path / "file.json").write_text(json.dumps("x" * 100))
    with pytest.raises(UserError, match="at most 50"):
        files.read_json(tmp_path / "file.json", limit=50)
    (tmp_path / "file.json").write_text("[1]")
    with pytest.raises(UserError, match=r"file\.json: not a JSON object"):
        files.read_object(tmp_path / "file.json")


def test_a_tree_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    def digest(**contents: str) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        for name, content in contents.items():
            (folder / name).write_text(content)
        return files.sha256_tree(folder, folder.iterdir())

    assert digest(a="1", b="2") == digest(b="2", a="1")
    assert len({digest(a="1", b="2"), digest(a="2", b="1"), digest(a="12", b=""), digest(a="1")}) == 4


def test_home_is_the_repository_of_a_queued_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    repository = Path("/somewhere/my project")
    monkeypatch.setattr(files, "ROOT", repository)
    assert files.home() == repository
    monkeypatch.setattr(files, "ROOT", repository / ".dvc" / "tmp" / "exps" / "tmpabc")
    assert files.home() == repository
