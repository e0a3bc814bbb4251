"""Only the table entries that a run uses are part of its identity, and what is left of the code trains as all of it."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from src.config.composition import compose
from src.config.tree import Config
from src.data.dataset import Dataset
from src.optim.optimizers import OPTIMIZERS
from src.optim.schedules import SCHEDULES
from src.runs import code
from src.runs import used_entries as tables
from src.runs.fingerprint import NUMERIC, code_digest, words
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker
from src.runs.training_run import run

SIGMOID_MSE = ("model.output=sigmoid", "model.loss=mse")
CONFIGS = {
    "default": (),
    "tanh": ("model.act=tanh", "model.init=glorot"),
    "leaky": ("model.act=leaky_relu", "optimizer=sgd", "schedule=step"),
    "mse": ("model.act=sigmoid", "model.init=normal", *SIGMOID_MSE, "optimizer=nesterov", "schedule=constant"),
    "portable": ("train.arithmetic=portable", "model.act=sigmoid", "optimizer=sgd", "schedule=constant", *SIGMOID_MSE),
    "adamw": ("model.act=linear", "optimizer=adamw", "model.bias_init=uniform", "schedule=linear"),
}


@functools.cache
def config(name: str) -> Config:
    small = (
        "experiment=digits",
        "train=native",
        "model.hidden=[8]",
        "train.epochs=2",
        "tracking=off",
        "schedule=cosine",
    )
    return compose([*small, *CONFIGS[name]])


@pytest.fixture
def src(tree: Path) -> Path:
    """A copy of `src/`, to edit."""
    return tree / "src"


def digests() -> dict[str, str]:
    """The digest of the code that each configuration uses, of the files as they are now."""
    trees = code.trees(NUMERIC.covered())
    return {name: code.digest(tables.used(trees, words(config(name)))) for name in CONFIGS}


def changed(*edits: tuple[Path, str, str]) -> set[str]:
    """The configurations whose code changes with these texts in files: (file, old text, new text)."""
    before = digests()
    for file, old, new in edits:
        text = file.read_text() if file.exists() else ""
        assert old in text
        file.write_text(text.replace(old, new) if old else text + new)
    return {name for name, digest in digests().items() if digest != before[name]}


GELU = '''
def gelu(z, out):
    """A new one."""
    return np.multiply(z, SCALE, out=out)


def gelu_slope(a, out):
    return gelu(a, out)


SCALE = 0.5
'''
ENTRY = ("ACTIVATIONS = {", 'ACTIVATIONS = {\n    "gelu": Activation(gelu, gelu_slope),')
LION = """

@dataclass(frozen=True, kw_only=True)
class Lion(Optimizer):
    name = "lion"


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "lion": Lion,"""


def test_a_new_entry_changes_the_identity_of_no_run(src: Path) -> None:
    activations = src / "nn" / "activations.py"
    assert not changed((activations, "LEAK = 0.01", f"LEAK = 0.01\n{GELU}"), (activations, *ENTRY))
    he = '    "he": Initializer('
    new = '    "mine": Initializer(_normal, lambda fan_in, fan_out, spread: 1 / fan_out),\n'
    assert not changed((src / "nn" / "initializers.py", he, new + he))
    probit = 'def probit(z, y, weight, out): ...\n\n\nHEADS = {\n    ("probit", "mse"): Head(softmax, probit),'
    assert not changed((src / "nn" / "losses.py", "HEADS = {", probit))
    assert not changed((src / "optim" / "optimizers.py", "\nOPTIMIZERS: dict[str, type[Optimizer]] = {", LION))


def test_nor_does_one_in_a_file_of_its_own(src: Path) -> None:
    activations, imported = src / "nn" / "activations.py", "from src.nn.arrays import Array"
    assert not changed(
        (src / "nn" / "gelu.py", "", f"import numpy as np\n{GELU}"),
        (activations, imported, f"{imported}\nfrom src.nn.gelu import gelu, gelu_slope"),
        (activations, *ENTRY),
    )


ALL = set(CONFIGS)


@pytest.mark.parametrize(
    ("file", "old", "new", "users"),
    [
        ("nn/activations.py", "return np.subtract(1, out, out=out)", "return np.subtract(2, out, out=out)", {"tanh"}),
        ("nn/activations.py", "LEAK = 0.01", "LEAK = 0.02", {"leaky"}),
        ("nn/activations.py", "np.maximum(z, 0, out=out)", "np.maximum(z, 1, out=out)", {"default"}),
        ("nn/activations.py", "    out.fill(1)", "    out.fill(2)", {"adamw"}),
        ("nn/initializers.py", "sqrt(2 / (fan_in + fan_out))", "sqrt(3 / (fan_in + fan_out))", {"tanh"}),
        ("nn/initializers.py", "stream.uniform(-1, 1, shape)", "stream.uniform(-1, 2, shape)", {"adamw"}),
        ("nn/normal.py", "q * q", "q * q * 1", ALL),
        ("nn/losses.py", "gradient = out * (weight * (2 / units))", "gradient = out * weight", {"mse", "portable"}),
        ("nn/losses.py", "return ops.softmax_loss(", "return 2 * ops.softmax_loss(", ALL - {"mse", "portable"}),
        ("optim/optimizers.py", "1 / ops.root(", "2 / ops.root(", ALL - {"leaky", "mse", "portable"}),
        ("optim/optimizers.py", "theta[:weights] *= 1 -", "theta[:weights] *= 2 -", {"adamw"}),
        ("optim/optimizers.py", "v *= self.momentum", "v *= 2 * self.momentum", {"mse"}),
        ("optim/optimizers.py", "state.steps += 1", "state.steps += 2", ALL),
        ("optim/schedules.py", "(1 + ops.cos_pi", "(2 + ops.cos_pi", {"default", "tanh"}),
        # Coarse: code that is always kept names these.
        ("nn/arithmetic/native.py", "    out *= 0.5", "    out *= 0.25", ALL),
        ("optim/schedules.py", "power(self.gamma, floor", "power(self.gamma, 1 + floor", ALL),
        ("nn/arithmetic/elementary.py", "_LARGE = 22.0", "_LARGE = 21.0", ALL),
        # Of portable runs alone.
        ("nn/arithmetic/portable.py", "_COLUMNS = 256", "_COLUMNS = 128", {"portable"}),
        ("nn/network.py", "z[l] += b[l]", "z[l] -= b[l]", ALL),
        ("training/loop.py", "at.step += 1", "at.step += 2", ALL),
    ],
)
def test_a_change_of_arithmetic_changes_the_runs_that_use_it_and_no_others(
    src: Path, file: str, old: str, new: str, users: set[str]
) -> None:
    assert changed((src / file, old, new)) == users


def test_the_tables_are_dicts_that_can_be_taken_apart() -> None:
    statements = [s for tree in code.trees(NUMERIC.covered()).values() for s in tree.body if tables.table_entries(s)]
    found = {name: tables.table_entries(s) for s in statements for name in tables._defined(s)}
    assert found.keys() == tables.TABLES
    for entries in found.values():
        for key, _ in entries:
            parts = key.elts if isinstance(key, ast.Tuple) else [key]
            assert all(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in parts)
    for classes in (OPTIMIZERS, SCHEDULES):
        assert {name: kind.name for name, kind in classes.items()} == {name: name for name in classes}


# Would read annotations and docstrings, which digests leave out, or names that the code does not spell: `used` follows
# names, and would miss an entry that is found in another way.
INTROSPECTION = {"__annotations__", "__doc__", "singledispatch", "signature", "getsource", "getdoc"}
INTROSPECTION |= {"globals", "vars", "locals", "eval", "exec", "__import__"}


def test_the_numeric_code_reads_nothing_that_its_digest_leaves_out() -> None:
    for file in NUMERIC.covered():
        for node in ast.walk(code.parse(file)):
            assert not {getattr(node, "id", None), getattr(node, "attr", None)} & INTROSPECTION, file
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert node.value.id not in tables.TABLES, f"{file}: {ast.unparse(node)}"


def test_what_is_imported_under_another_name_is_kept() -> None:
    texts = {
        "a.py": "def relu(): return 1\ndef tanh(): return 2\nACTIVATIONS = {'relu': relu, 'tanh': tanh}",
        "b.py": "from a import relu as rectified\ndef forward(): return rectified()",
    }
    trees = {name: ast.parse(text) for name, text in texts.items()}
    assert "def relu" in ast.unparse(tables.used(trees, {"tanh"})["a.py"])
    trees["b.py"] = ast.parse("def forward(): return 1")
    assert "def relu" not in ast.unparse(tables.used(trees, {"tanh"})["a.py"])


TRAIN = """
import sys
from pathlib import Path
from src.config.tree import read_snapshot
from src.data.dataset import open_dataset
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker
from src.runs.training_run import run

snapshot, dataset, folder = map(Path, sys.argv[1:])
print(run(read_snapshot(snapshot), open_dataset(dataset), Tracker(), RunFolder(folder)).result["weights_sha256"])
"""


@pytest.mark.parametrize("name", ["tanh", "mse", "adamw", "portable"])
def test_what_is_kept_of_the_code_trains_to_the_same_weights(
    src: Path, tmp_path: Path, name: str, digits: Dataset, digits_folder: Path
) -> None:
    kept = tables.used(code.trees(NUMERIC.covered()), words(config(name)))
    for file, tree in kept.items():
        (tmp_path / file).write_text(ast.unparse(ast.fix_missing_locations(tree)))
    assert "relu_slope" not in (src / "nn" / "activations.py").read_text()
    [folder] = (file.parent for file in digits_folder.rglob("dataset.json"))
    snapshot = tmp_path / "params.yaml"
    snapshot.write_text(yaml.safe_dump(config(name).plain()))
    command = [sys.executable, "-c", TRAIN, snapshot, folder, tmp_path / "kept"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    whole = run(config(name), digits, Tracker(), RunFolder(tmp_path / "whole"))
    assert done.stdout.strip() == whole.result["weights_sha256"], done.stderr


def test_a_list_of_activations_uses_all_of_them() -> None:
    kept = tables.used(code.trees(NUMERIC.covered()), words(compose(["model.hidden=[8,8]", "model.act=[relu,tanh]"])))
    for name, expected in (("relu_slope", True), ("tanh_slope", True), ("leaky_relu_slope", False)):
        assert (name in {getattr(s, "name", "") for s in kept["src/nn/activations.py"].body}) == expected


def test_code_digests_of_runs_differ_by_what_they_use() -> None:
    found = {name: code_digest(words(config(name))) for name in CONFIGS}
    assert len(set(found.values())) == len(found)
    assert code_digest(words(compose(["seed=3", "train.epochs=7"]))) == code_digest(words(compose(["seed=4"])))
