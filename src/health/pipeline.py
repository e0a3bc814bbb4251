"""Checks of the pipeline's files: params.yaml, the data that its stages make, and its model."""

import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from src.config.tree import read_snapshot
from src.data.dataset import open_dataset
from src.data.originals import require_whole
from src.data.sources import SOURCES
from src.data.splits import open_split
from src.foundation.errors import UserError
from src.foundation.files import canonical_json, conf_digest, sha256
from src.foundation.locks import is_free
from src.foundation.schema import written
from src.health.finding import Finding, owned, refusal, repair
from src.health.own_data import own_recipes
from src.runs.fingerprint import environment
from src.runs.folder import RunFolder
from src.runs.model import load_model


def damaged_data(root: Path) -> Iterator[Finding]:
    """Arrays, splits or raw files under data/ that do not match their digests."""
    if not is_free(root / ".dvc/tmp/lock"):  # `dvc` may be writing files
        return
    for name, check in _raw(root):
        folder = root / "data" / "raw" / name
        if folder.is_dir() and (reason := refusal(check, folder)):
            advice = "`dvc repro`, or `python -m src.fetch`, fetches it again"
            yield Finding(_without_advice(reason, folder), folder, None, advice)
    for kind, verify in {"split": open_split, "normalized": open_dataset}.items():
        for folder in sorted((root / "data" / kind).glob("[!.]*/")):
            if reason := refusal(verify, folder):
                lock = owned(recipe_lock(root, folder.name), f"another process that is making {folder}")
                mend = partial(repair, lock, partial(refusal, verify, folder), partial(shutil.rmtree, folder))
                advice = "removed; the next command, or `dvc repro`, makes it again"
                yield Finding(_without_advice(reason, folder), folder, mend, advice)


def _raw(root: Path) -> Iterator[tuple[str, Callable[[Path], object]]]:
    """The folders of raw files, by name, and what raises `UserError` for a damaged one: published and one's own."""
    for name, source in SOURCES.items():
        yield name, source.read
    for _, tree in own_recipes(root):
        match tree:
            case {"name": str(name), "sha256": str(digest), **others}:
                yield str(others.get("folder") or name), partial(require_whole, digest)


def stale_snapshot(root: Path) -> Iterator[Finding]:
    """A params.yaml that is damaged or stale: conf/ has changed since it was composed."""
    file = root / "params.yaml"
    # Not repaired: that would silently drop the overrides that `dvc exp run -S` has composed into it.
    advice = "`python -m src.compose`, with the overrides that you want"
    try:
        if read_snapshot(file).conf_digest != conf_digest():
            yield Finding("stale: conf/ has changed since", file, None, advice)
    except UserError as error:
        yield Finding(str(error).partition("; to restore")[0].removeprefix(f"{file.name}: "), file, None, advice)


def damaged_model(root: Path) -> Iterator[Finding]:
    """A models/model.npz that is damaged; `dvc status` says whether it is the one of dvc.lock."""
    file = root / "models" / "model.npz"
    if not file.exists() or not is_free(root / "runs" / ".locks" / "stage-train.lock"):
        return
    if reason := refusal(load_model, file):
        advice = "`dvc repro` makes it again; `dvc checkout` restores that of dvc.lock"
        yield Finding(reason.removeprefix(f"{file}: "), file, None, advice)


def other_environment(root: Path) -> Iterator[Finding]:
    """A native models/model.npz of another NumPy, BLAS or processor than this one: DVC can't see that."""
    file = root / "models" / "model.npz"
    try:
        config = read_snapshot(root / "params.yaml")
        if config.portable:
            return
        about = RunFolder(root / "runs" / load_model(file).header["fingerprint"]).run()
        then, of_config = about["environment"], about["digests"]["config"]
    except (UserError, LookupError):  # damaged, which other checks say; or trained elsewhere
        return
    if of_config != sha256(canonical_json(config.semantic())):  # DVC trains another one anyway
        return
    now = environment(config.train.threads)
    if others := [
        f"{key} {written(then.get(key))}, here {written(now[key])}" for key in now if now[key] != then.get(key)
    ]:
        advice = "`dvc repro -f train` trains it again; plain `dvc repro` sees no change"
        yield Finding(f"trained natively with {'; '.join(others)}", file, None, advice)


def recipe_lock(root: Path, recipe: str) -> Path:
    """The lock that a process holds while it makes the recipe's files."""
    return root / "runs" / ".locks" / f"data-{recipe}.lock"


def _without_advice(reason: str, folder: Path) -> str:
    """The reason without the advice at its end; the finding has its own."""
    return re.split(r"(?:: r|\. R)un `|\. Delete ", reason.replace(f"{folder}/", ""))[0]
