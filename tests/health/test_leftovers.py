"""What an interrupted write has left is removed once nobody can be writing it."""

import os
import time
from pathlib import Path

import pytest

from src.foundation.files import replacing, replacing_folder
from src.foundation.locks import locked
from src.health.leftovers import leftovers
from tests.faults.children import end, fork
from tests.health.mending import mend

RUN = "runs/" + "ab" * 32


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("lock", [f"{RUN}/lock", "runs/.locks/data-digits.lock"])
def test_a_file_that_belongs_to_a_lock_is_removed_once_it_is_free(tmp_path: Path, lock: str) -> None:
    (tmp_path / lock).parent.mkdir(parents=True)
    if lock.startswith(RUN):
        end(fork(replacing(tmp_path / RUN / "model.npz").__enter__))
    else:
        end(fork(replacing_folder(tmp_path / "data/normalized/digits").__enter__))
    with locked(tmp_path / lock, str):
        assert not list(leftovers(tmp_path))
    assert not mend(leftovers, tmp_path).where.exists()
    assert not list(leftovers(tmp_path))


@pytest.mark.parametrize("name", ["models/.model.npz.12-0123abcd.tmp", ".params.yaml.12-0123abcd.tmp"])
@pytest.mark.parametrize("ages", [-7200, 7200])  # a clock may have been moved, either way
def test_a_file_that_belongs_to_no_lock_is_removed_once_it_is_old(tmp_path: Path, name: str, ages: int) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.touch()
    assert not list(leftovers(tmp_path))
    os.utime(file, (time.time() - ages,) * 2)
    assert mend(leftovers, tmp_path).where == file
    assert not file.exists()


@pytest.mark.parametrize("name", ["models/notes.tmp", "data/.x.tmp", f"{RUN}/model.npz", ".git/.x.1-0123abcd.tmp"])
def test_other_files_are_not_ours_to_remove(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    file.touch()
    os.utime(file, (0, 0))
    assert not list(leftovers(tmp_path))
