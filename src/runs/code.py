"""Digests of code: over syntax trees, so that comments, docstrings, layout and the texts of errors change none.

`ast.dump` gives another text on each version of Python; this one is the same on 3.11 to 3.15.
"""

import ast
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from src.foundation.files import ROOT, canonical_json, sha256

# Fields without influence: of names and comments, and annotations of arguments and results, which nothing reads here.
# Annotations in classes are code: they declare fields, and `schema.build` reads them.
_LEFT_OUT = {"ctx", "type_comment", "returns"}
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def digest(files: Iterable[Path]) -> str:
    """SHA-256 of what Python files do: their syntax trees, by path below the project's root."""
    return digest_of(trees(files))


def digest_of(trees: dict[str, ast.Module]) -> str:
    """SHA-256 of syntax trees by name; a tree without statements counts for nothing."""
    return sha256(canonical_json({name: dump(tree) for name, tree in sorted(trees.items()) if _body(tree)}))


def trees(files: Iterable[Path]) -> dict[str, ast.Module]:
    """The syntax trees of files, by path below the project's root."""
    return {file.relative_to(ROOT).as_posix(): parse(file) for file in files}


def parse(file: Path) -> ast.Module:
    """A file's syntax tree."""
    return _parse(file.read_bytes(), str(file))


@functools.lru_cache(maxsize=512)  # a start looks at each file for its imports, for a sweep and for a run
def _parse(source: bytes, name: str) -> ast.Module:
    return ast.parse(source, name)


def dump(node: Any, in_raise: bool = False) -> str:
    """A syntax tree as text; two trees with the same text do the same.

    Inside `raise`, string literals are left out: they are messages for people.
    """
    if isinstance(node, list):
        return f"[{','.join(dump(entry, in_raise) for entry in node)}]"
    if isinstance(node, ast.Constant):
        return "text" if in_raise and isinstance(node.value, str) else f"{type(node.value).__name__} {node.value!a}"
    if not isinstance(node, ast.AST):
        return ascii(node)
    in_raise = in_raise or isinstance(node, ast.Raise)
    fields = []
    for name in sorted(node._fields):
        value = getattr(node, name, None)
        if name in _LEFT_OUT or (name == "annotation" and isinstance(node, ast.arg)):
            continue
        if name == "body" and isinstance(node, _DOCUMENTED):
            value = _body(node)
        elif isinstance(node, ast.JoinedStr):
            value = _pieces(node, in_raise)
        if value is None or value == [] or (type(value) is int and value == 0):  # what newer versions add, unused
            continue
        fields.append(f"{name}={dump(value, in_raise)}")
    return f"{type(node).__name__}({','.join(fields)})"


def reached(module: str, apart: tuple[str, ...] = ()) -> list[Path]:
    """The project's files that importing `module` runs.

    Left out are modules whose names start with one of `apart`, and imports for types alone.
    """
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = file_of(name)
        if file is None or name in found or name.startswith(apart):
            continue
        found[name] = file
        waiting.append(name.rpartition(".")[0])  # a package's own __init__.py runs before its modules
        waiting.extend(imports(file, types=False))
    return sorted(found.values())


def imports(file: Path, types: bool = True) -> Iterator[str]:
    """The dotted names that a file imports, wherever in it: modules, and what is imported from them.

    types: with those below `if TYPE_CHECKING:`, which never run.
    """
    waiting: list[ast.AST] = [parse(file)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not types and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting.extend(node.orelse)
        else:
            waiting.extend(ast.iter_child_nodes(node))


def _body(node: Any) -> list[ast.stmt]:
    """The statements of a module, class or function without its docstring."""
    return list(node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body)


def _pieces(text: ast.JoinedStr, in_raise: bool) -> list[ast.expr]:
    """The parts of an f-string; versions of Python differ in whether they leave empty literals in."""
    return [
        piece for piece in text.values if not isinstance(piece, ast.Constant) or (piece.value != "" and not in_raise)
    ]


def file_of(module: str) -> Path | None:
    """The file of a module of the project; None if the name is not one's."""
    if not module.startswith("src"):
        return None
    path = ROOT.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)
