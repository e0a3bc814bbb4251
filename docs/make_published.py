"""Updates the table in docs/published.md from a report: `python -m docs.make_published [FOLDER]`.

FOLDER: the report of the study `replicas`; by default reports/replicas, where
`python -m src.ablation ablation=replicas` writes it.
"""

import sys
from pathlib import Path

PAGE = Path(__file__).with_name("published.md")


def with_table(page: str, table: str) -> str:
    """The page with its table replaced by another one."""
    text = [line for line in page.splitlines(keepends=True) if not line.startswith("| ")]
    return "".join(text) + table


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if sys.argv[1:] else Path("reports/replicas")
    PAGE.write_text(with_table(PAGE.read_text(), (folder / "table.md").read_text()))
