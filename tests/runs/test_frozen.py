"""What a sweep runs is frozen at its start: no job mixes two versions."""

from collections.abc import Callable
from pathlib import Path

from omegaconf import OmegaConf

from src.runs.fingerprint import freeze, refuse_changed
from src.sweeps.start import start_job
from tests.helpers.composing import Small
from tests.helpers.refusals import refusal
from tests.runs.conftest import in_another_process


def write(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def append(file: Path, text: str) -> None:
    with file.open("a") as opened:
        opened.write(text)


def edit(file: Path) -> None:
    append(file, "edited = 1\n" if file.suffix == ".py" else "# edited\n")


def test_all_of_conf_and_the_numeric_code_are_frozen(tree: Path) -> None:
    names = set(freeze())
    assert {file for file in names if file.startswith("conf/")} == {
        file.relative_to(tree).as_posix() for file in (tree / "conf").rglob("*.yaml")
    }
    assert {"conf/config.yaml", "conf/ablation/ladder.yaml", "src/nn/network.py", "src/optim/optimizers.py"} <= names
    assert not {name for name in names if name.startswith(("src/reporting", "src/figures", "src/recording"))}


# What changes nothing that a job depends on.
HARMLESS: dict[str, Callable[[Path], object]] = {
    "conf/config.yaml": lambda file: file.touch(),  # its time is not its content
    "conf/notes.txt": lambda file: write(file, "words"),
    "conf/ablation/.#ladder.yaml": lambda file: file.symlink_to("me@here.1:1"),  # Emacs marks what is being edited
    "src/figures/curves.py": lambda file: edit(file),
    "src/recording/store.py": lambda file: edit(file),
    "src/report.py": lambda file: edit(file),
    "src/nn/losses.py": lambda file: append(file, "# why\n"),
}


def test_what_is_unchanged_or_changes_no_run_passes_in_this_process_and_in_another(tree: Path) -> None:
    began = freeze()
    refuse_changed(began)
    for name, change in HARMLESS.items():
        change(tree / name)
    refuse_changed(began)
    in_another_process()
    refuse_changed(began)


CHANGES: dict[str, Callable[[Path], object]] = {
    "conf/optimizer/adam.yaml": lambda file: edit(file),
    "conf/ablation/ladder.yaml": lambda file: edit(file),
    "conf/ablation/new.yaml": lambda file: write(file, "seed: 1\n"),
    "conf/experiment/deeper/new.yaml": lambda file: write(file, "seed: 1\n"),
    "conf/experiment/quick.yaml": lambda file: file.unlink(),
    "src/nn/network.py": lambda file: edit(file),
    "src/optim/schedules.py": lambda file: file.unlink(),
    "src/nn/arrays.py": lambda file: edit(file),
    "src/data/mirrors.py": lambda file: append(file.parents[1] / "nn" / "arrays.py", "import src.data.mirrors\n"),
}


def test_whatever_is_changed_added_or_removed_is_refused_by_name(tree: Path) -> None:
    began = freeze()
    for i, (name, change) in enumerate(CHANGES.items(), start=1):
        change(tree / name)
        in_another_process()
        message = refusal(refuse_changed, began)
        assert f"began: {', '.join(sorted(list(CHANGES)[:i]))}; " in message
        assert message.endswith("run the same command again")


def test_a_process_keeps_the_code_that_it_has_imported_and_reads_conf_again(tree: Path) -> None:
    began = freeze()
    edit(tree / "src" / "nn" / "network.py")
    refuse_changed(began)
    edit(tree / "conf" / "config.yaml")
    assert "began: conf/config.yaml; " in refusal(refuse_changed, began)


def test_a_job_that_finds_other_files_trains_nothing_and_says_why(tree: Path, home: Path, small: Small) -> None:
    began = freeze()
    edit(tree / "conf" / "model" / "mlp.yaml")
    returned = start_job(began, OmegaConf.create(small().plain()))
    assert returned["fingerprint"] == ""
    assert returned["reason"].startswith("changed since the sweep began: conf/model/mlp.yaml; ")
    assert not (home / "runs").exists()
