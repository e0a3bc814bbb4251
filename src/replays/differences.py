"""The differences between a run's record and this tree and machine, the most serious first."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from src.foundation.schema import flatten
from src.runs.described import fact
from src.runs.lineage import WITHOUT_EFFECT

DECISIVE = "decides the bits"
POSSIBLE = "may change them"
HARMLESS = "no influence"
_ORDER = (DECISIVE, POSSIBLE, HARMLESS)
# What is compared, by section of run.json; "": all of it. Only what the fingerprint covers decides a run's bits.
_COMPARED = (
    (DECISIVE, "digests", ("config", "data", "code", "start")),
    (DECISIVE, "environment", ("",)),
    (POSSIBLE, "surroundings", ("cpu", "libc", "variables")),
    (HARMLESS, "surroundings", ("python", "platform", "packages")),
    (HARMLESS, "lineage", ("git.commit", "git.dirty", "dvc.lock.sha256", "requirements.lock.sha256")),
)
_ABSENT = "not recorded"


class Difference(NamedTuple):
    """One difference."""

    what: str
    then: str
    now: str
    severity: str


def differences(then: Mapping[str, Any], now: Mapping[str, Any], portable: bool = False) -> list[Difference]:
    """Compares two run.json: the record's, and the one that a training would write now.

    portable: with an arithmetic on which a machine has no influence.
    """
    found = [
        Difference(key, fact(there, key, _ABSENT), fact(here, key, _ABSENT), influence)
        for severity, section, names in _COMPARED
        for influence in [HARMLESS if portable and section in ("environment", "surroundings") else severity]
        for name in names
        for there, here in [(_leaves(then, section, name), _leaves(now, section, name))]
        for key in sorted(there.keys() | here.keys())
        if there.get(key) != here.get(key)
    ]
    return sorted(found, key=lambda difference: _ORDER.index(difference.severity))


def _leaves(record: Mapping[str, Any], section: str, name: str) -> dict[str, Any]:
    leaves = flatten(record.get(section) or {})
    of_name = ((key, value) for key, value in leaves if name in ("", key) or key.startswith(f"{name}."))
    return {key: value for key, value in of_name if section != "surroundings" or not key.endswith(WITHOUT_EFFECT)}
