"""What a stage of the pipeline depends on besides data and parameters: its code, its templates, its files of conf/.

DVC knows only files and folders, so any comment in `src/` would rerun the pipeline. Instead the stage `code` writes a
digest for each other stage, and they depend on that. A digest starts from the modules that compute the stage's outs,
not from its command: a command imports nearly everything, through the typed configuration.
"""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from src.config.tree import read_yaml
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import (
    ROOT,
    conf_digest,
    json_text,
    replacing_folder,
    sha256,
    sha256_file,
    sha256_tree,
    write_text,
)
from src.runs.code import Code, digest, trees

DIGESTS = ROOT / "data" / "code"
_CONF = ROOT / "conf"
_NO_RESULT = ("ablation/", "hparams_search/", "pipeline/", "tracking/")  # groups that change no training's result
_TEMPLATES = (".css", ".html", ".js")
# No out depends on how commands start, reject, wait and record; and data, once made, are a dependency of their own.
_APART = (
    "src.cli",
    "src.config.tracking",
    "src.data.recipe",
    "src.foundation.errors",
    "src.foundation.locks",
    "src.recording",
    "src.runs.lineage",
    "src.runs.tracker",
)


CODE = {
    "check": Code(("src.config.tree",)),
    "fetch": Code(("src.data.recipes",)),
    "split": Code(("src.data.recipes",)),
    "normalize": Code(("src.data.recipes",)),
    "train": Code(("src.runs.training_run", "src.runs.finished"), _APART),
    "evaluate": Code(("src.evaluate",), _APART),
    "study": Code(
        ("src.runs.training_run", "src.studies.comparisons.collect"),
        _APART,
        files=("src/studies/plan.py", "src/sweeps/sweep.py", "hydra_plugins/job_sweeper.py"),
    ),
    "report": Code(("src.report",), _APART),
}


def stages() -> Iterator[str]:
    """The stages that have a digest: all but `code`, and as `study/<name>` each study of conf/ablation/."""
    yield from (stage for stage in CODE if stage != "study")
    yield from (f"study/{file.stem}" for file in sorted((_CONF / "ablation").glob("*.yaml")))


def write_digests() -> None:
    """Writes data/code/, a file for each stage."""
    with replacing_folder(DIGESTS) as folder:
        for stage in stages():
            write_text(folder / f"{stage}.json", digests(stage))


def digests(stage: str) -> str:
    """The text of a stage's file in data/code/."""
    name, _, study = stage.partition("/")
    found = dict(_of_code(CODE[name]))
    if name == "check":
        found["conf"] = conf_digest()
    if study:
        found["conf"] = sha256(repr(sorted(composed_by(study).items())).encode())  # in the order of the files' keys
    return json_text(found)


@functools.cache  # studies share their code, and so do the stages that make data
def _of_code(code: Code) -> Mapping[str, str]:
    files = code.covered()
    found = {"code": digest(trees(files))}
    if templates := _templates(files):
        found["templates"] = sha256_tree(ROOT, templates)
    return found


def refuse_outdated(stage: str) -> None:
    """Raises `RunFailed` if the stage's digest differs from the one in data/code/, as can happen with `dvc repro -s`.

    DVC would otherwise record that the earlier code made the outs.
    """
    name, _, study = stage.rpartition(":")[2].partition("@")
    if name not in CODE:
        return  # the stage `code` itself
    key = f"study/{study}" if name == "study" else name
    file = DIGESTS / f"{key}.json"
    if not file.is_file() or file.read_text(encoding="utf-8") != digests(key):
        raise RunFailed(f"{stage}: its code has changed since the stage `code` ran; run `dvc repro`, without -s")


def composed_by(study: str) -> Mapping[str, Any]:
    """The files of conf/ that a study can compose, parsed: config.yaml, its own, and each choice that these name.

    A choice is composed only where its group and its name are written. Words are compared, so some are found that are
    not composed: too many rather than too few.
    """
    files = {file.relative_to(_CONF).as_posix(): file for file in _CONF.glob("*/**/*.yaml")}
    found: dict[str, Any] = {}
    waiting = {"config.yaml": _CONF / "config.yaml", f"ablation/{study}.yaml": _CONF / "ablation" / f"{study}.yaml"}
    while waiting:
        found |= {name: _parsed(file) for name, file in waiting.items()}
        words = {*re.findall(r"[\w.+-]+", repr([*found.values()]))}
        named = {name: file for name, file in files.items() if {file.stem, file.parent.name} <= words}
        waiting = {name: named[name] for name in named.keys() - found if not name.startswith(_NO_RESULT)}
    return found


def _parsed(file: Path) -> Any:
    try:
        tree = read_yaml(file)
    except UserError:  # the study itself says what is wrong
        return sha256_file(file)
    if file.name == "config.yaml" and isinstance(tree, dict):
        tree.pop("hydra", None)  # folders, and the text of --help
    return tree


def _templates(files: Iterable[Path]) -> list[Path]:
    """The templates in the rooms of `files`."""
    rooms = {ROOT.joinpath(*file.relative_to(ROOT).parts[:2]) for file in files}
    return sorted(file for room in rooms for file in room.rglob("*") if file.suffix in _TEMPLATES)
