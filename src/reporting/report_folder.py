"""The folder of a report: its page, made from templates/, its files, and what terminals and MLflow show of it.

All values on a page are escaped, and an unknown name in a template is an error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from src.analysis import formats
from src.foundation.errors import UserError
from src.foundation.files import canonical_json, json_text, read_json, replacing_folder, sha256, sha256_tree
from src.runs.fingerprint import code_digest

_PAGE, _SUMMARY = "index.html", "summary.json"
_TEMPLATES = Path(__file__).parent / "templates"
_FORMATS = (formats.value, formats.points, formats.p_value, formats.seconds)


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
    made_from = digest_of(basis)
    texts = {_SUMMARY: json_text({**summary, "made_from": made_from}), **files}
    if _is_current(target, made_from) and all((target / name).exists() for name in (_PAGE, *texts)):
        return False
    with replacing_folder(target) as folder:
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / _PAGE).write_text(page(folder), encoding="utf-8")
    return True


def digest_of(basis: object) -> str:
    """The digest of plain data that a page is made from, and of the code that makes it."""
    here = Path(__file__).parent
    code = sha256_tree(here, [file for file in here.rglob("*") if file.suffix in (".py", ".html", ".css")])
    return sha256(canonical_json({"basis": basis, "code": code}))


def render(template: str, folder: Path, code: str, **values: Any) -> str:
    """The page, which loads nothing from elsewhere.

    Args:
        template: the name of its file.
        folder: the folder of the page, whose files it names.
        code: the digest of the numeric code that trained the runs, compared with that of this checkout.
        values: what the template shows.
    """
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {function.__name__: function for function in (*_FORMATS, fact)}
    return templates.get_template(template).render(
        same_code=code == code_digest(),
        beside=sorted(file.name for file in folder.iterdir()) if folder.is_dir() else (),
        **values,
    )


def fact(value: Any) -> str:
    """A fact about the machine, for people."""
    match value:
        case None | "" | []:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(fact, value))
        case _:
            return str(value).removesuffix(" None")  # the end of a BLAS that names no processor


def _is_current(target: Path, made_from: str) -> bool:
    try:
        return bool(read_json(target / _SUMMARY)["made_from"] == made_from)
    except (UserError, LookupError, TypeError):
        return False
