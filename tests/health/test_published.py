"""params.yaml and the pipeline's model are compared with what they were made from; nothing of it is rewritten."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from src.compose import snapshot
from src.config.tree import Config
from src.data.dataset import Dataset
from src.health.published import damaged_model, stale_snapshot
from src.runs.experiment import run
from src.runs.tracker import NullTracker


def test_a_snapshot_is_told_of_when_it_is_stale_or_damaged(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    composed = snapshot([])
    file.write_text(composed)
    assert not list(stale_snapshot(tmp_path))
    digest = next(line for line in composed.splitlines() if line.startswith("conf_digest"))
    for text in (composed.replace(digest, "conf_digest: abc"), composed[: len(composed) // 2], "", "[", "\0"):
        file.write_text(text)
        [finding] = stale_snapshot(tmp_path)
        assert finding.mend is None
        assert "src.compose" in finding.advice
        assert "src.compose" not in finding.what
        assert file.read_text() == text
    file.unlink()
    assert list(stale_snapshot(tmp_path))


@pytest.fixture
def root(home: Path, small: Callable[..., Config], digits: Dataset) -> Path:
    outcome = run(small(), digits, NullTracker())
    (home / "models").mkdir()
    (home / "metrics").mkdir()
    (home / "models/model.npz").write_bytes((outcome.folder.path / "model.npz").read_bytes())
    (home / "metrics/train.json").write_text(json.dumps({"weights_sha256": outcome.result["weights_sha256"]}))
    return home


def test_a_model_is_told_of_when_it_is_damaged_or_another_one(root: Path) -> None:
    assert not list(damaged_model(root))
    (root / "metrics/train.json").write_text('{"weights_sha256": "0"}')
    assert [finding.mend for finding in damaged_model(root)] == [None]
    (root / "models/model.npz").write_bytes((root / "models/model.npz").read_bytes()[:-1])
    assert [finding.mend for finding in damaged_model(root)] == [None]
    (root / "metrics/train.json").unlink()
    assert not list(damaged_model(root))
