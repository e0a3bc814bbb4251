"""What people note about a run, in its folder: notes.json, which stays when the run is trained again."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from src.config.tracking import Tracking, tag_of
from src.foundation.errors import UserError
from src.foundation.files import read_object, write_json
from src.foundation.locks import locked_if_free
from src.runs.summary import NOTES

_PATIENCE = 20.0  # seconds; another command writes a small file


class Annotations(NamedTuple):
    """Tags with their values, and a note."""

    tags: Mapping[str, str | None] = {}  # empty: a tag without a value; None: one that was removed
    note: str | None = None

    def words(self) -> list[str]:
        """The tags as they are typed: `KEY`, or `KEY:VALUE`."""
        return [f"{key}:{value}" if value else key for key, value in self.tags.items() if value is not None]


def read_annotations(folder: Path) -> Annotations:
    """The annotations of a run folder. Raises `UserError` if the file is damaged."""
    file = folder / NOTES
    if not file.exists():
        return Annotations()
    match read_object(file):
        case {"tags": dict(tags), "note": str() | None as note} if all(
            isinstance(v, str | None) for v in tags.values()
        ):
            return Annotations(tags, note)
    raise UserError(f"{file}: damaged; remove it, and note its tags again")


def annotate(
    folder: Path, tags: Iterable[str] = (), removed: Iterable[str] = (), note: str | None = None
) -> Annotations:
    """Adds and removes tags, and replaces the note unless it is None; an empty one is none.

    tags: `KEY` or `KEY:VALUE`. removed: keys; they stay in the file, since a mirror has to remove them, too.

    Raises:
        UserError: a tag is not allowed, the run never had one to remove, or the file is damaged.
    """
    added, gone = dict(map(tag_of, tags)), [tag_of(tag)[0] for tag in removed]
    if both := added.keys() & gone:
        raise UserError(f"{min(both)}: to be added and to be removed; give it once")
    changed = {**dict.fromkeys(gone, None), **added}
    if not changed and note is None:
        return read_annotations(folder)
    locks = folder.parent / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    with locked_if_free(locks / "notes.lock", _PATIENCE) as free:  # or the later of two commands undoes the other
        if not free:
            raise UserError(f"{folder / NOTES}: another command has been writing notes for {_PATIENCE:g} s; try again")
        known = read_annotations(folder)
        if never := [key for key in gone if key not in known.tags]:
            raise UserError(f"{never[0]}: not a tag of this run; its tags: {', '.join(known.words()) or 'none'}")
        now = Annotations({**known.tags, **changed}, known.note if note is None else note or None)
        if now != known:
            write_json(folder / NOTES, {"tags": dict(now.tags), "note": now.note})
    return now


def annotate_as(tracking: Tracking, folder: Path) -> None:
    """Notes what the configuration of a run says about it, `tracking.tags` and `tracking.note`."""
    if tracking.tags or tracking.note:
        annotate(folder, tracking.tags, note=tracking.note)
