"""Which interpolations conf/ may have: a few of the project's own. And which texts it may have that look like one.

OmegaConf resolves `${...}`, and Hydra calls what `_target_` names; both would happen before the typed configuration
exists. So the files are checked first. In a recipe of one's own data, names of columns and classes may be any text.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from src.foundation.errors import UserError

DIGEST = "${conf_digest:}"
_CHOSEN_DATA = "${data}"  # selects conf/pipeline/<data>.yaml
_INTERPOLATED = r"(?<!\\)(\\\\)*\$\{"  # not in \${, which OmegaConf reads as the text ${
OTHER_SEED = re.compile(r"\$\{other_seed:(\d+)\}$")  # ends data.name, as `other_seed` says
# Keys of a recipe whose values are the user's own words: paths, and names of columns and classes.
TEXTS = ("path", "test_path", "label", "labels", "columns", "group")
# Keys and values that make Hydra, or the logging that it configures, import or call something.
_CALLED = ("_target_", "()", "class", "searchpath")


def check_files(conf: Path) -> None:
    """Rejects a `conf` that calls something or reads the environment: Hydra would do so before we see the result."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for file in conf.rglob("*.yaml"):
        if not file.is_file():  # an editor's lock file
            continue
        recipe = file.parent == conf / "data"
        for key, value in _scalars(file.read_text(encoding="utf-8"), loader):
            a_text = recipe and key in TEXTS  # a name in the user's data, which nothing calls
            if value in _CALLED and not a_text:
                raise UserError(f"{file}: {value} is not allowed; a configuration calls nothing")
            if recipe and key == "columns":  # OmegaConf resolves values, not keys
                continue
            interpolated = _INTERPOLATED if a_text else r"\$\{"
            if re.search(interpolated, OTHER_SEED.sub("", value)) and value not in (
                DIGEST,
                _CHOSEN_DATA,
            ):
                cure = r"write \${ for the text ${" if a_text else "write the value itself"
                raise UserError(f"{file}: {' '.join(value.split())}: interpolations are not allowed; {cure}")


def _scalars(text: str, loader: Any) -> Iterator[tuple[str, str]]:
    """The scalars in a YAML text, each with the key at the top that it is below; "" for these keys."""
    import yaml

    depth, key = 0, ""
    for event in yaml.parse(text, loader):
        if isinstance(event, yaml.ScalarEvent):
            yield key, event.value
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth == 1:  # a key, or the end of its value
            key = event.value if isinstance(event, yaml.ScalarEvent) and not key else ""


def unescaped(value: Any, key: str) -> Any:
    """A text, or a list of texts, as OmegaConf gives it: `${` where a recipe has an escaped one."""
    if isinstance(value, list):
        return [unescaped(entry, key) for entry in value]
    if not isinstance(value, str):
        return value
    if re.search(_INTERPOLATED, value):
        raise UserError(f"data.{key}={value}: interpolations are not allowed; write \\${{ for the text ${{")
    return re.sub(r"(\\+)\$\{", lambda match: "\\" * (len(match[1]) // 2) + "${", value)


def escaped(text: str) -> str:
    """A text in which OmegaConf finds no interpolation: `${` is written as an escaped one."""
    return re.sub(r"(\\*)\$\{", lambda match: f"{match[1] * 2}\\${{", text)
