"""The commands below `python -m src.runs`."""

import json
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from src.cli.command import Arguments
from src.foundation.errors import RunFailed, UserError
from src.runs.folder import RunFolder

_KEPT = """\
Never deleted: runs that a study or dvc.lock cites, whose numbers stand in a report; runs that a registered model comes
from; runs that are being trained or recorded. --dry-run says what would be deleted, and changes nothing.

exit codes: 0 done; 1 something could not be deleted; 2 the input is wrong, and nothing was deleted
"""
_RM = f"""\
A RUN is a run folder, or the beginning of an id, of this table or of MLflow.

examples:
  python -m src.runs rm 03ec5b78
  python -m src.runs rm --where 'status == "failed"' --dry-run

{_KEPT}"""
_PRUNE = f"""\
Runs with tags or a note stay. The best runs have the highest valid/accuracy; they are counted for each data recipe,
among those that meet --where. With --older-than, too, a run goes only if it is older and is not among the best.

examples:
  python -m src.runs prune --older-than 30d --keep-best 3 --dry-run
  python -m src.runs prune --keep-best 10 --where 'data == "digits"'

{_KEPT}"""


_TAG = """\
Tags stay with the run, also when it is trained again, and are copied to its MLflow run. A run that has tags or a note
is not pruned. `tracking.tags=[draft,paper:icml]` sets tags when a run is started.

examples:
  python -m src.runs tag 03ec5b78 draft paper:icml
  python -m src.runs tag 03ec5b78 --remove draft
  python -m src.runs --where '"draft" in tags'
"""
_NOTE = """\
The note stays with the run, and is the tag `note` of its MLflow run. `tracking.note='...'` sets it when a run starts.

examples:
  python -m src.runs note 03ec5b78 'the learning rate was too high'
  python -m src.runs --where '"rate" in note' --columns id,differs,note
"""


def rm(words: Sequence[str]) -> None:
    """Deletes the runs that are named, or meet a condition."""
    parser = Arguments("runs rm", "Deletes runs: folder, MLflow run, logged models and artifacts, together.", _RM)
    parser.add_argument("runs", nargs="*", metavar="RUN", help="see below")
    parser.add_argument(
        "--where", metavar="CONDITION", help="all runs that meet it, as of `python -m src.runs --where`"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    given = parser.parse_args(words)
    if given.runs and given.where is not None:
        raise UserError(f"{' '.join(given.runs)} and --where: give runs or a condition, not both")
    if not given.runs and given.where is None:
        raise UserError("give runs, or --where CONDITION: `python -m src.runs rm 03ec5b78`")
    if given.runs:
        from src.upkeep.selecting import named

        _delete(named(given.runs), given.dry_run, all_or_none=True)
    else:
        from src.runs.listing import meeting, rows

        _delete([RunFolder.of(row["id"]).path for row in meeting(rows(), given.where)], given.dry_run)


def prune(words: Sequence[str]) -> None:
    """Deletes runs by age and rank."""
    parser = Arguments("runs prune", "Deletes old runs, and keeps the best.", _PRUNE)
    parser.add_argument("--older-than", metavar="AGE", help="only runs that ended longer ago, such as 12h, 30d, 8w")
    parser.add_argument("--keep-best", metavar="N", type=int, help="keep the N best of these for each data recipe")
    parser.add_argument(
        "--where", metavar="CONDITION", help="only runs that meet it, as of `python -m src.runs --where`"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    given = parser.parse_args(words)
    if given.older_than is None and given.keep_best is None:
        raise UserError("give --older-than AGE, --keep-best N, or both: `python -m src.runs prune --older-than 30d`")
    if given.keep_best is not None and given.keep_best < 0:
        raise UserError(f"--keep-best {given.keep_best}: must be >= 0")
    from src.runs.listing import meeting, rows
    from src.upkeep.selecting import old_enough

    chosen = old_enough(meeting(rows(), given.where), given.older_than, given.keep_best or 0)
    _delete([RunFolder.of(row["id"]).path for row in chosen], given.dry_run)


_ADOPT = """\
A run is taken if it has finished, is whole, and is what its fingerprint says; MLflow gets it, too. One that is here
already is left as it is, so the command can be repeated. Files of other names are not copied.

examples:
  scp -r cluster:tracked-mlp/runs /tmp/runs && python -m src.runs adopt /tmp/runs

exit codes: 0 done; 1 some runs were not taken; 2 the input is wrong
"""


def tag(words: Sequence[str]) -> None:
    """Adds and removes tags of a run."""
    parser = Arguments("runs tag", "Adds tags to a run, or removes them; without any, prints them.", _TAG)
    parser.add_argument("run", metavar="RUN", help="a run folder, or the beginning of an id, here or in MLflow")
    parser.add_argument("tags", nargs="*", default=[], metavar="TAG", help="a word, or KEY:VALUE")
    parser.add_argument("--remove", nargs="+", default=[], metavar="TAG", help="tags to remove, by their keys")
    given = parser.parse_args(words)
    from src.runs.listing import run_paths
    from src.upkeep.selecting import named

    [path] = named([given.run])
    for word in given.tags:
        if re.fullmatch("[0-9a-f]{8,}", word) and any(other.name.startswith(word) for other in run_paths()):
            raise UserError(f"{word}: the id of a run; give one run, then its tags")
    _annotate(path, tags=given.tags, removed=given.remove)


def note(words: Sequence[str]) -> None:
    """Writes a note on a run."""
    parser = Arguments("runs note", "Writes a note on a run; without a text, prints it.", _NOTE)
    parser.add_argument("run", metavar="RUN", help="a run folder, or the beginning of an id, here or in MLflow")
    parser.add_argument("text", nargs="*", default=[], metavar="TEXT", help="the new note; '' removes it")
    given = parser.parse_args(words)
    from src.upkeep.selecting import named

    [path] = named([given.run])
    _annotate(path, note=" ".join(given.text) if given.text else None)


def adopt(words: Sequence[str]) -> None:
    """Takes runs from another machine."""
    parser = Arguments("runs adopt", "Takes finished runs from another machine.", _ADOPT)
    parser.add_argument(
        "folders", nargs="+", metavar="FOLDER", type=Path, help="a run folder, a folder of them, or a checkout"
    )
    given = parser.parse_args(words)
    from src.upkeep import adoption

    adopted = adoption.adopt(*given.folders)
    for path, why in adopted.refused.items():
        print(f"{path.name[:8]}: not taken; {why}", file=sys.stderr)
    print(f"{_counted(len(adopted.taken), 'run')} taken, {len(adopted.known)} here before")
    if adopted.refused:
        raise RunFailed(f"{_counted(len(adopted.refused), 'run')} not taken; see above")


def du(words: Sequence[str]) -> None:
    """Prints what takes space."""
    parser = Arguments("runs du", "Prints what takes space on the disk, and what frees it.")
    parser.add_argument("--json", action="store_true", help="print JSON, with sizes in bytes")
    given = parser.parse_args(words)
    from src.reporting.tables import plain_table
    from src.upkeep.disk import usage

    found = usage()
    if given.json:
        print(json.dumps([each._asdict() for each in found], indent=2))
        return
    rows = [[each.what, f"{each.files:,}", f"{each.size / 1e6:,.1f}", each.freed_by] for each in found]
    total = ["all", f"{sum(each.files for each in found):,}", f"{sum(each.size for each in found) / 1e6:,.1f}", ""]
    print(plain_table(["what", "files", "MB", "freed by"], [*rows, total]))


COMMANDS: Mapping[str, Callable[[Sequence[str]], None]] = {
    "tag": tag,
    "note": note,
    "rm": rm,
    "prune": prune,
    "adopt": adopt,
    "du": du,
}


def _delete(paths: Sequence[Path], dry_run: bool, all_or_none: bool = False) -> None:
    from src.reporting.run_table import run_table
    from src.runs.listing import COLUMNS, rows
    from src.upkeep.deletion import delete, plan
    from src.upkeep.disk import size_of

    planned = plan(paths)
    reasons = Counter(planned.kept.values()) if not all_or_none else {}
    kept = [f"kept {_counted(number, 'run')}: {why}" for why, number in reasons.items()]
    kept = kept or [f"{path.name[:8]}: kept; {why}" for path, why in planned.kept.items()]
    print("".join(f"{line}\n" for line in kept), end="", file=sys.stderr)
    if all_or_none and planned.kept:
        raise UserError(f"{len(planned.kept)} of {len(paths)} runs can't be deleted; nothing was deleted")
    size = sum(size_of(path) for path in planned.removed)
    if dry_run:
        removed = {path.name for path in planned.removed}
        listed = [row for row in rows() if row["id"] in removed]
        if listed:
            print(run_table(listed, COLUMNS, shutil.get_terminal_size((120, 0)).columns))
        print(f"would delete {_counted(len(planned.removed), 'run')}, {size / 1e6:,.1f} MB of run folders")
        return
    done, failures, freed, records = 0, list[str](), 0, 0
    for path in planned.removed:
        try:
            bytes_of_run, number = delete(path, planned.removal)
        except UserError as error:
            failures.append(str(error))
        else:
            done, freed, records = done + 1, freed + bytes_of_run, records + number
    print(f"deleted {_counted(done, 'run')}, {freed / 1e6:,.1f} MB, and {_counted(records, 'MLflow run')}")
    if failures:
        raise RunFailed(f"{len(failures)} of {len(paths)} runs are left: {failures[0]}; repeat the command")


def _annotate(path: Path, **what: Any) -> None:
    from src.recording.recording import record_again
    from src.runs.annotations import annotate

    now = annotate(path, **what)
    print(f"{path.name[:8]}  tags: {', '.join(now.words()) or 'none'}  note: {now.note or 'none'}")
    if any(given not in (None, []) for given in what.values()):  # noted before, too: MLflow may still lack it
        record_again(path.name)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s'[: number != 1]}"
