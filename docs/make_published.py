"""Updates docs/published.md and the README's excerpt from a report: `python -m docs.make_published [FOLDER]`.

FOLDER: the report of the study `replicas`; by default reports/replicas, where
`python -m src.ablation ablation=replicas` writes it.
"""

import re
import shutil
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("published.md")
README = Path(__file__).parents[1] / "README.md"
PICTURES = Path(__file__).with_name("pictures")
MARK = "<!-- from here on written by `python -m docs.make_published` -->\n"
# The experiments of the README, and the columns that it shows: experiment, what, published, ours, the same, verdict.
EXCERPT = (
    *("raschka_sigmoid", "raschka_relu", "weidman_momentum", "weidman_dropout", "xor_relu"),
    *("digits_8x8", "spiral_linear", "spiral_mlp", "spiral_adam", "noise_overfit"),
)
COLUMNS = (0, 1, 2, 3, 5, 6)


def with_tables(page: str, tables: str, pictures: list[str]) -> str:
    """The page with everything below its mark replaced: the tables of a report, and its pictures."""
    texts = {name: Path(name).stem.removeprefix("seeds_") for name in pictures}
    shown = [f"![{text}: every run of ours as a dot](pictures/{name})\n" for name, text in texts.items()]
    ours = "### Ours, properly\n"
    tables = tables.replace(ours, "\n".join([ours, *shown])) if shown else tables
    return page.partition(MARK)[0] + MARK + "\n" + tables


def with_excerpt(readme: str, tables: str) -> str:
    """The README with its excerpt of the first table replaced."""
    lines = [line for line in tables.split("### ")[1].splitlines() if line.startswith("|")]
    cells = {line.split(" | ")[0].strip("| `"): line.strip("| ").split(" | ") for line in lines}
    kept = [cells[name] for name in ("Experiment", "---", *EXCERPT) if name in cells]
    table = "".join(f"| {' | '.join(line[column] for column in COLUMNS)} |\n" for line in kept)
    return re.sub(r"(\| Experiment .*\n)(\|.*\n)+", lambda _: table, readme, count=1)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if sys.argv[1:] else Path("reports/replicas")
    tables = (folder / "table.md").read_text()
    pictures = sorted(folder.glob("seeds_*.png"))
    for picture in pictures:
        shutil.copy(picture, PICTURES / picture.name)
    PAGE.write_text(with_tables(PAGE.read_text(), tables, [picture.name for picture in pictures]))
    README.write_text(with_excerpt(README.read_text(), tables))
