"""Tables made up for tests: what each run measured is given, all the rest follows from it."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from src.runs.finished import FinishedRun
from src.studies.replicas.claims import Claim, Lesson
from src.studies.replicas.collect import Measurements, Replica, ReplicaRun, Table
from src.studies.replicas.declare import Experiment, ReplicaDeclaration, Text

Values = Mapping[str, float | None]  # of a run, by metric, metric@epoch or metric of class; None: not reached
Columns = Mapping[str, Sequence[float | None]]  # of all runs
SEED = 123


def claim(value: float | None = 0.95, digits: int | None = 2, **more: Any) -> Claim:
    """A claim about the test accuracy, where nothing else is said."""
    return Claim(**({"metric": "test/accuracy", "value": value, "digits": digits} | more))


def words(**more: Any) -> Claim:
    """A claim in words about the test accuracy."""
    return Claim(**({"metric": "test/accuracy", "says": "that worked", "least": 0.99} | more))


def lesson(**more: Any) -> Lesson:
    """A lesson about the test accuracy."""
    return Lesson(**({"says": "it learns", "least": 0.9} | ({} if "than" not in more else {"least": None}) | more))


def experiment(
    name: str,
    *claims: Claim,
    same: Values | str | None = None,
    ours: Columns | None = None,
    failures: Mapping[int, str] | None = None,
    stopped: Mapping[int, int] | None = None,
    dead: Mapping[int, Sequence[str]] | None = None,
    runs: int = 5,
    text: str = "a",
    **more: Any,
) -> Replica:
    """An experiment whose runs came to these values.

    same: of the run with the text's draws; a text is why it failed, None: there is no such run. failures, stopped and
    dead: by the number of a run of ours; stopped and dead of -1 are of the run with the text's draws.
    """
    declared = Experiment(name=name, text=text, seed=None if same is None else SEED, claims=claims, **more)
    stopped, dead = stopped or {}, dead or {}

    def made(seed: int, number: int, values: Values | str) -> ReplicaRun:
        fingerprint = hashlib.sha256(f"{name} {seed} {number}".encode()).hexdigest()
        command = f"python -m src.train experiment={name} seed={seed}"
        if isinstance(values, str):
            return ReplicaRun(seed, fingerprint, values, command)
        return ReplicaRun(seed, fingerprint, "", command, _measured(values, stopped.get(number), dead.get(number, ())))

    with_text = None if same is None else made(SEED, -1, same)
    columns = ours or {"test/accuracy": [0.95] * runs}
    of_ours = tuple(
        made(number, number, (failures or {}).get(number, {metric: each[number] for metric, each in columns.items()}))
        for number in range(runs)
    )
    return Replica(declared, f"python -m src.train experiment={name}", with_text, of_ours)


def table(*experiments: Replica, texts: Mapping[str, Text] | None = None, **more: Any) -> Table:
    """A table of experiments of the text a."""
    named = texts or {"a": Text(title="A text", note="of long ago")}
    declared = tuple(each.experiment for each in experiments)
    given = {"name": "mine", "title": "Do they come out again?", "texts": named, "experiments": declared} | more
    declaration = ReplicaDeclaration(**given)
    environment = {"machine": "x86_64", "threads": 1}
    return Table("mine", declaration, "python -m src.ablation ablation=mine", experiments, "0" * 64, environment)


def _measured(values: Values, stopped: int | None, dead: Sequence[str]) -> Measurements:
    result: dict[str, Any] = {"train": {}, "valid": {}, "test": {}, "units": {}}
    epochs: dict[int, dict[str, Any]] = {}
    classes: dict[str, dict[str, float]] = {
        label: {"precision": 0.0, "recall": 0.0, "f1": 0.0, "num_samples": 10.0} for label in dead
    }
    for where, value in values.items():
        metric, _, epoch = where.partition("@")
        metric, _, label = metric.partition(" of ")
        part, _, quantity = metric.partition("/")
        if value is None:
            continue
        if label:
            classes.setdefault(label, {"recall": 1.0, "num_samples": 10.0})[quantity] = value
        elif not epoch:
            result[part][quantity] = value
        else:
            record = epochs.setdefault(int(epoch), {"epoch": int(epoch), "metrics": {}})
            if quantity in ("loss", "accuracy"):
                record[f"{part}_{quantity}"] = value
            else:
                record["metrics"][metric] = value
    run = FinishedRun(Path("nowhere"))
    overall = {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    vars(run).update(result=result, scores={"overall": overall, "class": classes})
    return Measurements(run, epochs, stopped)
