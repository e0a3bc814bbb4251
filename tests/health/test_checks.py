"""The table of checks: one that fails is a finding, and the others still run; none finds anything in a new checkout."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.health import checks
from src.health.finding import Finding


def broken(root: Path) -> Iterator[Finding]:
    yield Finding("one", root, None, "")
    raise ValueError("of its own")


def unwritable(root: Path) -> Iterator[Finding]:
    yield from ()
    raise OSError(errno.EROFS, "Read-only file system", str(root / "lock"))


def last(root: Path) -> Iterator[Finding]:
    yield Finding("another", root, None, "")


def test_a_check_that_fails_is_a_finding_and_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "CHECKS", (broken, unwritable, unwritable, last))
    found = [finding.what for finding in checks.examine(tmp_path)]
    readonly = f"{tmp_path}/lock: the disk is read-only"  # whose checks all fail for it
    assert found == ["one", "the check broken failed (ValueError: of its own)", readonly, "another"]


@pytest.mark.parametrize("check", checks.CHECKS)
def test_every_check_has_one_line_of_words_and_finds_and_makes_nothing_in_an_empty_folder(
    tmp_path: Path, check: checks.Check
) -> None:
    assert check.__doc__ is not None
    assert "\n" not in check.__doc__
    assert bool(list(check(tmp_path))) == (check.__name__ == "stale_snapshot")  # as params.yaml is missing
    assert not list(tmp_path.iterdir())
