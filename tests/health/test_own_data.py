"""Own data that have changed are named, with the command that takes them; what is as it was, or elsewhere, is not."""

import json
from pathlib import Path

import pytest

from src.data.originals import digest_of
from src.health.own_data import changed_originals


@pytest.mark.parametrize("tested", [False, True])
def test_changed_originals_are_named(tested: bool, tmp_path: Path) -> None:
    (tmp_path / "conf" / "data").mkdir(parents=True)
    original, test = tmp_path / "a ${b}.csv", tmp_path / "pictures"
    original.write_text("x,y\n1,2\n")
    test.mkdir()
    (test / "a.png").write_bytes(b"a")
    paths = {"path": original} | ({"test_path": test} if tested else {})
    recipe = {key: str(path).replace("${", r"\${") for key, path in paths.items()}
    recipe |= {"source": "table", "sha256": digest_of(original, test if tested else None)}
    (tmp_path / "conf/data/mine.yaml").write_text(json.dumps(recipe))
    (tmp_path / "conf/data/digits.yaml").write_text("source: digits\n")
    (tmp_path / "conf/data/broken.yaml").write_text("source: {\n")
    assert not list(changed_originals(tmp_path))
    for path in [original, test / "a.png"][: 1 + tested]:
        before = path.read_bytes()
        path.write_bytes(before + b" ")
        [finding] = changed_originals(tmp_path)
        assert str(original) in finding.what
        assert (finding.where.name, finding.mend) == ("mine.yaml", None)
        assert "python -m src.add data mine --update" in finding.advice
        path.write_bytes(before)
    original.unlink()
    assert not list(changed_originals(tmp_path))
