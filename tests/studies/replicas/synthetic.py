"""Tables made up for tests: what each run measured is given, all the rest follows from it."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from src.runs.finished import FinishedRun
from src.studies.replicas.claims import Claim, Rows
from src.studies.replicas.collect import Measurements, Replica, ReplicaRun, Table
from src.studies.replicas.declare import Experiment, ReplicaDeclaration, Text

Values = Mapping[str, Sequence[float | None]]  # by metric, or by metric@epoch, a value a run; None: not reached


def claim(value: float | None = 0.95, digits: int | None = 2, **more: Any) -> Claim:
    """A claim about the test accuracy, where nothing else is said."""
    return Claim(**({"metric": "test/accuracy", "value": value, "digits": digits} | more))


def words(**more: Any) -> Claim:
    """A claim in words about the test accuracy."""
    return Claim(**({"metric": "test/accuracy", "says": "that worked", "least": 0.99} | more))


def experiment(
    name: str,
    *claims: Claim,
    values: Values | None = None,
    failures: Mapping[int, str] | None = None,
    seeds: Sequence[int] = (),
    runs: int = 5,
    text: str = "a",
    rows: Rows = Experiment.rows,
    note: str = "",
) -> Replica:
    """An experiment whose runs came to these values.

    failures: by the number of a run, why it has no values. seeds: its own; `runs` others where it has none.
    """
    declared = Experiment(name=name, text=text, seeds=tuple(seeds), claims=claims, rows=rows, note=note)
    made = []
    for number, seed in enumerate(seeds or range(runs)):
        reason = (failures or {}).get(number, "")
        measured = None if reason else _measured({metric: each[number] for metric, each in (values or {}).items()})
        command = f"python -m src.train experiment={name} seed={seed}"
        fingerprint = hashlib.sha256(f"{name} {seed}".encode()).hexdigest()
        made.append(ReplicaRun(seed, fingerprint, reason, command, measured))
    return Replica(declared, f"python -m src.train experiment={name}", tuple(made))


def table(*experiments: Replica, texts: Mapping[str, Text] | None = None, **more: Any) -> Table:
    """A table of experiments of the text a."""
    named = texts or {"a": Text(title="A text", note="of long ago")}
    declared = tuple(each.experiment for each in experiments)
    given = {"name": "mine", "title": "Do they come out again?", "texts": named, "experiments": declared} | more
    declaration = ReplicaDeclaration(**given)
    environment = {"machine": "x86_64", "threads": 1}
    return Table("mine", declaration, "python -m src.ablation ablation=mine", experiments, "0" * 64, environment)


def _measured(values: Mapping[str, float | None]) -> Measurements:
    result: dict[str, Any] = {"train": {}, "valid": {}, "test": {}, "units": {}}
    epochs: dict[int, dict[str, Any]] = {}
    for where, value in values.items():
        metric, _, epoch = where.partition("@")
        part, _, quantity = metric.partition("/")
        if value is None:
            continue
        if not epoch:
            result[part][quantity] = value
            continue
        record = epochs.setdefault(int(epoch), {"epoch": int(epoch), "metrics": {}})
        if quantity in ("loss", "accuracy"):
            record[f"{part}_{quantity}"] = value
        else:
            record["metrics"][metric] = value
    run = FinishedRun(Path("nowhere"))
    vars(run).update(result=result, scores={"overall": {"precision": 0.5, "recall": 0.5, "f1": 0.5}})
    return Measurements(run, epochs)
