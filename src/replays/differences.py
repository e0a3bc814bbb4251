"""The differences between a run's record and this tree and machine, the most serious first."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from src.foundation.schema import flatten, show

# Only what the fingerprint covers decides a run's bits.
DECISIVE = "decides the bits"
POSSIBLE = "may change them"
HARMLESS = "no influence"
_SEVERITIES = (DECISIVE, POSSIBLE, HARMLESS)
_DIGITS = 12  # of a digest, in a table for people
_ABSENT = "not recorded"
_IGNORED = "_THREADS"  # the end of variables without effect: a training sets its number of threads, and records it


class Difference(NamedTuple):
    """One difference."""

    what: str
    then: str
    now: str
    severity: str


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Compares two run.json: the record's, and the one that a training would write now."""
    found = [*_decisive(then, now), *_possible(then, now), *_harmless(then, now)]
    return sorted(found, key=lambda difference: _SEVERITIES.index(difference.severity))


def _decisive(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    for name in ("config", "data", "code"):
        yield from _one(name, then["digests"].get(name), now["digests"].get(name), DECISIVE)
    yield from _each("", then.get("environment"), now.get("environment"), DECISIVE)


def _possible(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    there, here = dict(then.get("surroundings") or {}), dict(now.get("surroundings") or {})
    for name in ("cpu", "libc", "variables"):
        for difference in _each(name, there.get(name, {}), here.get(name, {}), POSSIBLE):
            if not difference.what.endswith(_IGNORED):
                yield difference


def _harmless(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    there, here = dict(then.get("surroundings") or {}), dict(now.get("surroundings") or {})
    for name in ("python", "platform", "packages"):
        yield from _each(name, there.get(name, {}), here.get(name, {}), HARMLESS)
    for name in ("git.commit", "git.dirty", "dvc.lock.sha256", "requirements.lock.sha256"):
        yield from _one(name, then["lineage"].get(name), now["lineage"].get(name), HARMLESS)


def _each(name: str, then: Any, now: Any, severity: str) -> Iterator[Difference]:
    there, here = (dict(flatten({name: tree} if name else tree or {})) for tree in (then, now))
    for key in sorted(there.keys() | here.keys()):
        yield from _one(key, there.get(key), here.get(key), severity)


def _one(what: str, then: Any, now: Any, severity: str) -> Iterator[Difference]:
    if then != now:
        yield Difference(what, _text(then), _text(now), severity)


def _text(value: Any) -> str:
    if value is None:
        return _ABSENT
    text = show(value)
    return text[:_DIGITS] if len(text) >= 40 and set(text) <= set("0123456789abcdef") else text
