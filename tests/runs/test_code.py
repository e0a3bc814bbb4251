"""Digests of code: the same on every Python, untouched by what computes nothing, changed by what does."""

import ast
import shutil
import subprocess
from pathlib import Path

import pytest

from src.runs import code
from src.runs.code import Code, dump, imports, stripped, trees
from tests.conftest import ROOT

# Constructs that versions of Python parse differently, or might.
ODD = '''
f"{x}" f"{y!r:>{w}}" "" f"a{{b}}c"
f"{x:{w}.{p}}{'' if a else 'b'}"
f"{x=}", f"", "a" f"" "b", f"a" "b" f"c{d}" "e" f""
f"""
{x}
  {y:%Y-%m}"""
async def f(a, /, b=1, *c, d, e=2, **g) -> int: return [x async for x in y]
def g(): yield from h; n = (yield); return *a, b
with (open(a) as b, open(c)): pass
try: pass
except* ValueError as e: raise
try: pass
except (A, B): pass
else: pass
finally: pass
match x:
    case {"a": 1, **rest}: pass
    case [1, *_, 2] | None: pass
    case C(a=1) if x: pass
    case -1 | 1+2j | "s": pass
x[1:2, ::3, ...]; x[*a]; x[()]
a: int; (b): int = 3; c.d: "str" = 1
lambda *a, b=1: (yield)
{**a, "b": 1}; {*a, 1}; {k: v for k, v in z if k}
n = -0.0, 1e400, 0x10, 1_000, 1j, b"x", u"\\u00fc\\U0001fae9", True, None, ...
print(*a, **b, c=1)
@dec(1)
class C(B, metaclass=M):
    """doc"""
    x: int = 0
    def f(self): "doc"
a if b else c; a < b <= c != d is not e not in f; not a; ~a; a @ b; a // b; a ** -b
a @= b; a >>= 1; (y := 5)
del a, b[1], c.d
assert a, "b"
import a.b as c, d
from ..y import (z as w, v)
while 1: break
else: pass
for a, *b in c: continue
n, (a, [b, *c]) = 1
raise X("m", f"{a} n {b!s}") from None
async def h():
    async with a as b, c: await d
'''
DUMPED = "ad0b9fdf2dfaa765"  # on every Python; a new dump retrains every run of everybody


def digest(*files: Path) -> str:
    return code.digest(trees(files))


def dumped(source: str) -> str:
    return dump(stripped(ast.parse(source)))


def test_odd_constructs_have_the_same_digest_on_every_python() -> None:
    assert code.sha256(dumped(ODD).encode())[:16] == DUMPED


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14", "3.15"])
def test_all_of_src_has_the_same_digest_on_every_python(version: str) -> None:
    there = [*map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")), shutil.which(f"python{version}")]
    script = "import src.runs.code as c; print(c.digest(c.trees((c.ROOT / 'src').rglob('*.py'))))"
    if not (python := next(filter(None, there), None)):
        pytest.skip(f"no Python {version} here")
    run = subprocess.run([python, "-B", "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.strip() == digest(*(ROOT / "src").rglob("*.py")), run.stderr


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "# why\nx = 1  # a comment\n\n"),
        ("x = f(1, 2)", "x = f(\n    1,\n    2,\n)"),
        ("x = 'a' 'b'", 'x = "ab"'),
        ('"""A module."""\nx = 1', "x = 1"),
        ('def f():\n    """What it does."""\n    return 1', "def f(): return 1"),
        ('class C:\n    """What it is."""\n    x: int', "class C: x: int"),
        ("def f(x: int) -> int: return x", "def f(x: float): return x"),
        ("raise E('no')", "raise E('yes')"),
        ("raise E(f'{x} is wrong')", "raise E(f'wrong: {x}')"),
        ("raise E('no', 1) from None", "raise E('yes', 1) from None"),
    ],
)
def test_what_computes_nothing_changes_no_digest(one: str, other: str) -> None:
    assert dumped(one) == dumped(other)


# Any two of these are different.
DIFFERENT = {
    "constants": ["x = 1", "x = 1.0", "x = True", "x = 0", "x = 0.0", "x = -0.0", "x = None"],
    "texts": ["x = 'a'", "x = 'not a docstring'", "x = b'a'", "x = ''", "x = f''"],
    "formatted texts": ["x = f'{a}b'", "x = f'{a}c'", "x = f'{a}'", "x = f'{a!r}'"],
    "operations": ["x += y", "x -= y", "a + b * c", "(a + b) * c", "x[1:]", "x[:1]"],
    "calls": ["f()", "f(x)", "f(x, 0)", "f(x=None)"],
    "parameters": ["def f(x=0): pass", "def f(x): pass"],
    "keys": ["{None: 1}", "{0: 1}", "{**a}", "{None: a}"],
    "fields": [f"class C: x: {hint}" for hint in ("int", "float", "Annotated[int, '>= 0']", "Annotated[int, '>= 1']")],
    "errors": [f"raise E({text})" for text in ("1", "2", "'no'", "f'{x}'", "f'{y}'")] + ["raise F('no')"],
    "what follows an error": ["raise E('no')\nx = 'a'", "raise E('no')\nx = 'b'"],
    "imports": ["from a import b", "from a import c", "from .a import b", "from ..a import b"],
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_may_compute_changes_the_digest(what: str) -> None:
    assert len({dumped(source) for source in DIFFERENT[what]}) == len(DIFFERENT[what])


def test_files_count_with_their_names_and_empty_ones_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "ROOT", tmp_path)
    one, other, empty = (tmp_path / name for name in ("one.py", "other.py", "empty.py"))
    one.write_text("x = 1\n")
    other.write_text("x = 1\n")
    empty.write_text('"""Nothing."""\n')
    assert digest(one) != digest(other)
    assert digest(one, other) == digest(other, one)
    assert digest(one) == digest(one, empty)


def test_imports_for_types_alone_are_not_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "ROOT", tmp_path)
    (tmp_path / "src").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "src" / f"{name}.py").write_text("")
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import src.b\nelse:\n    import src.c\n"
    (tmp_path / "src" / "a.py").write_text(text)
    assert [file.name for file in Code(("src.a",)).covered()] == ["a.py", "c.py"]
    assert [file.name for file in Code(("src.a",), apart=("src.c",)).covered()] == ["a.py"]
    assert "src.b" in set(imports(ast.parse(text)))
