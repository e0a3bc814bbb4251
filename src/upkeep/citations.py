"""Which runs are needed: those that a study or dvc.lock cites. What a report rests on is never deleted."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from src.foundation.errors import UserError
from src.foundation.files import ROOT, read_capped
from src.runs.cited import fingerprints_in, studies_by_run

_LARGEST = 64 << 20  # bytes
_LOCKED_MODEL = "models/model.npz"
_LOCKED_STUDIES = "models/studies/"


def citations(paths: Iterable[Path]) -> dict[str, str]:
    """The ids of needed runs, with what cites each, such as `study ladder`.

    paths: of run folders; which of them made the model in dvc.lock is found by the files' MD5.
    """
    found = {run: f"study {', '.join(names)}" for run, names in studies_by_run().items()}
    outs = _locked_outs()
    for out in outs:
        if out["path"].startswith(_LOCKED_STUDIES):
            md5 = str(out["md5"])
            file = ROOT / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]  # lists the files of a folder
            name = out["path"].removeprefix(_LOCKED_STUDIES)
            found = dict.fromkeys(fingerprints_in(file), f"study {name}, by dvc.lock") | found
    models = {str(out["md5"]): int(out["size"]) for out in outs if out["path"] == _LOCKED_MODEL}
    for path in paths:
        model = path / "model.npz"
        if model.is_file() and model.stat().st_size in models.values() and _md5(model) in models:
            found[path.name] = f"dvc.lock, for {_LOCKED_MODEL}"
    return found


def _locked_outs() -> list[Mapping[str, Any]]:
    import yaml

    file = ROOT / "dvc.lock"
    if not file.is_file():
        return []
    try:
        stages = yaml.load(read_capped(file, _LARGEST), getattr(yaml, "CSafeLoader", yaml.SafeLoader))["stages"]
        outs = [out for stage in stages.values() for out in stage.get("outs", ())]
    except (yaml.YAMLError, LookupError, TypeError, AttributeError):
        raise UserError("dvc.lock: damaged, so what it cites is not known; run `python -m src.doctor`") from None
    return [out for out in outs if {"path", "md5", "size"} <= out.keys()]


def _md5(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "md5").hexdigest()
