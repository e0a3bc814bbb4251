"""What recipes add to the arrays of `dataset.py`, whose code is part of a run's identity and so does not change."""

import contextlib
import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.data.dataset import Dataset
from src.data.encoding import take
from src.data.raw import Raw, Source
from src.data.recipe import OWN, Recipe
from src.data.scaling import batches
from src.foundation.errors import UserError
from src.foundation.files import canonical_json, read_object, sha256, write_json

_MANIFEST = "dataset.json"


@dataclasses.dataclass(frozen=True, eq=False)
class Prepared(Dataset):
    """A data set of a recipe. Of one's own data, `sha256` is of names and order of labels and features, too."""

    raw_test_sha256: str | None = None  # of the test set before scaling; None in folders of earlier versions


def prepared(folder: Path, dataset: Dataset) -> Prepared:
    """The data set that was opened in a folder, with what `amend_manifest` has added there."""
    fields = {field.name: getattr(dataset, field.name) for field in dataclasses.fields(Dataset)}
    if dataset.recipe.get("source") in OWN:
        names = {"arrays": dataset.sha256, "labels": dataset.labels, "features": dataset.features}
        fields["sha256"] = sha256(canonical_json(names))
    return Prepared(**fields, raw_test_sha256=read_object(folder / _MANIFEST).get("raw_test_sha256"))


def of_earlier_data(folder: Path, recipe: Recipe) -> bool:
    """Whether arrays are of an earlier version of one's own data, which the recipe has been updated for since."""
    made: dict[str, Any] = {}
    with contextlib.suppress(UserError):  # `open_dataset` says what is damaged
        made = read_object(folder / _MANIFEST).get("recipe", {})
    return recipe.own and made.get("source") == recipe.source and made.get("sha256") != recipe.sha256


def raw_test_digest(raw: Raw, rows: NDArray[np.int64], source: Source) -> str:
    """The SHA-256 of a test set before scaling: equal if two networks were tested on the same examples.

    It covers the values as float64 or, of categories, as text; names and order of columns and labels; and the order of
    the examples. rows: of the test set.
    """
    texts = {k: np.array(list(texts) or [""]) for k, texts in raw.categories.items()}
    digest = hashlib.sha256(canonical_json({"labels": source.labels, "columns": raw.columns or source.features}))
    digest.update(np.ascontiguousarray(raw.y[rows], "<i8").data)
    for batch in batches(rows):
        x = take(raw.x, batch).astype("<f8")
        for k, of in texts.items():
            missing = np.isnan(x[:, k])
            cells = np.where(missing, "", of[np.where(missing, 0, x[:, k]).astype(np.int64)]).tolist()
            digest.update(canonical_json({"": cells}))
            x[:, k] = 0
        digest.update(np.ascontiguousarray(x).data)
    return digest.hexdigest()


def amend_manifest(folder: Path, raw_test_sha256: str) -> None:
    """Adds a digest of the test set to `dataset.json`, and seals it again."""
    manifest = read_object(folder / _MANIFEST)
    del manifest["seal"]
    manifest["raw_test_sha256"] = raw_test_sha256
    write_json(folder / _MANIFEST, {**manifest, "seal": sha256(canonical_json(manifest))})
