"""The typed tree: the committed snapshot, snapshots that are damaged, and any value of any key."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.compose import snapshot
from src.config import tree as config
from src.foundation.errors import UserError
from src.foundation.schema import flatten
from tests.conftest import ROOT
from tests.helpers.composing import composed, put


def test_the_committed_snapshot_is_what_conf_composes_to() -> None:
    assert (ROOT / "params.yaml").read_text() == snapshot([])
    assert config.read_snapshot() == composed()  # with the digest of conf/


CONTENTS = [None, "", "[1, 2]", "just text", "a: [", "- a\n- b", "\x00", "a: !!python/name:os.system", "{}"]


@pytest.mark.parametrize("content", CONTENTS)
def test_a_damaged_or_missing_snapshot_is_rejected_with_the_remedy(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "params.yaml").write_text(content)
    problem = "no such file" if content is None else ".*"
    restore = r"to restore params\.yaml, run `git checkout params\.yaml` or `python -m src\.compose`"
    with pytest.raises(UserError, match=rf"^params\.yaml: {problem}; {restore}$") as rejected:
        config.read_snapshot(tmp_path / "params.yaml")
    assert "\n" not in str(rejected.value)


@pytest.mark.parametrize(("written", "read"), [("1e-3", 0.001), ("1E5", 100000.0), ("-2e+2", -200.0), ("3", 3)])
def test_numbers_are_read_as_people_write_them(tmp_path: Path, written: str, read: float) -> None:
    (tmp_path / "params.yaml").write_text(f"lr: {written}\n")
    assert config.read_yaml(tmp_path / "params.yaml") == {"lr": read}


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=3)
)


TEXTS = st.text(max_size=8) | st.from_regex(r"[-+]?[0-9_.]{1,4}([eE][-+]?[0-9]{1,3})?", fullmatch=True)


@given(tree=st.dictionaries(TEXTS, TEXTS | st.lists(TEXTS, max_size=3) | st.floats(allow_nan=False) | st.none()))
def test_what_is_written_is_read_again(tree: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("written") / "config.yaml"
    file.write_text(config.yaml_text(tree))
    assert config.read_yaml(file) == tree


@settings(max_examples=300)
@given(key=st.deferred(lambda: st.sampled_from(sorted(key for key, _ in flatten(composed().plain())))), value=VALUES)
def test_any_value_of_any_key_is_accepted_or_rejected_in_one_line(key: str, value: object) -> None:
    tree = composed().plain()
    put(tree, key, value)
    try:
        built = config.build(tree, "a test")
    except UserError as error:
        message = str(error)
    else:
        assert config.build(built.plain(), "again") == built
        return
    assert key in message
    assert "\n" not in message
