"""Which runs a command is about: named by people, or chosen by age and rank."""

import datetime
import re
from collections.abc import Sequence
from pathlib import Path

from src.foundation.errors import UserError
from src.recording.outbox import Outbox
from src.runs.folder import runs_folder
from src.runs.listing import run_paths
from src.runs.summary import Row

_SHORTEST = 4  # characters of an id
_MOST_LISTED = 5
_HOURS = {"h": 1, "d": 24, "w": 24 * 7}


def named(words: Sequence[str]) -> list[Path]:
    """The run folders of names, each once: a folder, or the beginning of an id or of an MLflow run's id.

    Raises:
        UserError: there is no such run, or there are several.
    """
    paths = {path.name: path for path in run_paths()}
    found = dict[str, Path]()
    of_mlflow: dict[str, str] | None = None
    for word in words:
        name = Path(word).name if "/" in word else word
        if "/" in word and Path(word).resolve().parent != runs_folder().resolve():
            raise UserError(f"{word}: not a run folder of this repository; they are in {runs_folder()}")
        if len(name) < _SHORTEST:
            raise UserError(f"{word}: give at least {_SHORTEST} characters of an id")
        matches = {other for other in paths if other.startswith(name)}
        if not matches and re.fullmatch("[0-9a-f]+", name):
            if of_mlflow is None:
                of_mlflow = {e.run_id: e.folder for e in Outbox().entries() if e.run_id and e.folder in paths}
            matches = {folder for run_id, folder in of_mlflow.items() if run_id.startswith(name)}
        if len(matches) > 1:
            listed = ", ".join(sorted(matches)[:_MOST_LISTED])
            raise UserError(f"{word}: the ids of {len(matches)} runs begin so ({listed}, ...); give more characters")
        if not matches:
            raise UserError(f"{word}: no run's id begins so; `python -m src.runs` lists them")
        found |= {match: paths[match] for match in matches}
    return list(found.values())


def old_enough(runs: Sequence[Row], age: str | None, keep_best: int) -> list[Row]:
    """The runs that ended longer ago than `age`, such as 30d, without the best `keep_best` finished ones of each data.

    The best have the highest valid/accuracy. Running ones are never among them, nor those with tags or a note.

    Raises:
        UserError: the age can't be read.
    """
    limit = datetime.datetime.now(datetime.UTC) - _age(age)
    best = set[str]()
    ranked = sorted(
        (row for row in runs if row.get("valid/accuracy") is not None),
        key=lambda row: (row["valid/accuracy"], row["ended"]),
        reverse=True,
    )
    for data in {row["data"] for row in ranked}:
        best |= {row["id"] for row in [row for row in ranked if row["data"] == data][:keep_best]}
    spared = best | {row["id"] for row in runs if row["status"] == "running" or row.get("tags") or row.get("note")}
    ended = [row for row in runs if "ended" in row and row["id"] not in spared]
    return [row for row in ended if datetime.datetime.fromisoformat(row["ended"]) < limit]


def _age(text: str | None) -> datetime.timedelta:
    if text is None:
        return datetime.timedelta()
    match = re.fullmatch(r"(\d{1,6})([hdw])", text)
    if match is None:
        raise UserError(f"--older-than {text}: must be a number with h, d or w, such as 12h, 30d or 8w")
    return datetime.timedelta(hours=int(match[1]) * _HOURS[match[2]])
