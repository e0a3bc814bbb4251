"""Digests of code: over syntax trees, so that comments, docstrings, layout and the texts of errors change none.

`ast.dump` gives another text on each version of Python; this one is the same on 3.11 to 3.15.
"""

import ast
import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from src.foundation.files import ROOT, canonical_json, sha256

Trees = Mapping[str, ast.Module]  # syntax trees by path below the project's root, without what computes nothing


class Code(NamedTuple):
    """The code that computes something."""

    modules: tuple[str, ...]  # with all that they import, except for types alone
    apart: tuple[str, ...] = ()  # but for modules whose names start with one of these
    files: tuple[str, ...] = ()  # by path, without what they import

    def covered(self) -> list[Path]:
        """All files of the project that are part of this code."""
        found: dict[str, Path] = {}
        waiting = list(self.modules)
        while waiting:
            name = waiting.pop()
            file = _file_of(name)
            if file is None or name in found or name.startswith(self.apart):
                continue
            found[name] = file
            waiting.append(name.rpartition(".")[0])  # a package's own __init__.py runs before its modules
            waiting.extend(imports(parse(file)))
        return sorted({*found.values(), *(ROOT / file for file in self.files)})


def trees(files: Iterable[Path]) -> Trees:
    """The syntax trees of files."""
    return {file.relative_to(ROOT).as_posix(): parse(file) for file in files}


def digest(trees: Trees) -> str:
    """SHA-256 of what code does; a file without statements counts for nothing."""
    return sha256(canonical_json({name: dump(tree) for name, tree in sorted(trees.items()) if tree.body}))


def parse(file: Path) -> ast.Module:
    """A file's syntax tree, without what computes nothing."""
    return _parse(file.read_bytes(), str(file))


@functools.lru_cache(maxsize=512)  # a start looks at each file for its imports, for a sweep and for a run
def _parse(source: bytes, name: str) -> ast.Module:
    return stripped(ast.parse(source, name))


def stripped(tree: ast.Module) -> ast.Module:
    """Removes from a syntax tree, in place, what computes nothing; what is left can run."""
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                if ast.get_docstring(node, clean=False) is not None:
                    node.body[:1] = [] if isinstance(node, ast.Module) or node.body[1:] else [ast.Pass()]
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    node.returns = None
            case ast.arg():  # nothing here reads annotations of arguments; those in classes are code: `schema.build`
                node.annotation = None
            case ast.If(test=ast.Name("TYPE_CHECKING")):
                node.body = [ast.Pass()]
            case ast.Raise():  # texts in it are messages for people
                for text in ast.walk(node):
                    if isinstance(text, ast.Constant) and isinstance(text.value, str):
                        text.value = ""
            case ast.JoinedStr():  # versions of Python differ in whether they leave empty texts in
                node.values = [piece for piece in node.values if getattr(piece, "value", None) != ""]
    return tree


def dump(node: Any) -> str:
    """A syntax tree as text; two trees with the same text do the same."""
    if isinstance(node, list):
        return f"[{','.join(map(dump, node))}]"
    if isinstance(node, ast.Constant):
        return f"{type(node.value).__name__} {node.value!a}"
    if not isinstance(node, ast.AST):
        return ascii(node)
    fields = []
    for name in sorted({*node._fields} - {"ctx", "type_comment"}):  # without influence
        value = getattr(node, name, None)
        if not (value is None or value == [] or (type(value) is int and value == 0)):  # what newer versions add, unused
            fields.append(f"{name}={dump(value)}")
    return f"{type(node).__name__}({','.join(fields)})"


def imports(tree: ast.AST) -> Iterator[str]:
    """The dotted names that code imports, wherever in it: modules, and what is imported from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file_of(module: str) -> Path | None:
    """The file of a module of the project; None if the name is not one's."""
    path = ROOT.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py") if module.startswith("src") else ()
    return next((file for file in candidates if file.is_file()), None)
