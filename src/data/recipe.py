"""The recipe of a data set: a source, a split and a scaling under one name."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Annotated, Any

from src.data.dataset import DTYPES
from src.data.own import MOST_LABELS
from src.data.published import SOURCES
from src.data.scaling import BY_THE_LARGEST, SCALINGS
from src.data.splits import Split
from src.foundation.errors import UserError
from src.foundation.schema import show

KINDS = ("number", "category")  # of a column
ON_MISSING = ("refuse", "mean", "drop")
SEPARATORS = (",", ";", "\t", "|")  # of the cells of a table
# The kinds of one's own data, and which of the keys below each uses besides these four.
OWN: dict[str, tuple[str, ...]] = {
    "table": ("label", "columns", "missing", "group", "separator", "decimal"),
    "arrays": ("image",),
    "idx": ("image",),
    "images": ("image",),
}
ALL_OWN = ("path", "test_path", "sha256", "labels")
_FOLDER = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


def _own(default: Any = MISSING) -> Any:
    """A key of one's own data. At its default, recipes of published sources are as before the key was added."""
    if default is MISSING:
        return field(default_factory=dict, hash=False, metadata={"before": {}})
    return field(default=default, metadata={"before": default})


@dataclass(frozen=True)
class Recipe:
    """How a data set is made. Two recipes with equal semantic fields give equal bytes.

    The fields from `path` on are for data of one's own, a source in `OWN`.
    """

    name: str  # of the folder under data/split/ and data/normalized/
    source: Annotated[str, (*SOURCES, *OWN)]
    split: Split
    scaling: Annotated[str, SCALINGS] = "standard"
    seed: Annotated[int, ">= 0", "<= 4294967295"] = 0  # of the split, and of generated points
    dtype: Annotated[str, DTYPES] = "float32"  # of the arrays that networks are given
    mirror: str | None = field(default=None, metadata={"semantic": False})  # a folder with the source's files
    folder: str | None = field(default=None, metadata={"semantic": False})  # under data/raw/; null: see `raw_folder`
    path: str | None = field(default=None, metadata={"semantic": False})  # of the original: a file or a folder
    test_path: str | None = field(default=None, metadata={"semantic": False})  # of the published test set's original
    sha256: str | None = _own(None)  # of the originals: see `originals.py`
    label: str | None = _own(None)  # the column with the label
    labels: tuple[str, ...] = _own(())  # the classes, in the order of their indices
    columns: Mapping[str, Annotated[str, KINDS]] = _own()  # that are used, label and group apart
    missing: Annotated[str, ON_MISSING] = _own("refuse")
    group: str | None = _own(None)  # a column; examples with the same value are in the same set
    separator: Annotated[str, SEPARATORS] = _own(",")
    decimal: Annotated[str, (".", ",")] = _own(".")  # the decimal mark
    image: tuple[Annotated[int, ">= 1"], ...] | None = _own(None)  # height and width

    def __post_init__(self) -> None:
        for key, name in (("name", self.name), ("folder", self.raw_folder)):
            if not _FOLDER.fullmatch(name):
                raise UserError(
                    f"data.{key}={show(name)}: must be 1 to 100 letters, digits, '.', '_' and '-', "
                    "and not start with '.'; it names a folder"
                )
        if self.mirror is not None and self.source != "mnist":
            raise UserError(f"data.mirror={self.mirror}: data.source={self.source} has no mirrors; allowed: null")
        bounded = self.image is not None if self.own else SOURCES[self.source].largest is not None
        if not bounded and self.scaling in BY_THE_LARGEST:
            others = ", ".join(name for name in SCALINGS if name not in BY_THE_LARGEST)
            raise UserError(
                f"data.scaling={self.scaling}: needs data with a largest value; data.source={self.source} has none; "
                f"allowed: {others}"
            )
        if self.split.published_test and not self.own and not SOURCES[self.source].published_test:
            own = ", ".join(name for name, other in SOURCES.items() if other.published_test)
            raise UserError(
                f"data.split.published_test=true: data.source={self.source} has no published test set; allowed: "
                f"false, or data.source={own}"
            )
        used = (*ALL_OWN, *OWN[self.source]) if self.own else ()
        for key, default in AS_BEFORE.items():
            if key not in used and (value := getattr(self, key)) != default:
                allowed = f"does not use it; allowed: {show(default)}"
                raise UserError(f"data.{key}={show(value)}: data.source={self.source} {allowed}")
        if self.own:
            self._check_own()

    @property
    def own(self) -> bool:
        """Whether these are data of one's own, not of a published source."""
        return self.source in OWN

    @property
    def raw_folder(self) -> str:
        """The name of the folder under data/raw/: recipes of one published source share it."""
        return self.folder or (self.name if self.own else self.source)

    def _check_own(self) -> None:
        if not 2 <= len(self.labels) <= MOST_LABELS or len({*self.labels}) < len(self.labels):
            raise UserError(f"data.labels={show(list(self.labels))}: must be 2 to {MOST_LABELS} names, all different")
        if self.sha256 is not None and not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise UserError(f"data.sha256={show(self.sha256)}: must be 64 hexadecimal digits, or null")
        if self.image is not None and len(self.image) != 2:
            raise UserError(
                f"data.image={show(list(self.image))}: must be a height and a width, like data.image=[28,28]"
            )
        if self.source in ("idx", "images") and self.image is None:
            raise UserError(f"data.image=null: data.source={self.source} needs a height and a width")
        if self.source != "table":
            return
        if self.label is None:
            raise UserError("data.label=null: data.source=table needs the name of the column with the label")
        if not self.columns:
            raise UserError("data.columns={}: data.source=table needs the columns to use, and their kinds")
        for key, name in (("label", self.label), ("group", self.group)):
            if name in self.columns:
                raise UserError(f"data.{key}={show(name)}: it is in data.columns, too; allowed: one of the two")
        if self.group == self.label:
            raise UserError(f"data.group={show(self.group)}: it is the label, too; allowed: another column, or null")
        if self.group is not None and self.split.draw != "test_first":
            raise UserError(f"data.split.draw={self.split.draw}: allowed with data.group=null; else test_first")
        if self.separator == self.decimal:
            raise UserError(f"data.decimal={self.decimal}: it is data.separator, too; allowed: two different marks")


# The keys of one's own data, with the values that they have in recipes of published sources.
AS_BEFORE: dict[str, Any] = {
    f.name: {} if f.default is MISSING else f.default
    for f in fields(Recipe)
    if f.name in {*ALL_OWN, *itertools.chain(*OWN.values())}
}
