"""Reports of both kinds, made from results that are made up."""

import dataclasses
from pathlib import Path

from src.data.dataset import Dataset
from src.reporting import comparison_report, replica_report
from src.reporting.report_folder import Report
from src.studies.comparisons.results import Results
from src.studies.replicas.claims import Rows, Scores
from src.studies.replicas.collect import Table
from src.studies.replicas.declare import Text
from tests.reporting.markup import Markup
from tests.reporting.studies import HOSTILE, dataset, make_results, summary_of
from tests.studies.replicas.synthetic import claim, experiment, lesson, table, words

ATTACK = HOSTILE + "</style></title><img src=https://example.org onerror=alert(1)>| `x` *y*"
ACCURACIES = [0.9391, 0.9402, 0.9385, 0.9411, 0.9396]


def written(folder: Path, results: Results, tested_on: Dataset | None = None) -> Markup:
    """The page of a comparison, written to `folder` and parsed."""
    return _parsed(comparison_report.write_report(results, summary_of(results), tested_on or dataset(), folder))


def written_table(folder: Path, of: Table) -> Markup:
    """The page of a table of published experiments, written to `folder` and parsed."""
    return _parsed(replica_report.report(of, "mine", folder))


def _parsed(report: Report) -> Markup:
    return Markup(report.page.read_text(encoding="utf-8"))


def everything() -> Table:
    """A table in which every verdict comes up, and everything that a claim or a lesson can have."""
    many = experiment(
        "many",
        claim(0.9401, 4, rerun=0.9433),
        claim(0.51, 2, metric="valid/loss", epoch=10, note="its losses are those of the test set"),
        claim(0.8, 2),
        claim(0.99, 3, metric="valid/accuracy", not_comparable="its model had been trained before"),
        words(),
        words(says="about half", least=0.4, metric="test/f1"),
        same={"test/accuracy": 0.9391, "valid/loss@10": 0.52, "test/f1": 0.5, "valid/accuracy": 0.8},
        stopped={-1: 30},
        ours={"test/accuracy": ACCURACIES, "valid/loss": [0.51, 0.52, 0.5, 0.49, 0.5]},
        lessons=(lesson(), lesson(says="it beats the other", than="two", by=0.01)),
        note="Something about it.",
    )
    rows = {
        "train/loss@1": 0.02061,
        "valid/accuracy@1": 0.8884,
        "train/loss@2": 0.0164,
        "valid/accuracy@2": 0.9,
    }
    printed = Rows(columns=("train/loss", "valid/accuracy"), digits=(4, 4), values=((0.0206, 0.8884), (0.0163, 0.9074)))
    table_of_two = experiment("rows", claim(0.9439, 4), rows=printed, same={"test/accuracy": 0.94391, **rows})
    scores = (Scores(precision=0.5, recall=0.5, f1=0.5),)
    exact = experiment("exact", claim(0.944, 3), scores=scores, same={"test/accuracy": 0.9441})
    coarse = experiment("coarse", claim(0.9, 1), same={"test/accuracy": 0.9441})
    two = experiment(
        "two",
        words(least=0.9),
        same={"test/accuracy": 0.95},
        ours={"test/accuracy": [0.95, 0.96]},
        runs=2,
        lessons=(lesson(),),
    )
    lost = experiment(
        "lost",
        claim(0.5, 1, metric="valid/accuracy", epoch=40),
        same={},
        ours={"test/accuracy": [0.5] * 10},
        runs=10,
        lessons=(lesson(), lesson(least=0.4)),
        dead={3: ("7",)},
    )
    failed = experiment("failed", claim(0.5, 1), failures=dict.fromkeys(range(5), "diverged at epoch 3"))
    nothing = experiment("nothing", text="b", note="The text trains nothing with it.")
    texts = {
        "a": Text(title="The first text", note="a note"),
        "b": Text(title="The second"),
        "c": Text(title="No more"),
    }
    return table(many, table_of_two, exact, coarse, two, lost, failed, nothing, texts=texts)


def hostile_comparison() -> Results:
    """A comparison in which every text that users can set is an attack."""
    study = make_results({HOSTILE: [0.9, 0.91, 0.9], "b": [0.95, ATTACK, 0.96]}, name=ATTACK, title=ATTACK)
    return dataclasses.replace(
        study,
        variants=tuple(dataclasses.replace(variant, changes=(ATTACK,)) for variant in study.variants),
        runs=tuple(dataclasses.replace(run, command=ATTACK) for run in study.runs),
        command=ATTACK,
        recipe=ATTACK,
        environment={ATTACK: ATTACK, "blas": ["openblas 0.3 None"], "simd": [], "flush_to_zero": False, "x": None},
        digests={ATTACK: ATTACK, "code": ATTACK},
    )


def hostile_table() -> Table:
    """A table in which every text that users can set is an attack."""
    attacked = experiment(
        "name",
        claim(note=ATTACK),
        words(says=ATTACK),
        claim(metric=f"units/{ATTACK}", not_comparable=ATTACK),
        same={"test/accuracy": 0.9, f"units/{ATTACK}": 0.9},
        ours={"test/accuracy": ACCURACIES},
        lessons=(lesson(says=ATTACK),),
        note=ATTACK,
        failures={1: ATTACK},
    )
    return table(attacked, texts={"a": Text(title=ATTACK, note=ATTACK)}, title=ATTACK)
