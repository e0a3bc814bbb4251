"""`python -m src.ablation` with a table of published experiments, as users type it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import make_checkout
from tests.helpers import checkouts
from tests.helpers.stores import client_of, family
from tests.pipeline.test_ablation import ONE_BY_ONE, ablation

pytestmark = pytest.mark.slow
FILES = {"index.html", "summary.json", "table.csv", "table.md"}

GROUND = """\
# @package _global_
defaults:
  - override /data: digits
  - override /optimizer: sgd
  - override /schedule: constant
model:
  hidden: [8]
  dropout: 0.0
train:
  epochs: 3
"""
TOYS: dict[str, Any] = {
    "tracking": {"figures": False},
    "ablation": {
        "title": "Do the toys come out again?",
        "only": [],
        "texts": {"book": {"title": "A book of toys"}},
        "published": {
            "toy": {
                "text": "book",
                "claims": [
                    {"metric": "test/accuracy", "value": 0.01, "digits": 2},
                    {"metric": "valid/loss", "epoch": 2, "value": 0.1, "digits": 1, "note": "a quirk of the book"},
                    {"metric": "train/accuracy", "says": "it learns", "least": 0.2},
                ],
            },
            "fixed_toy": {
                "text": "book",
                "seeds": [123],
                "claims": [{"metric": "test/f1", "value": 0.01, "digits": 2}],
                "rows": {"columns": ["train/loss", "valid/accuracy"], "digits": [3, 3], "values": [[0, 0.9], [0, 0.9]]},
            },
        },
    },
    "hydra": {"mode": "MULTIRUN", "sweeper": {"params": {"seed": "range(3)"}}},
}


def write(checkout: Path, name: str, **published: Any) -> None:
    """The table of toys under a name, with other keys of `published`."""
    tree = {**TOYS, "ablation": {**TOYS["ablation"], "published": {**TOYS["ablation"]["published"], **published}}}
    text = "# @package _global_\n" + yaml.safe_dump(tree, sort_keys=False)
    (checkout / "conf/ablation" / f"{name}.yaml").write_text(text)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, digits_folder: Path, empty_store: Path) -> Path:
    """A checkout in which the toys have run."""
    made = checkouts.furnish(make_checkout(tmp_path_factory.mktemp("toys") / "check out"), digits_folder, empty_store)
    (made / "conf/experiment/toy.yaml").write_text(GROUND)
    (made / "conf/experiment/fixed_toy.yaml").write_text(GROUND + "  batch_size: 50\n")
    (made / "conf/experiment/wild_toy.yaml").write_text(GROUND + "optimizer:\n  lr: 1e38\n")
    write(made, "toys")
    done = ablation(made, "ablation=toys", "hydra.launcher.n_jobs=2")
    assert (done.returncode, done.stderr) == (0, "")
    (made / "told.txt").write_text(done.stdout)
    return made


def summary(page: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(page.with_name("summary.json").read_text())
    return read


def rows(page: Path) -> dict[str, dict[str, Any]]:
    """The rows of a report, by experiment and metric; printed tables have none."""
    found = summary(page)["rows"]
    return {
        f"{row['experiment']} {row['compared']['claim']['metric'] if row['compared'] else 'rows'}": row for row in found
    }


def result(checkout: Path, page: Path, experiment: str, number: int = 0) -> dict[str, Any]:
    """What a run of an experiment came to, as its folder has it."""
    [about] = [each for each in summary(page)["experiments"] if each["name"] == experiment]
    folder = checkout / "runs" / about["runs"][number]["fingerprint"]
    told: dict[str, Any] = json.loads((folder / "result.json").read_text())
    told["test"] |= json.loads((folder / "test.json").read_text())["overall"]
    told["journal"] = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    return told


def test_a_table_is_trained_and_reported_and_in_mlflow_a_parent_with_named_children(checkout: Path) -> None:
    told = (checkout / "told.txt").read_text()
    page = checkout / "reports/toys/index.html"
    assert told.splitlines()[-1] == str(page)
    assert {file.name for file in page.parent.iterdir()} == FILES
    assert not (checkout / "models/studies/toys").exists()
    assert not (checkout / "metrics/toys.json").exists()
    found = rows(page)
    assert {name: row["verdict"] for name, row in found.items()} == {
        "toy test/accuracy": "better",
        "toy valid/loss": "worse",
        "toy train/accuracy": "holds",
        "fixed_toy test/f1": "better",
        "fixed_toy rows": "worse",
    }
    expected = [result(checkout, page, "toy", number) for number in range(3)]
    assert found["toy test/accuracy"]["compared"]["values"] == [each["test"]["accuracy"] for each in expected]
    assert found["toy valid/loss"]["compared"]["values"] == [each["journal"][1]["valid_loss"] for each in expected]
    assert re.search(r"^toy +test accuracy +1 % .* better$", told, re.M)
    for word in ("Do the toys come out again?", "a quirk of the book", "python -m src.train experiment=fixed_toy"):
        assert word in page.read_text()

    parent, children = family(checkout, "toys")
    assert (parent.info.run_name, parent.info.status) == ("toys", "FINISHED")
    assert parent.data.tags["verdict"].startswith("Of 5 published results, ")
    assert parent.data.metrics["variants/better"] >= 2
    artifacts = {file.path for file in client_of(checkout).list_artifacts(parent.info.run_id, "report")}
    assert artifacts == {f"report/{name}" for name in FILES}
    assert set(children) == {"toy s0", "toy s1", "toy s2", "fixed_toy s123"}


def test_our_own_numbers_are_exact_and_an_experiment_that_diverges_has_no_result(checkout: Path) -> None:
    came = result(checkout, checkout / "reports/toys/index.html", "fixed_toy")
    lines = [[round(line["train_loss"], 3), round(line["valid_accuracy"], 3)] for line in came["journal"]]
    claims = [{"metric": "test/f1", "value": round(came["test"]["f1"], 4), "digits": 4}]
    printed = {"columns": ["train/loss", "valid/accuracy"], "digits": [3, 3], "values": lines}
    exact = {"text": "book", "seeds": [123], "claims": claims, "rows": printed}
    wild_claims = [{"metric": "test/loss", "value": 1, "digits": 1}]
    write(checkout, "wild", fixed_toy=exact, wild_toy={"text": "book", "claims": wild_claims})
    done = ablation(checkout, "ablation=wild", *ONE_BY_ONE)
    assert done.returncode == 1
    wild = [f"wild_toy s{seed}" for seed in range(3)]
    assert done.stderr == f"error: {', '.join(wild)}: diverged; the report shows the gap\n"
    assert "4 of them finished before" in done.stdout
    assert "3 of 3 the same" in done.stdout
    found = rows(checkout / "reports/wild/index.html")
    assert found["wild_toy test/loss"]["remarks"] == [f"seed {seed}: diverged at epoch 1" for seed in range(3)]
    expected = {"wild_toy test/loss": "no result", "fixed_toy test/f1": "exact", "fixed_toy rows": "exact"}
    assert expected.items() <= {name: row["verdict"] for name, row in found.items()}.items()
