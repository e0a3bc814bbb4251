"""Makes a report's page from templates/: all values are escaped, and an unknown name is an error."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from src.analysis import formats
from src.runs.fingerprint import code_digest
from src.runs.lineage import lineage

_TEMPLATES = Path(__file__).parent / "templates"


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
    templates.filters |= {function.__name__: function for function in _FILTERS}
    checkout = lineage()
    return templates.get_template(template).render(
        commit=checkout["git.commit"],
        dirty=checkout["git.dirty"] == "true",
        same_code=code == code_digest(),
        beside=sorted(file.name for file in folder.iterdir()),
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


_FILTERS = (formats.value, formats.points, formats.p_value, formats.seconds, fact)
