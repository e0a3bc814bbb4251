"""What a write that was cut off has left is removed, once nobody can be writing it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.foundation.files import replacing, replacing_folder
from src.health.leftovers import leftovers
from tests.health.processes import holding

RUN = "runs/" + "ab" * 32


def write_and_die(write: Iterator[object]) -> None:
    child = os.fork()
    if not child:
        next(write)
        os._exit(9)
    os.waitpid(child, 0)


def within(context: object) -> Iterator[object]:
    with context as opened:  # type: ignore[attr-defined]
        yield opened


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("lock", [f"{RUN}/lock", "runs/.locks/data-digits.lock"])
def test_what_belongs_to_a_lock_is_removed_once_it_is_free(tmp_path: Path, lock: str) -> None:
    (tmp_path / lock).parent.mkdir(parents=True)
    if lock.startswith(RUN):
        write_and_die(within(replacing(tmp_path / RUN / "model.npz")))
    else:
        write_and_die(within(replacing_folder(tmp_path / "data/normalized/digits")))
    with holding(tmp_path / lock):
        assert not list(leftovers(tmp_path))
    [finding] = leftovers(tmp_path)
    assert finding.mend is not None
    finding.mend()
    assert not finding.where.exists()
    assert not list(leftovers(tmp_path))


@pytest.mark.parametrize("name", ["models/.model.npz.12-0123abcd.tmp", ".params.yaml.12-0123abcd.tmp"])
@pytest.mark.parametrize("ages", [-7200, 7200])  # a clock may have been moved, either way
def test_what_belongs_to_no_lock_is_removed_once_it_is_old(tmp_path: Path, name: str, ages: int) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.touch()
    assert not list(leftovers(tmp_path))
    os.utime(file, (time.time() - ages,) * 2)
    [finding] = leftovers(tmp_path)
    assert finding.where == file
    assert finding.mend is not None
    finding.mend()
    assert not file.exists()


@pytest.mark.parametrize("name", ["models/notes.tmp", "data/.x.tmp", f"{RUN}/model.npz", ".git/.x.1-0123abcd.tmp"])
def test_other_files_are_not_ours_to_remove(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    file.touch()
    os.utime(file, (0, 0))
    assert not list(leftovers(tmp_path))
