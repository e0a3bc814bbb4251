"""The folder of a report, and the parts of it that terminals and MLflow show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.foundation.errors import UserError
from src.foundation.files import canonical_json, json_text, read_json, replacing_folder, sha256, sha256_tree

_PAGE, _SUMMARY = "index.html", "summary.json"


@dataclass(frozen=True)
class Report:
    """The report of a study."""

    identity: str  # of the study
    folder: Path
    new: bool  # whether it was written now; else it was up to date
    table: str  # for a terminal
    verdict: tuple[str, ...]  # sentences
    metrics: Mapping[str, float]  # for MLflow

    @property
    def page(self) -> Path:
        """The file that people open."""
        return self.folder / _PAGE

    @property
    def text(self) -> str:
        """The table and the verdict, for a terminal."""
        return "\n".join([self.table, "", *self.verdict])

    @property
    def tags(self) -> dict[str, str]:
        """The verdict, for MLflow."""
        return {"verdict": " ".join(self.verdict)}


def write(
    target: Path, summary: Mapping[str, Any], basis: object, files: Mapping[str, str], page: Callable[[Path], str]
) -> bool:
    """Writes index.html, summary.json and `files` into a folder that replaces `target`; returns whether it did.

    A report with the same basis, by the same code, is left alone: a study that is run again touches no file.

    Args:
        target: the report's folder.
        summary: the contents of summary.json.
        basis: plain data that determine the report.
        files: texts by file name.
        page: returns the page; called with the new folder, which has all other files, to which it may add figures.
    """
    made_from = sha256(canonical_json({"basis": basis, "code": _code()}))
    texts = {_SUMMARY: json_text({**summary, "made_from": made_from}), **files}
    if _is_current(target, made_from) and all((target / name).exists() for name in (_PAGE, *texts)):
        return False
    with replacing_folder(target) as folder:
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / _PAGE).write_text(page(folder), encoding="utf-8")
    return True


def _code() -> str:
    folder = Path(__file__).parent
    return sha256_tree(folder, [file for file in folder.rglob("*") if file.suffix in (".py", ".html", ".css")])


def _is_current(target: Path, made_from: str) -> bool:
    try:
        return bool(read_json(target / _SUMMARY)["made_from"] == made_from)
    except (UserError, LookupError, TypeError):
        return False
