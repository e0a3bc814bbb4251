"""What a sweep runs is frozen at its start: no job mixes two versions."""

from pathlib import Path

from omegaconf import OmegaConf

from src.runs.fingerprint import freeze, refuse_changed
from src.sweeps.start import start_job
from tests.helpers.composing import Small
from tests.helpers.refusals import refusal
from tests.runs.conftest import in_another_process


def edit(file: Path, added: str | None = "edited = 1\n") -> None:
    """Adds a text to the end of a file, which may be new; with None, removes the file."""
    if added is None:
        file.unlink()
        return
    file.parent.mkdir(exist_ok=True)
    file.touch()
    with file.open("a") as opened:
        opened.write(added)


def test_all_of_conf_and_the_numeric_code_are_frozen(tree: Path) -> None:
    names = set(freeze())
    assert {file for file in names if file.startswith("conf/")} == {
        file.relative_to(tree).as_posix() for file in (tree / "conf").rglob("*.yaml")
    }
    assert {"conf/config.yaml", "conf/ablation/ladder.yaml", "src/nn/network.py", "src/optim/optimizers.py"} <= names
    assert not {name for name in names if name.startswith(("src/reporting", "src/figures", "src/recording"))}


# What changes nothing that a job depends on: file, and text that is added.
HARMLESS = {
    "conf/config.yaml": "",  # its time is not its content
    "conf/notes.txt": "words",
    "src/figures/curves.py": "edited = 1\n",
    "src/recording/store.py": "edited = 1\n",
    "src/report.py": "edited = 1\n",
    "src/nn/losses.py": "# why\n",
}
CHANGES = {
    "conf/optimizer/adam.yaml": "# edited\n",
    "conf/ablation/ladder.yaml": "# edited\n",
    "conf/ablation/new.yaml": "seed: 1\n",
    "conf/experiment/deeper/new.yaml": "seed: 1\n",
    "conf/experiment/quick.yaml": None,
    "src/nn/network.py": "edited = 1\n",
    "src/optim/schedules.py": None,
    "src/nn/arrays.py": "edited = 1\n",
}


def test_what_changes_no_run_passes_and_whatever_else_is_changed_is_refused_by_name(tree: Path) -> None:
    began = freeze()
    refuse_changed(began)
    for name, added in HARMLESS.items():
        edit(tree / name, added)
    (tree / "conf/ablation/.#ladder.yaml").symlink_to("me@here.1:1")  # Emacs marks what is being edited
    refuse_changed(began)
    in_another_process()
    refuse_changed(began)

    for i, (name, change) in enumerate(CHANGES.items(), start=1):
        edit(tree / name, change)
        in_another_process()
        message = refusal(refuse_changed, began)
        assert f"began: {', '.join(sorted(list(CHANGES)[:i]))}; " in message
        assert message.endswith("run the same command again")
    edit(tree / "src/nn/arrays.py", "import src.data.mirrors\n")
    in_another_process()
    assert f"began: {', '.join(sorted([*CHANGES, 'src/data/mirrors.py']))}; " in refusal(refuse_changed, began)


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
