"""Freezes the code and the configuration of a sweep when it starts: a job that finds other files refuses to run.

Otherwise an edit of `conf/` or `src/` during a sweep would change the jobs that have not started, and mix two versions
in one comparison.
"""

import functools
from collections.abc import Mapping

from src.foundation.errors import UserError
from src.foundation.files import ROOT, sha256_file
from src.runs.code import digest
from src.runs.fingerprint import code_digest, numeric_code

Frozen = Mapping[str, str]  # digests by path in the project: of a file's bytes, or of its code


def freeze() -> Frozen:
    """The files that a job needs: all of `conf/` as it is now, and the numeric code as this process imported it."""
    conf = (file for file in (ROOT / "conf").rglob("*.yaml") if file.is_file())  # an editor's lock is no file
    return {**{file.relative_to(ROOT).as_posix(): sha256_file(file) for file in conf}, **_imported()}


def refuse_changed(frozen: Frozen) -> None:
    """Raises `UserError` that names the files that have changed since the sweep started."""
    now = freeze()
    changed = sorted(name for name in {*frozen, *now} if frozen.get(name) != now.get(name))
    if changed:
        raise UserError(f"changed since the sweep began: {', '.join(changed)}; run the same command again")


@functools.cache  # the first job of a process asks right after the imports; later edits don't reach what is imported
def _imported() -> Frozen:
    code_digest()  # cached now, so that no later edit gets into the fingerprints of what this code trains
    return {file.relative_to(ROOT).as_posix(): digest([file]) for file in numeric_code()}
