"""What of the numeric code a run uses: of some tables, only the entries that its configuration names.

So a new activation leaves the fingerprints of all other runs as they are. An entry is kept if its key is one of the
configuration's words, or a string in code that is kept. Functions and classes that only dropped entries name go with
them. Everything else stays, also in doubt: a digest that covers too much costs time, one that covers too little, trust.
"""

import ast
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Set

# Dicts whose keys are strings, or tuples of strings, that a configuration names. Of other tables all entries count.
TABLES = ("ACTIVATIONS", "HEADS", "INITIALIZERS", "BIAS_INITIALIZERS", "OPTIMIZERS", "SCHEDULES")
Trees = Mapping[str, ast.Module]  # syntax trees by file


def used(trees: Trees, words: Set[str]) -> dict[str, ast.Module]:
    """The part of the code that a run with these words in its configuration uses."""
    statements = [statement for tree in trees.values() for statement in tree.body]
    entries = [entry for statement in statements for entry in _entries(statement)]
    definitions: dict[str, list[ast.stmt]] = {}
    for statement in statements:
        for name in _defined(statement):
            definitions.setdefault(name, []).append(statement)

    # What is dropped unless something kept names it: all that entries name, directly or not.
    optional: set[str] = set()
    named = {name for _, value in entries for name in _names(value)}
    while named:
        optional |= named
        named = {n for name in named for d in definitions.get(name, ()) for n in _names(d)} - optional

    # What is imported under another name is kept: its users spell that one.
    names, strings = set().union(*map(_renamed, trees.values())), set(words)

    def keep(node: ast.AST) -> None:
        names.update(_names(node))
        strings.update(_strings(node))

    for statement in statements:
        defined = _defined(statement)
        if not (_is_import(statement) or _is_table(statement) or (defined and defined <= optional)):
            keep(statement)
    size = -1
    while size != len(names) + len(strings):
        size = len(names) + len(strings)
        for key, value in entries:
            if _may_be_asked_for(key, strings):
                keep(value)
        for name in optional & names:
            for definition in definitions.get(name, ()):
                keep(definition)

    def is_kept(statement: ast.stmt) -> bool:
        return not (defined := _defined(statement)) <= optional or not defined or bool(defined & names)

    return {file: _pruned(tree, is_kept, strings) for file, tree in trees.items()}


def _pruned(tree: ast.Module, is_kept: Callable[[ast.stmt], bool], strings: Set[str]) -> ast.Module:
    body: list[ast.stmt] = []
    for statement in tree.body:
        if _is_table(statement):
            pairs = [entry for entry in _entries(statement) if _may_be_asked_for(entry[0], strings)]
            table = ast.Dict(keys=[key for key, _ in pairs], values=[value for _, value in pairs])
            body.append(
                ast.copy_location(ast.Assign(targets=[ast.Name(_table_name(statement))], value=table), statement)
            )
        elif is_kept(statement):
            body.append(statement)
    rest = [statement for statement in body if not _is_import(statement)]
    needed = {name for statement in rest for name in _names(statement)}
    dropped = {name for s in tree.body if not _is_import(s) for name in _names(s)} - needed
    without = (_without(statement, dropped) if _is_import(statement) else statement for statement in body)
    return ast.Module(body=[statement for statement in without if statement], type_ignores=[])


def _without(statement: ast.stmt, dropped: Set[str]) -> ast.stmt | None:
    """An import without the names that only dropped code uses; None if nothing is left of it."""
    assert isinstance(statement, ast.Import | ast.ImportFrom)
    aliases = [a for a in statement.names if (a.asname or a.name.partition(".")[0]) not in dropped]
    if isinstance(statement, ast.Import):
        return ast.Import(names=aliases) if aliases else None
    return ast.ImportFrom(module=statement.module, names=aliases, level=statement.level) if aliases else None


def _entries(statement: ast.stmt) -> list[tuple[ast.expr | None, ast.expr]]:
    """The keys and values of a table; none of another statement."""
    if not _is_table(statement):
        return []
    table = statement.value  # type: ignore[attr-defined]
    return list(zip(table.keys, table.values, strict=True))


def _is_table(statement: ast.stmt) -> bool:
    return isinstance(getattr(statement, "value", None), ast.Dict) and _table_name(statement) in TABLES


def _table_name(statement: ast.stmt) -> str:
    return next(iter(_defined(statement)), "")


def _may_be_asked_for(key: ast.expr | None, strings: Set[str]) -> bool:
    """Whether all strings of a key are known; of a key in another form it is taken for granted."""
    parts = key.elts if isinstance(key, ast.Tuple) else [key]
    return all(part.value in strings if isinstance(part, ast.Constant) else True for part in parts)


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _defined(statement: ast.stmt) -> set[str]:
    """The names that a function, a class or an assignment defines."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return {n.id for target in targets if target for n in ast.walk(target) if isinstance(n, ast.Name)}


@functools.cache
def _names(node: ast.AST) -> frozenset[str]:
    """The names and attributes in code, annotations of arguments and results left out."""
    walked = list(_walk(node))
    return frozenset(
        [n.id for n in walked if isinstance(n, ast.Name)] + [n.attr for n in walked if isinstance(n, ast.Attribute)]
    )


@functools.cache  # a study asks for each of its variants
def _strings(node: ast.AST) -> frozenset[str]:
    """The strings in code by which it may ask for an entry.

    Annotations are left out, and the defaults of annotated fields: the configuration has the values of these.
    """
    found, waiting = set(), [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            found.add(each.value)
        elif isinstance(each, ast.ClassDef):
            fields = (s for s in each.body if isinstance(s, ast.AnnAssign) and "Annotated" in _names(s.annotation))
            apart = set(map(id, fields))
            waiting.extend(s for s in itertools.chain(each.body, each.decorator_list) if id(s) not in apart)
        else:
            waiting.extend(_children(each))
    return frozenset(found)


@functools.cache
def _renamed(tree: ast.Module) -> frozenset[str]:
    """The names that are imported under another one."""
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.alias) and node.asname)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in _children(node):
        yield from _walk(child)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for name, value in ast.iter_fields(node):
        if name == "returns" or (name == "annotation" and isinstance(node, ast.arg)):
            continue
        yield from (child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST))
