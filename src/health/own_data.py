"""Checks of the user's own data: whether they are still those that the recipes in conf/data/ are about."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from src.config.interpolations import unescaped
from src.config.tree import read_yaml
from src.data.originals import digest_of
from src.data.recipe import OWN
from src.foundation.errors import UserError
from src.foundation.files import home
from src.health.finding import Finding


def own_recipes(root: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The recipes in conf/data/ that are about own data, with their files; one that can't be read is left out."""
    for file in sorted((root / "conf" / "data").glob("*.yaml")):
        with contextlib.suppress(UserError):  # whoever composes it says so
            if isinstance(tree := read_yaml(file), dict) and tree.get("source") in OWN:
                yield file, tree


def changed_originals(root: Path) -> Iterator[Finding]:
    """Own data that have changed since `src.add` looked at them; DVC looks only at the copy in data/raw/."""
    for file, tree in own_recipes(root):
        original, test = (
            home() / Path(unescaped(tree[key], key)).expanduser() if isinstance(tree.get(key), str) else None
            for key in ("path", "test_path")
        )
        if original is None or not all(path.exists() for path in (original, test) if path):
            continue  # perhaps of another machine; the copy serves
        if digest_of(original, test) != tree.get("sha256"):
            what = f"{original}{f' or {test}' if test else ''} has changed since this recipe was written"
            yield Finding(what, file, None, f"`python -m src.add data {file.stem} --update` takes it as it is now")
