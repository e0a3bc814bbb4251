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

from src.runs.code import imports, reached
from src.runs.fingerprint import APART, ROOTS, numeric_code
from tests.conftest import ROOT

SRC = ROOT / "src"
# The rooms, bottom first: each imports only what stands below it.
ROOMS = (
    "foundation",
    "nn",
    "optim",
    "data",
    "training",
    "config",
    "cli",
    "runs",
    "recording",
    "studies",
    "analysis",
    "figures",
    "reporting",
    "replays",
    "prediction",
    "health",
    "sweeps",
)
COMMANDS = {
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
MOST_ARROWS = 120  # from one room, or command, to another


def sources() -> list[Path]:
    return sorted(SRC.rglob("*.py"))


def room(file: Path) -> str:
    return file.relative_to(SRC).parts[0].removesuffix(".py")


def project_imports(file: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(file) if name.startswith("src.")}


def arrows() -> set[tuple[str, str]]:
    """The pairs of rooms of which the first imports the second, be it for its types alone."""
    return {(room(file), target) for file in sources() for target in project_imports(file) - {room(file)}}


def test_rooms_and_commands_are_all_that_there_is() -> None:
    assert {room(file) for file in sources()} == {*ROOMS, *COMMANDS, "__init__"}
    assert {file.stem for file in SRC.glob("*.py")} == COMMANDS | {"__init__"}


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


@pytest.mark.parametrize("name", NUMPY_ONLY)
def test_the_network_and_the_optimizers_need_numpy_alone(name: str) -> None:
    for file in (SRC / name).rglob("*.py"):
        foreign = {module.split(".")[0] for module in imports(file)} - sys.stdlib_module_names - {"src"}
        assert foreign <= {"numpy"}, file


def test_the_foundation_needs_the_standard_library_alone() -> None:
    for name in ("errors", "files", "schema"):
        libraries = {module.split(".")[0] for module in imports(SRC / "foundation" / f"{name}.py")}
        assert libraries - sys.stdlib_module_names <= {"src"}, name


@pytest.mark.parametrize(
    ("library", "where"),
    [("mlflow", "recording"), ("matplotlib", "figures"), ("plotly", "figures"), ("jinja2", "reporting")],
)
def test_a_heavy_library_has_one_room(library: str, where: str) -> None:
    users = {f for f in sources() if any(name.split(".")[0] == library for name in imports(f))}
    assert users
    assert all(file.is_relative_to(SRC / where) for file in users)


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


def test_the_numeric_code_is_all_that_its_roots_really_import() -> None:
    script = f"import sys, {', '.join(ROOTS)}; print(*(m.__file__ for n, m in sys.modules.items() if n[:4] == 'src.'))"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.removeprefix(f"{SRC}/") for name in re.split(r"\s+(?=/)", run.stdout.strip())}
    apart = {f"{name.removeprefix('src.').replace('.', '/')}.py" for name in APART}
    assert loaded - apart == {file.relative_to(SRC).as_posix() for file in numeric_code()} - {"__init__.py"}


def test_no_import_is_relative() -> None:
    for file in sources():
        relative = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.ImportFrom) and n.level]
        assert not relative, file


# What a stage imports and need not declare: the command line, and what follows a run without changing its outs.
NEVER_IN_AN_OUT = (
    "src/__init__.py",
    "src/cli/arguments.py",
    "src/cli/stage.py",
    "src/config/composition.py",
    "src/cli",
    "src/recording",
)
# Of a configuration, these use the recipe, which their params declare.
ONLY_THE_RECIPE = ("fetch", "split", "normalize")
ALSO_APART = {
    "train": ("src/reporting", "src/figures", "src/analysis"),
    "check": ("src/",),
    "evaluate": (),
    "study": ("src/reporting", "src/figures", "src/analysis"),
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
            needed = {file for file in needed if file.startswith((f"src/{name}", "src/data", "src/foundation"))}
        fine = (*declared, *NEVER_IN_AN_OUT, *ALSO_APART.get(name, ()))
        assert not {file for file in needed if not file.startswith(fine)}, name
    assert {"src/check.py", "src/foundation"} <= set(stages["check"]["deps"])


def test_the_numeric_code_is_what_decides_bits_and_nothing_else() -> None:
    names = {file.relative_to(SRC).as_posix() for file in numeric_code()}
    rooms = {"nn", "optim", "training"}
    numeric = {f.relative_to(SRC).as_posix() for f in sources() if room(f) in rooms and f.stat().st_size}
    others = {"__init__.py", "data/__init__.py", "data/dataset.py", "foundation/__init__.py", "foundation/npz.py"}
    assert names == numeric | others | {"runs/__init__.py", "runs/model.py"}
