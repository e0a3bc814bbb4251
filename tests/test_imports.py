"""The house keeps its plan: who may import whom, as docs/architecture.md draws it."""

import ast
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from src.cli.dependencies import CODE, digests
from src.foundation.files import sha256_tree
from src.runs import code
from src.runs.code import Code
from src.runs.fingerprint import NUMERIC
from tests.conftest import ROOT

SRC = ROOT / "src"
# The rooms, bottom first: each imports only what stands below it.
ROOMS = (
    *("foundation", "nn", "optim", "data", "training", "config", "runs", "cli", "recording", "studies", "analysis"),
    *("figures", "reporting", "replays", "prediction", "adding", "health", "upkeep", "sweeps"),
)
COMMANDS = {
    *("ablation", "add", "check", "code", "compare", "compose", "doctor", "evaluate", "fetch", "normalize", "predict"),
    *("replay", "report", "runs.__main__", "score", "show", "split", "sync", "train"),
}
LISTS = {"__init__", "__main__", "src"}  # the list of commands, and what `python src/train.py` finds
# What some rooms and files import beside the standard library.
LIBRARIES = {
    "nn/": {"numpy"},
    "optim/": {"numpy"},
    **{f"foundation/{name}.py": set[str]() for name in ("errors", "files", "schema")},
}
MOST_ARROWS = 160  # from one room, or command, to another; src.show has 8, src.score 6, src.runs 5


def sources() -> list[Path]:
    return sorted(SRC.rglob("*.py"))


def room(file: Path) -> str:
    """The room of a file, or the command; one that is called as a room is that room's `__main__`."""
    if file.name == "__main__.py":
        return ".".join((*file.relative_to(SRC).parts[:-1], "__main__"))
    return file.relative_to(SRC).parts[0].removesuffix(".py")


def imports(file: Path) -> set[str]:
    """The names that a file imports, be it for its types alone."""
    return set(code.imports(ast.parse(file.read_text())))


def project_imports(file: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(file) if name.startswith("src.")}


def arrows() -> set[tuple[str, str]]:
    """The pairs of rooms of which the first imports the second, be it for its types alone."""
    return {(room(file), target) for file in sources() for target in project_imports(file) - {room(file)}}


def test_rooms_and_commands_are_all_that_there_is() -> None:
    assert {room(file) for file in sources()} == {*ROOMS, *COMMANDS, *LISTS}
    assert {room(file) for file in SRC.glob("*.py")} == {name for name in COMMANDS if "." not in name} | LISTS


def test_arrows_run_one_way_and_are_few() -> None:
    floors = {name: floor for floor, name in enumerate(ROOMS)}
    top = len(ROOMS)
    assert not {(one, other) for one, other in arrows() if floors.get(other, top) >= floors.get(one, top)}
    assert len(arrows()) <= MOST_ARROWS, f"{len(arrows())} arrows"


def test_no_file_imports_itself_by_way_of_others() -> None:
    modules = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in sources()}
    needs = {file: {modules[name] for name in imports(file) if name in modules} - {file} for file in sources()}
    while free := [file for file, others in needs.items() if not others & needs.keys()]:
        for file in free:
            del needs[file]
    assert not needs


@pytest.mark.parametrize("where", LIBRARIES)
def test_the_network_the_optimizers_and_the_foundation_need_few_libraries(where: str) -> None:
    files = [file for file in sources() if file.relative_to(SRC).as_posix().startswith(where)]
    assert files
    for file in files:
        foreign = {module.split(".")[0] for module in imports(file)} - sys.stdlib_module_names - {"src"}
        assert foreign <= LIBRARIES[where], file


@pytest.mark.parametrize(
    ("library", "where"),
    [("mlflow", "recording"), ("matplotlib", "figures"), ("plotly", "figures"), ("jinja2", "reporting")],
)
def test_a_heavy_library_has_one_room(library: str, where: str) -> None:
    users = {f for f in sources() if any(name.split(".")[0] == library for name in imports(f))}
    assert users
    assert all(file.is_relative_to(SRC / where) for file in users)


# Where NumPy reads files that others may have written: each compares digests or lengths first.
READS_ARRAYS = {
    "load": {"data/arrays.py", "data/generated.py"},
    "open_memmap": {"data/dataset.py"},
    "memmap": {"data/idx.py", "data/sources.py"},
    "read_array": set(),
    "fromfile": set(),
    "fromregex": set(),
}
EVALUATES = {"eval", "exec", "compile", "yaml.full_load", "yaml.unsafe_load", "os.system", "os.popen"}


def calls(file: Path) -> Iterator[tuple[str, str]]:
    """The names of the functions that a file calls, and on what: ("load", "np") for np.load(...)."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(attr=name, value=ast.expr() as value)):
                yield name, ast.unparse(value)
            case ast.Call(func=ast.Name(id=name)):
                yield name, ""


def test_no_pickle_and_no_evaluation_of_text() -> None:
    for file in itertools.chain(sources(), (ROOT / "hydra_plugins").glob("*.py")):
        modules = set(imports(file))
        assert not {name.split(".")[0] for name in modules} & {"pickle", "dill", "cloudpickle", "marshal"}, file
        assert not {name for name in modules if name.startswith("numpy.") and name.split(".")[-1] in READS_ARRAYS}, file
        text = file.read_text()
        assert "allow_pickle=True" not in text, file
        assert "shell=True" not in text, file
        called = {f"{of}.{name}" if of else name for name, of in calls(file)}
        assert not called & EVALUATES, file
        assert not {name for name in called if name.split(".")[-1] == "instantiate"}, file


def test_arrays_are_read_in_few_places_and_never_with_pickle() -> None:
    for file in sources():
        where = file.relative_to(SRC).as_posix()
        for name, of in calls(file):
            if of.split(".")[0] in ("np", "numpy") and name in READS_ARRAYS:
                assert where in READS_ARRAYS[name], where
        assert all("allow_pickle=False" in line for line in file.read_text().splitlines() if "np.load(" in line), file


def test_the_numeric_code_is_all_that_its_roots_really_import() -> None:
    files = "(m.__file__ for n, m in sys.modules.items() if n[:4] == 'src.')"
    script = f"import sys, {', '.join(NUMERIC.modules)}; print(*{files})"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.removeprefix(f"{SRC}/") for name in re.split(r"\s+(?=/)", run.stdout.strip())}
    apart = {f"{name.removeprefix('src.').replace('.', '/')}.py" for name in NUMERIC.apart}
    numeric = {file.relative_to(SRC).as_posix() for file in NUMERIC.covered()}
    assert loaded - apart == numeric - {"__init__.py", "runs/training_run.py"}


def test_no_import_is_relative() -> None:
    for file in sources():
        relative = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.ImportFrom) and n.level]
        assert not relative, file


# What a stage runs and no out of it depends on: the command line, recording, and how jobs are started and followed.
IN_NO_OUT = (
    *("src/cli/", "src/recording/", "src/config/composition.py", "src/config/tracking.py", "src/data/recipe"),
    *(
        "src/foundation/errors.py",
        "src/foundation/kernel_lock.py",
        "src/foundation/locks.py",
        "src/foundation/processes.py",
        "src/foundation/signals.py",
    ),
    *(
        f"src/config/{name}.py" for name in ("groups", "hydra_errors", "needs", "reference", "slips")
    ),  # messages and help
    *("src/config/changes.py", "src/runs/annotations.py", "src/runs/lineage.py", "src/runs/tracker.py"),  # of records
)
RUNS_JOBS = (
    *("src/config/figure_names.py", "src/reporting/", "src/figures/", "src/analysis/", "src/sweeps/", "src/runs/"),
)
COMMANDS_OF_STAGES = {"study": "ablation"}  # all others are named as their stage


def uncovered(stage: str) -> set[str]:
    """The files that a stage imports and that its digest does not cover."""
    command = f"src.{COMMANDS_OF_STAGES.get(stage, stage)}"
    missing = {*Code((command,)).covered()} - {*CODE[stage].covered()}
    return {name for file in missing if not (name := file.relative_to(ROOT).as_posix()).endswith("__init__.py")}


def test_each_stage_depends_on_the_digest_of_its_code_and_on_no_source() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert stages.keys() == {"code", *CODE}
    assert set(stages.pop("code")["deps"]) == {"src", "conf", "hydra_plugins"}
    for name, declared in stages.items():
        deps = declared.get("do", declared)["deps"]
        digest = "study/${item}" if name == "study" else name
        assert [
            dep for dep in deps if not dep.startswith(("data/", "metrics/", "models/", "plots/", "params.yaml"))
        ] == []
        assert [dep for dep in deps if dep.startswith("data/code")] == [f"data/code/{digest}.json"]


@pytest.mark.parametrize(("stage", "figures_of_runs"), [("evaluate", ()), ("report", ("src/config/figure_names.py",))])
def test_the_digest_of_a_stage_covers_all_that_decides_its_outs(stage: str, figures_of_runs: tuple[str, ...]) -> None:
    apart = (*IN_NO_OUT, *figures_of_runs, "src/data/", "src/runs/code.py")
    assert not {name for name in uncovered(stage) if not name.startswith(apart)}
    assert ROOT / "src/data/dataset.py" in CODE[stage].covered()


@pytest.mark.parametrize("stage", ["fetch", "split", "normalize"])
def test_the_digest_of_data_covers_all_that_makes_them(stage: str) -> None:
    assert not {name for name in uncovered(stage) if name.startswith(("src/data", "src/foundation"))} - {
        "src/foundation/npz.py",
        "src/foundation/signals.py",
    }


@pytest.mark.parametrize("stage", ["train", "study"])
def test_the_digest_of_a_training_covers_the_numeric_code_and_what_its_outs_are_written_by(stage: str) -> None:
    files = {*CODE[stage].covered()}
    assert set(NUMERIC.covered()) <= files
    assert {ROOT / "src/runs" / f"{name}.py" for name in ("folder", "journal", "model")} <= files
    assert (ROOT / "src/studies/plan.py" in files) == (stage == "study")
    apart = {name for name in uncovered(stage) if not name.startswith((*IN_NO_OUT, *RUNS_JOBS, "src/data/"))}
    # Looking up what `train.start_from` names, which no stage has.
    looking_up = {file.relative_to(ROOT).as_posix() for file in Code(("src.prediction.predictions",)).covered()}
    assert apart - (looking_up if stage == "train" else set()) <= {"src/train.py", "src/ablation.py"}


def test_the_digest_of_a_report_covers_its_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    found = json.loads(digests("report"))
    others = {file for file in SRC.rglob("*") if file.is_file() and file.suffix not in (".py", ".pyc")}
    assert found["templates"] == sha256_tree(ROOT, others)


def test_the_numeric_code_is_what_decides_bits_and_nothing_else() -> None:
    names = {file.relative_to(SRC).as_posix() for file in NUMERIC.covered()}
    rooms = {"nn", "optim", "training"}
    numeric = {f.relative_to(SRC).as_posix() for f in sources() if room(f) in rooms and f.stat().st_size}
    others = {"__init__.py", "data/__init__.py", "data/dataset.py", "foundation/__init__.py"}
    others |= {"foundation/legacy.py", "foundation/npz.py"}
    assert names == numeric | others | {"runs/__init__.py", "runs/model.py", "runs/training_run.py"}
