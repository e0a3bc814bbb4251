"""What a sweep runs is frozen when it starts: a job that finds other files than its parent did, refuses.

Otherwise an edit of `conf/` or `src/` while a sweep runs would change the jobs that are still to come, and mix two
versions in one comparison.
"""

import functools
from collections.abc import Mapping

from src.foundation.errors import UserError
from src.foundation.files import ROOT, sha256_file
from src.runs.code import digest
from src.runs.fingerprint import code_digest, numeric_code

Frozen = Mapping[str, str]  # digests by path in the project: of a file's bytes, or of its code


def freeze() -> Frozen:
    """What a job depends on: all of `conf/` as it is now, and the numeric code as this process has imported it."""
    conf = (file for file in (ROOT / "conf").rglob("*.yaml") if file.is_file())  # an editor's lock is none
    return {**{file.relative_to(ROOT).as_posix(): sha256_file(file) for file in conf}, **_imported()}


def refuse_changed(frozen: Frozen) -> None:
    """Raises `UserError` that names the files that are not what they were when the sweep started."""
    now = freeze()
    changed = sorted(name for name in {*frozen, *now} if frozen.get(name) != now.get(name))
    if changed:
        raise UserError(f"changed since the sweep began: {', '.join(changed)}; start the same command again")


@functools.cache  # the first job of a process asks right after the imports; later edits don't reach what is imported
def _imported() -> Frozen:
    code_digest()  # cached now, so that no later edit gets into the fingerprints of what this code trains
    return {file.relative_to(ROOT).as_posix(): digest([file]) for file in numeric_code()}
