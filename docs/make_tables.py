"""Writes iris.csv, wine.csv and breast_cancer.csv from scikit-learn: `python -m docs.make_tables FOLDER`.

docs/own-data.md shows them as data of one's own. The last column, `class`, has the names of the classes.
"""

import sys
from pathlib import Path

from src.foundation.files import write_csv

TABLES = ("iris", "wine", "breast_cancer")


def write(folder: Path) -> None:
    """Writes the three tables into a folder."""
    from sklearn import datasets

    for name in TABLES:
        data = getattr(datasets, f"load_{name}")()
        labels = [str(data.target_names[k]) for k in data.target]
        rows = [[*row, label] for row, label in zip(data.data.tolist(), labels, strict=True)]
        write_csv(folder / f"{name}.csv", [*map(str, data.feature_names), "class"], rows)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
