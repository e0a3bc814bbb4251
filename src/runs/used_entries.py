"""What of the numeric code a run uses: of some tables, only the entries that its configuration names.

So a new activation leaves the fingerprints of all other runs as they are. An entry is kept if its key is one of the
configuration's words, or a string in code that is kept. Functions and classes that only dropped entries name go with
them. In doubt, code is kept: a digest that covers too much costs time, one that covers too little costs trust.
"""

import ast
import copy
import functools
from collections.abc import Set

from src.runs.code import Trees

# Dicts whose keys are strings, or tuples of strings, that a configuration names. Of other tables all entries count.
TABLES = {
    "ACTIVATIONS",
    "HEADS",
    "INITIALIZERS",
    "BIAS_INITIALIZERS",
    "SCALINGS",
    "OPTIMIZERS",
    "SCHEDULES",
    "ARITHMETICS",
}


def used(trees: Trees, words: Set[str]) -> Trees:
    """The part of the code that a run with these words in its configuration uses."""
    statements = [statement for tree in trees.values() for statement in tree.body]
    entries = [entry for statement in statements for entry in table_entries(statement)]

    # What is dropped unless something kept names it: all that entries name, directly or not.
    optional: set[str] = set()
    named = {name for _, value in entries for name in _names(value)}
    while named:
        optional |= named
        named = {name for s in statements if _defined(s) & named for name in _names(s)} - optional

    # What is imported under another name is kept: its users spell that one.
    names, strings = set().union(*map(_renamed, trees.values())), set(words)

    def is_kept(statement: ast.stmt) -> bool:
        defined = _defined(statement)
        return not (defined and defined <= optional and names.isdisjoint(defined))

    size = -1
    while size != len(names) + len(strings):
        size = len(names) + len(strings)
        values = [value for key, value in entries if _may_be_asked_for(key, strings)]
        for node in [*values, *(s for s in statements if is_kept(s) and not table_entries(s))]:
            names |= _names(node)
            strings |= _strings(node)

    def pruned(tree: ast.Module) -> ast.Module:
        body = [_with_entries(s, strings) for s in tree.body if table_entries(s) or is_kept(s)]
        dropped = set().union(*map(_names, tree.body)) - set().union(*map(_names, body))
        return ast.Module(body=[s for each in body if (s := _without(each, dropped))], type_ignores=[])

    return {file: pruned(tree) for file, tree in trees.items()}


@functools.cache  # as all below: a study asks for each of its variants
def table_entries(statement: ast.stmt) -> tuple[tuple[ast.expr | None, ast.expr], ...]:
    """The keys and values of one of `TABLES`; none of another statement."""
    value = getattr(statement, "value", None)
    if not isinstance(value, ast.Dict) or not _defined(statement) & TABLES:
        return ()
    return tuple(zip(value.keys, value.values, strict=True))


def _with_entries(statement: ast.stmt, strings: Set[str]) -> ast.stmt:
    """A statement; of a table, with those of its entries that may be asked for."""
    if not (entries := table_entries(statement)):
        return statement
    pairs = [(key, value) for key, value in entries if _may_be_asked_for(key, strings)]
    value = ast.Dict(keys=[key for key, _ in pairs], values=[value for _, value in pairs])
    targets: list[ast.expr] = [ast.Name(name) for name in _defined(statement)]
    return ast.copy_location(ast.Assign(targets=targets, value=value), statement)


def _without(statement: ast.stmt, dropped: Set[str]) -> ast.stmt | None:
    """A statement; of an import, without the names that only dropped code uses, and None if nothing is left of it."""
    if not isinstance(statement, ast.Import | ast.ImportFrom):
        return statement
    statement = copy.copy(statement)
    statement.names = [a for a in statement.names if (a.asname or a.name.partition(".")[0]) not in dropped]
    return statement if statement.names else None


def _may_be_asked_for(key: ast.expr | None, strings: Set[str]) -> bool:
    """Whether all strings of a key are known; of a key in another form it is taken for granted."""
    parts = key.elts if isinstance(key, ast.Tuple) else [key]
    return all(part.value in strings if isinstance(part, ast.Constant) else True for part in parts)


@functools.cache
def _defined(statement: ast.stmt) -> frozenset[str]:
    """The names that a function, a class or an assignment defines."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return frozenset([statement.name])
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return frozenset(n.id for target in targets if target for n in ast.walk(target) if isinstance(n, ast.Name))


@functools.cache
def _names(node: ast.AST) -> frozenset[str]:
    """The names and attributes in code."""
    found = (n for n in ast.walk(node) if isinstance(n, ast.Name | ast.Attribute))
    return frozenset(n.id if isinstance(n, ast.Name) else n.attr for n in found)


@functools.cache
def _strings(node: ast.AST) -> frozenset[str]:
    """The strings in code by which it may ask for an entry.

    Annotated fields are left out, with their defaults: the configuration has the values of these.
    """
    if isinstance(node, ast.Constant):
        return frozenset([node.value] if isinstance(node.value, str) else [])
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.ClassDef):
        children = [c for c in children if not (isinstance(c, ast.AnnAssign) and "Annotated" in _names(c.annotation))]
    return frozenset().union(*map(_strings, children))


@functools.cache
def _renamed(tree: ast.Module) -> frozenset[str]:
    """The names that are imported under another one."""
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.alias) and node.asname)
