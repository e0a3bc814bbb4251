"""A checkout without Git gets DVC's setting for one, and loses it where there is Git."""

from pathlib import Path

from src.health.git import setting_without_git
from tests.health.mending import mend


def test_the_setting_follows_git_and_leaves_other_settings_alone(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    analytics = false\n")
    local = tmp_path / ".dvc/config.local"
    local.write_text("[cache]\n    dir = elsewhere\n")
    assert mend(setting_without_git, tmp_path).where == local
    assert not list(setting_without_git(tmp_path))
    assert "no_scm = true" in local.read_text().lower()
    (tmp_path / ".git").mkdir()
    mend(setting_without_git, tmp_path)
    assert not list(setting_without_git(tmp_path))
    assert "no_scm" not in local.read_text()
    assert "dir = elsewhere" in local.read_text()
    local.unlink()
    assert not list(setting_without_git(tmp_path))
