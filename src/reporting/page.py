"""Makes a report's page from templates/: all values are escaped, and an unknown name is an error."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from src.analysis import formats

_TEMPLATES = Path(__file__).parent / "templates"


def render(
    template: str,
    lineage: Mapping[str, str],
    folder: Path,
    filters: Sequence[Callable[..., Any]] = (),
    **values: Any,
) -> str:
    """The page, which loads nothing from elsewhere.

    Args:
        template: the name of its file.
        lineage: `git.commit` and `git.dirty` of this checkout, and `code`: "same" if its numeric code is that of the
            runs, "another" otherwise. All may be missing.
        folder: the folder of the page, whose files it names.
        filters: functions that the template uses beside `_FILTERS` and Jinja's own.
        values: what the template shows.
    """
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {function.__name__: function for function in (*_FILTERS, *filters)}
    return templates.get_template(template).render(
        commit=lineage.get("git.commit", "unknown"),
        dirty=lineage.get("git.dirty") == "true",
        code=lineage.get("code", ""),
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
