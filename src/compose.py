"""Composes conf/ into params.yaml, which the stages of the pipeline read; `--check` only compares the two."""

import contextlib
import shlex
import tempfile
from pathlib import Path

from src.cli.command import Arguments, run_command
from src.config.composition import CONF, compose, one_line_errors
from src.config.needs import refuse_idle
from src.config.tree import SNAPSHOT, read_yaml
from src.foundation import schema
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import ROOT, write_text

_SHOWN = 8  # keys; a recipe has one for each column of a table


def snapshot(overrides: list[str]) -> str:
    """The text of params.yaml, composed by DVC's own function, so that `dvc exp run -S` writes the same."""
    from dvc.utils.hydra import compose_and_dump

    compose(overrides)  # rejects invalid settings; DVC's function would resolve any interpolation
    with tempfile.TemporaryDirectory() as folder, one_line_errors(overrides):
        file = Path(folder) / "params.yaml"
        compose_and_dump(str(file), CONF, None, "config", str(ROOT), overrides)
        return file.read_text(encoding="utf-8")


def check(overrides: list[str]) -> None:
    """Raises `RunFailed`, naming the keys that differ, unless params.yaml matches conf/ composed with `overrides`."""
    composed = snapshot(overrides)
    if SNAPSHOT.is_file() and SNAPSHOT.read_bytes() == composed.encode():
        print("params.yaml is up to date")
        return
    keys = ", ".join(_changed(composed)) or "its layout"
    raise RunFailed(f"params.yaml differs from conf/ in {keys}; run `python -m src.compose`")


def _changed(composed: str) -> list[str]:
    """The keys in which params.yaml differs from a composed text."""
    import yaml

    trees = (read_yaml(SNAPSHOT), yaml.safe_load(composed))
    there, here = (dict(schema.flatten(tree if isinstance(tree, dict) else {})) for tree in trees)
    return sorted(key for key in there.keys() | here.keys() if there.get(key) != here.get(key))


def write(overrides: list[str]) -> None:
    """Writes params.yaml, and prints what changes; it may have overrides that nobody gave this time."""
    composed, keys = snapshot(overrides), ["all of it"]
    with contextlib.suppress(UserError):  # it is missing, or damaged
        keys = [key for key in _changed(composed) if key != "conf_digest"]
    write_text(SNAPSHOT, composed)
    listed = ", ".join(keys[:_SHOWN]) + f" and {len(keys) - _SHOWN} more" * (len(keys) > _SHOWN)
    print(f"wrote {SNAPSHOT.name}; changed: {listed or 'no value'}")
    if overrides:
        again = shlex.join(["dvc", "exp", "run", *(word for override in overrides for word in ("-S", override))])
        print(f"`dvc repro` runs it. `dvc exp run` composes again, without what it is not given: {again}")


def main() -> None:
    """The command."""
    parser = Arguments("compose", __doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if params.yaml is not up to date")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="changes to conf/, as for src.train")
    arguments = parser.parse_args()
    refuse_idle(arguments.overrides, [compose(arguments.overrides)])
    if arguments.check:
        check(arguments.overrides)
    else:
        write(arguments.overrides)


if __name__ == "__main__":
    run_command(main)
