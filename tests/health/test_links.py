"""Links in the place of folders."""

from pathlib import Path

from src.health.links import lost_links


def test_a_link_that_leads_nowhere_is_for_the_user_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for name, target in (("data", "there"), ("runs", "/nowhere/runs"), ("mlartifacts", "mlartifacts")):
        (tmp_path / name).symlink_to(target)
    found = list(lost_links(tmp_path))
    assert [finding.where.name for finding in found] == ["mlartifacts", "runs"]
    assert not any(finding.mend for finding in found)
