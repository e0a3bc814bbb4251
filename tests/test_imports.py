"""The house keeps its plan: who may import whom, as docs/architecture.md draws it."""

import ast
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from src.runs.fingerprint import imports, numeric_code, reached
from tests.conftest import ROOT

SRC = ROOT / "src"
# What each room, or group of files, may import of the project, itself apart.
ALLOWED = {
    "errors": set(),
    "files": {"errors"},
    "schema": {"errors"},
    "locks": set(),
    "npz": {"errors", "files"},
    "nn": {"errors"},
    "optim": set(),
    "data": {"errors", "files", "schema", "locks", "npz"},
    "tracking": {"errors", "files", "schema", "locks", "config", "runs"},
    "training": {"errors", "files", "npz", "nn", "optim", "data"},
    "config": {"errors", "files", "schema", "nn", "optim", "data", "tracking", "training"},
    "runs": {"errors", "files", "schema", "locks", "npz", "nn", "data", "config", "training", "tracking"},
    "studies": {"errors", "files", "schema", "locks", "npz", "nn", "data", "config", "runs"},
    "published": {"errors", "files", "schema", "data", "config", "runs", "training", "studies"},
    "reporting": {"errors", "files", "schema", "npz", "nn", "data", "runs", "training", "studies", "published"},
    "replays": {"errors", "files", "schema", "nn", "data", "config", "runs", "studies", "tracking"},
    "prediction": {"errors", "files", "nn", "data", "runs", "training", "replays"},
    "health": {"errors", "files", "locks", "npz", "data", "config", "runs", "training", "tracking"},
    "composition": {"errors", "files", "schema", "config"},
}
# Standing above the rooms: commands, and what they share.
SHARED = {"arguments", "launching", "stage", "sweeping"}
COMMANDS = SHARED | {
    "ablation",
    "check",
    "compose",
    "doctor",
    "evaluate",
    "fetch",
    "normalize",
    "predict",
    "replay",
    "report",
    "split",
    "sync",
    "train",
}
NUMPY_ONLY = ("nn", "optim")


def sources() -> list[Path]:
    return sorted(SRC.rglob("*.py"))


def room(file: Path) -> str:
    return file.relative_to(SRC).parts[0].removesuffix(".py")


def project_imports(file: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(file) if name.startswith("src.")}


@pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(SRC)))
def test_a_room_imports_only_what_it_may(file: Path) -> None:
    name = room(file)
    if name in COMMANDS or name == "__init__":
        return
    assert project_imports(file) - {name} <= ALLOWED[name]


def test_every_file_has_its_place_in_the_plan() -> None:
    assert {room(file) for file in sources()} == ALLOWED.keys() | COMMANDS | {"__init__"}


def test_nothing_but_commands_imports_a_command() -> None:
    for file in sources():
        allowed = SHARED if room(file) in COMMANDS else set()
        assert not project_imports(file) & COMMANDS - allowed - {room(file)}, file


@pytest.mark.parametrize("name", NUMPY_ONLY)
def test_the_network_and_the_optimizers_need_numpy_alone(name: str) -> None:
    for file in (SRC / name).rglob("*.py"):
        foreign = {module.split(".")[0] for module in imports(file)} - sys.stdlib_module_names - {"src"}
        assert foreign <= {"numpy"}, file


def test_the_foundation_needs_the_standard_library_alone() -> None:
    for name in ("errors", "files", "schema"):
        foreign = {module.split(".")[0] for module in imports(SRC / f"{name}.py")} - sys.stdlib_module_names
        assert foreign <= {"src"}, name


@pytest.mark.parametrize(
    ("library", "where"),
    [("mlflow", "tracking/mlflow"), ("matplotlib", "reporting/figures"), ("plotly", "reporting/figures")],
)
def test_a_heavy_library_has_one_room(library: str, where: str) -> None:
    users = {f for f in sources() if any(name.split(".")[0] == library for name in imports(f))}
    assert users
    assert all(file.is_relative_to(SRC / where) for file in users)


def test_a_run_knows_the_protocol_of_trackers_and_nothing_else_of_tracking() -> None:
    for file in (SRC / "runs").rglob("*.py"):
        used = {name for name in imports(file) if name.startswith("src.tracking")}
        assert all(name.startswith("src.tracking.tracker") for name in used), file


# Where NumPy reads files that others may have written: each compares digests and lengths first.
READS_ARRAYS = {
    "load": {"data/toys.py"},
    "open_memmap": {"data/dataset.py"},
    "memmap": {"data/idx.py"},
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


def test_the_numeric_code_is_all_that_a_run_really_imports() -> None:
    script = "import sys, src.runs.experiment; print(*(m.__file__ for n, m in sys.modules.items() if n[:4] == 'src.'))"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.removeprefix(f"{SRC}/") for name in re.split(r"\s+(?=/)", run.stdout.strip())}
    making_data = {file for file in loaded if file.startswith("data/")} - {"data/__init__.py", "data/dataset.py"}
    expected = {file for file in loaded if not file.startswith("tracking/")} - making_data
    assert expected == {file.relative_to(SRC).as_posix() for file in numeric_code()} - {"__init__.py"}


def test_no_import_is_relative() -> None:
    for file in sources():
        relative = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.ImportFrom) and n.level]
        assert not relative, file


# What a stage imports and need not declare: the command line, and what follows a run without changing its outs.
NEVER_IN_AN_OUT = ("src/__init__.py", "src/arguments.py", "src/stage.py", "src/composition.py", "src/tracking")
# Of a configuration, these use the recipe, which their params declare.
ONLY_THE_RECIPE = ("fetch", "split", "normalize")
ALSO_APART = {
    "train": ("src/reporting",),
    "check": ("src/",),
    "evaluate": (),
    "study": ("src/reporting", "src/published"),
    "report": (),
}
COMMAND = {"study": "ablation"}  # of a stage that is not called so


def test_stages_declare_what_they_import() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert stages.keys() == {*ALSO_APART, *ONLY_THE_RECIPE}
    for name, declared_stage in stages.items():
        stage = declared_stage.get("do", declared_stage)
        declared = tuple(dep for dep in stage["deps"] if dep.startswith("src/"))
        needed = {file.relative_to(ROOT).as_posix() for file in reached(f"src.{COMMAND.get(name, name)}")}
        if name in ONLY_THE_RECIPE:
            needed = {file for file in needed if file.startswith((f"src/{name}", "src/data", "src/files", "src/err"))}
        fine = (*declared, *NEVER_IN_AN_OUT, *ALSO_APART.get(name, ()))
        assert not {file for file in needed if not file.startswith(fine)}, name
    assert {"src/check.py", "src/files.py"} <= set(stages["check"]["deps"])


def test_the_numeric_code_is_what_decides_bits_and_nothing_else() -> None:
    names = {file.relative_to(SRC).as_posix() for file in numeric_code()}
    assert {"runs/experiment.py", "nn/network.py", "nn/losses.py", "optim/optimizers.py", "training/loop.py"} <= names
    assert {"data/dataset.py", "config.py", "training/processor.py"} <= names
    apart = ("tracking/", "reporting/", "data/mnist.py", "data/recipes.py", "train.py", "evaluate.py")
    assert not [name for name in names if name.startswith(apart)]
