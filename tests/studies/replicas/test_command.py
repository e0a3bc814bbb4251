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
FILES = {"index.html", "summary.json", "table.csv", "lessons.csv", "table.md", "seeds_book.png"}

GROUND = """\
# @package _global_
defaults:
  - override /data: digits
  - override /optimizer: sgd
  - override /schedule: constant
  - override /train: native
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
        "parts": [],
        "texts": {"book": {"title": "A book of toys"}},
        "published": {
            "toy": {
                "text": "book",
                "lessons": [
                    {"says": "it learns", "metric": "train/accuracy", "least": 0.2},
                    {"says": "it is no better than itself", "than": "toy"},
                ],
            },
            "fixed_toy": {
                "text": "book",
                "seed": 123,
                "same_draws": ["rng=legacy"],
                "seeds": 1,
                "claims": [
                    {"metric": "test/f1", "value": 0.01, "digits": 2},
                    {"metric": "valid/loss", "epoch": 2, "value": 0.1, "digits": 1, "note": "a quirk of the book"},
                    {"metric": "train/accuracy", "says": "it learns", "least": 0.2},
                ],
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


def verdicts(page: Path) -> dict[str, str]:
    """By experiment and what is printed, and by experiment and lesson."""
    found = summary(page)
    same = {
        f"{row['experiment']} {group['words']}": group["verdict"]
        for row in found["same_draws"]
        for group in row["groups"]
    }
    return same | {f"{row['experiment']} {row['says']}": row["verdict"] for row in found["ours"]}


def result(checkout: Path, page: Path, experiment: str, number: int | None = None) -> dict[str, Any]:
    """What a run of an experiment came to, as its folder has it; without a number, that with the text's draws."""
    [about] = [each for each in summary(page)["experiments"] if each["name"] == experiment]
    run = about["same_draws"] if number is None else about["runs"][number]
    folder = checkout / "runs" / run["fingerprint"]
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
    assert verdicts(page) == {
        "fixed_toy test F1": "differs",
        "fixed_toy validation loss, epoch 2": "differs",
        "fixed_toy training accuracy": "holds",
        "fixed_toy 2 rows of training loss and validation accuracy": "differs",
        "toy it learns": "undecided",  # of three runs, all
        "toy it is no better than itself": "undecided",
        "fixed_toy ": "",
    }
    expected = [result(checkout, page, "toy", number) for number in range(3)]
    learns, _, _ = summary(page)["ours"]
    assert learns["values"] == [[seed, each["train"]["accuracy"]] for seed, each in enumerate(expected)]
    same = result(checkout, page, "fixed_toy")
    _, f1, loss, _ = [group["lines"][0][0]["value"] for group in summary(page)["same_draws"][0]["groups"]]
    assert (f1, loss) == (same["test"]["f1"], same["journal"][1]["valid_loss"])
    assert same["journal"] != result(checkout, page, "fixed_toy", 0)["journal"]
    assert re.search(r"^fixed_toy +2 rows of .* +0 of 2 the same .* differs$", told, re.M)
    for word in ("Do the toys come out again?", "a quirk of the book", "python -m src.train experiment=fixed_toy"):
        assert word in page.read_text()

    parent, children = family(checkout, "toys")
    assert (parent.info.run_name, parent.info.status) == ("toys", "FINISHED")
    assert parent.data.tags["verdict"].startswith("With the same draws, of 1 published experiments ")
    assert parent.data.metrics["variants/differs"] == 1
    artifacts = {file.path for file in client_of(checkout).list_artifacts(parent.info.run_id, "report")}
    assert artifacts == {f"report/{name}" for name in FILES}
    assert set(children) == {"toy s0", "toy s1", "toy s2", "fixed_toy, same draws s123", "fixed_toy s0"}


def test_our_own_numbers_are_exact_and_an_experiment_that_diverges_has_no_result(checkout: Path) -> None:
    came = result(checkout, checkout / "reports/toys/index.html", "fixed_toy")
    lines = [[round(line["train_loss"], 3), round(line["valid_accuracy"], 3)] for line in came["journal"]]
    claims = [{"metric": "test/f1", "value": round(came["test"]["f1"], 4), "digits": 4}]
    printed = {"columns": ["train/loss", "valid/accuracy"], "digits": [3, 3], "values": lines}
    exact = {"text": "book", "seed": 123, "same_draws": ["rng=legacy"], "seeds": 1, "claims": claims, "rows": printed}
    wild_claims = [{"metric": "test/loss", "value": 1, "digits": 1}]
    wild_toy = {"text": "book", "seed": 0, "ours": ["train.epochs=2"], "seeds": 3, "claims": wild_claims}
    write(checkout, "wild", fixed_toy=exact, wild_toy=wild_toy)
    done = ablation(checkout, "ablation=wild", *ONE_BY_ONE)
    assert done.returncode == 1
    wild = ["wild_toy, same draws s0", *(f"wild_toy s{seed}" for seed in range(3))]
    assert done.stderr == f"error: {', '.join(wild)}: diverged; the report shows the gap\n"
    assert "5 of them finished before" in done.stdout
    assert "7 of 7 numbers" in done.stdout
    page = checkout / "reports/wild/index.html"
    assert summary(page)["ours"][-1]["remarks"] == [f"seed {seed}: diverged at epoch 1" for seed in range(3)]
    expected = {
        "wild_toy test loss": "no result",
        "fixed_toy test F1": "exact",
        "fixed_toy 3 rows of training loss and validation accuracy": "exact",
    }
    assert expected.items() <= verdicts(page).items()


def test_one_part_of_the_table_alone(checkout: Path) -> None:
    for part, jobs in (("same_draws", 1), ("ours", 4)):
        done = ablation(checkout, "ablation=toys", f"ablation.parts=[{part}]", *ONE_BY_ONE)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"{jobs} job{'s' * (jobs > 1)}: toys-" in done.stdout
        found = summary(Path(done.stdout.splitlines()[-1]))
        assert [bool(found[each]) for each in ("same_draws", "ours")] == [part == "same_draws", part == "ours"]
