"""How pages are made from templates/: everything that goes into one is escaped, and what is not there is an error."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Path(__file__).parent / "templates"


def environment(filters: Mapping[str, Callable[..., Any]]) -> Environment:
    """The templates, with these filters beside Jinja's own, and `fact`."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"fact": _fact, **filters}
    return made


def _fact(value: Any) -> str:
    """Something about the machine, as it is told to people."""
    match value:
        case None | "" | []:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(_fact, value))
        case _:
            return str(value).removesuffix(" None")  # which a BLAS that names no processor ends with
