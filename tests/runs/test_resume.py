"""An interrupted run resumes, wherever it was interrupted, to the same bits as a run that was not."""

import json
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from src.config.tree import Config
from src.data.dataset import Dataset
from src.foundation.errors import RunFailed
from src.runs.fingerprint import fingerprint
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker
from src.runs.training_run import Outcome, run
from src.training.checkpoint import GENERATIONS, Saver
from tests.helpers.composing import Small

EPOCH = 13  # updates, with batches of 100
VARIED = (
    "train.batch_size=100",
    "model.dropout=0.3",
    "schedule=cosine",
    "schedule.by=step",
    "train.patience=2",
    "train.epochs=6",
)


class Killed(BaseException):
    """As with `kill -9`, nobody gets to write how the run ended."""


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch, digits: Dataset) -> Callable[[Config, int], RunFolder]:
    """Runs a configuration until its n-th update, and leaves the folder as `kill -9` does."""

    def until(config: Config, step: int) -> RunFolder:
        steps = 0
        saving = Saver.after_step

        def after_step(saver: Saver) -> None:
            nonlocal steps
            steps += 1
            saving(saver)
            if steps == step:
                patch.setattr(RunFolder, "mark", lambda *_: None)
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(Saver, "after_step", after_step)
            patch.setattr("src.runs.training_run.save_model", lambda *_: None)
            patch.setattr(RunFolder, "restore", lambda _: None)
            with pytest.raises(Killed):
                run(config, digits, Tracker())
        return RunFolder.of(fingerprint(config, digits)["fingerprint"])

    return until


Cut = Callable[[Config, int], RunFolder]


def same(one: Outcome, other: Outcome) -> bool:
    return one.result == other.result and all(
        (one.folder.path / name).read_bytes() == (other.folder.path / name).read_bytes()
        for name in ("model.npz", "predictions.npz", "history.csv")
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, digits: Dataset, small: Small) -> Outcome:
    """The run that was never cut off."""
    return run(small(*VARIED), digits, Tracker(), RunFolder(tmp_path_factory.mktemp("whole")))


EVERY_EPOCH, EVERY_OTHER, EVERY_STEP = (f"train.checkpoint_{each}" for each in ("epochs=1", "epochs=2", "seconds=0"))


@pytest.mark.parametrize(
    ("how", "steps"),
    [
        *((how, [step]) for how in (EVERY_EPOCH, EVERY_OTHER, EVERY_STEP) for step in (1, 12, 13, 14, 30, 47)),
        (EVERY_STEP, [3, 9, 1, 2, 20, 1]),
    ],
)
def test_wherever_it_is_cut_off_it_ends_with_the_same_bits(
    home: Path, digits: Dataset, small: Small, cut: Cut, how: str, steps: list[int],
    whole: Outcome, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for step in steps:
        folder = cut(small(*VARIED, how), step)
    assert folder.status()["status"] == "running"
    assert folder.idle()
    before, about, started = folder.journal(), folder.run(), folder.status()["started"]
    assert len(before) == (sum(steps) - 1) // EPOCH
    again = run(small(*VARIED, how), digits, Tracker())
    assert "resuming" in capsys.readouterr().err
    assert again.folder.path == folder.path
    assert not again.reused
    assert same(whole, again)
    assert folder.journal()[: len(before)] == before  # the same lines, with their times
    assert (folder.run(), folder.status()["started"]) == (about, started)
    assert not [name for name in GENERATIONS if (folder.path / name).exists()]


def test_a_run_that_was_cut_off_starts_again_where_resuming_is_off(
    home: Path, digits: Dataset, small: Small, cut: Cut
) -> None:
    folder = cut(small("train.checkpoint_epochs=1"), 20)
    attempt, tracker = folder.run()["attempt"], Mock()
    outcome = run(small("train.resume=false"), digits, tracker)
    assert tracker.advanced.call_count == 3
    assert outcome.folder.path == folder.path
    assert folder.run()["attempt"] != attempt


def test_torn_lost_and_damaged_lines_of_the_journal_are_written_again(
    home: Path, digits: Dataset, small: Small, cut: Cut, whole: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    torn, lost = [b'{"epoch": 3, "tr', b"\x00\xff"], [b"", b"no json\n{}\n", b"{}\n"]
    for keep, damage in [*((True, end) for end in torn), *((False, all_of_it) for all_of_it in lost)]:
        folder = cut(small(*VARIED, "train.checkpoint_epochs=1", "train.fresh=true"), 30)
        before, file = folder.journal(), folder.path / "journal.jsonl"
        file.write_bytes((file.read_bytes() if keep else b"") + damage)
        assert same(whole, run(small(*VARIED, "train.fresh=true"), digits, Tracker()))
        assert folder.journal()[:2] == before
    assert "line 1 is damaged" in capsys.readouterr().err


def test_a_machine_that_is_not_deterministic_is_noticed(home: Path, digits: Dataset, small: Small, cut: Cut) -> None:
    config = small("train.checkpoint_epochs=2", "train.epochs=6", "train.batch_size=100")
    folder = cut(config, 4 * EPOCH + 1)
    (folder.path / GENERATIONS[0]).unlink()  # of epoch 4: so 3 and 4 are trained again
    lines = (folder.path / "journal.jsonl").read_text().splitlines()
    record = json.loads(lines[2])
    record["valid_loss"] += 1e-15
    lines[2] = json.dumps(record)
    (folder.path / "journal.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.raises(RunFailed, match=r"retraining epoch 3 gave valid_loss=.*not deterministic on this machine"):
        run(config, digits, Tracker())
    assert folder.status()["status"] == "failed"
    assert not run(small("train.fresh=true", "train.epochs=6", "train.batch_size=100"), digits, Tracker()).reused


class TestTrainedAgain:
    """`train.fresh=true` on a finished run: whatever happens meanwhile, there is a result."""

    def test_an_interruption_brings_the_former_result_back(self, home: Path, digits: Dataset, small: Small) -> None:
        first = run(small(), digits, Tracker())
        files = {f.name: f.read_bytes() for f in first.folder.path.iterdir() if f.is_file()}
        with pytest.raises(KeyboardInterrupt):
            run(small("train.fresh=true"), digits, Mock(**{"advanced.side_effect": KeyboardInterrupt}))
        assert {f.name: f.read_bytes() for f in first.folder.path.iterdir() if f.is_file()} == files
        assert run(small(), digits, Tracker()).reused

    def test_a_killed_one_is_resumed_by_the_same_command_and_dropped_by_one_that_is_not_fresh(
        self, home: Path, digits: Dataset, small: Small, cut: Cut, capsys: pytest.CaptureFixture[str]
    ) -> None:
        first = run(small(), digits, Tracker())
        for more, reused in (["train.fresh=true"], False), ([], True):
            folder = cut(small("train.fresh=true", "train.checkpoint_epochs=1"), 60)
            assert not folder.finished()
            again = run(small(*more), digits, Tracker())
            assert ("resuming after 1 epoch," in capsys.readouterr().err) != reused
            assert again.reused == reused
            assert again.result == first.result
            assert not (folder.path / "former").exists()
