"""Tables for terminals and in Markdown."""

from collections.abc import Iterable, Sequence


def plain_table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int = 40) -> str:
    """Columns of a fixed pitch, two spaces apart, under a ruled header; without a newline at the end.

    A column whose cells are all numbers (or `-`, or empty) is aligned right. A cell stays on one line, and is cut to
    `width` characters, with `…` at its end.
    """
    table = [[_cut(" ".join(cell.split()), width) for cell in line] for line in (header, *rows)]
    columns = list(zip(*table, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [
        any(map(_is_number, cells)) and all(_is_number(cell) or cell in ("", "-") for cell in cells)
        for _, *cells in columns
    ]
    table.insert(1, ["-" * size for size in widths])
    return "\n".join(
        "  ".join(
            cell.rjust(size) if number else cell.ljust(size)
            for cell, size, number in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in table
    )


def markdown_table(header: Sequence[str], sides: str, rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, with a newline at the end. sides: a character for each column; `r` aligns it right."""
    ruler = ["---:" if side == "r" else "---" for side in sides]
    lines = [header, ruler, *([_escaped(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _escaped(cell: str) -> str:
    return " ".join(cell.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"


def _is_number(cell: str) -> bool:
    try:
        float(cell.removesuffix("%").replace(",", "").replace("−", "-"))
    except ValueError:
        return False
    return True
