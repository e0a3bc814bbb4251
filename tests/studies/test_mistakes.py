"""Mistakes in a study's file or in its command: one line each, before anything starts."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.helpers.commands import run_main
from tests.helpers.refusals import assert_rejected

TINY: dict[str, Any] = {
    "ablation": {"title": "Which?", "baseline": "cold", "variants": {"cold": [], "hot": ["optimizer.lr=0.2"]}},
    "hydra": {"mode": "MULTIRUN", "sweeper": {"params": {"seed": "range(3)"}}},
}
CLAIMS = [{"metric": "test/accuracy", "value": 0.9, "digits": 1}]
TOYS = {
    "title": "?",
    "texts": {"book": {"title": "A book"}},
    "published": {"quick": {"text": "book", "claims": CLAIMS}},
}


def of_variants(**variants: Any) -> dict[str, Any]:
    return TINY | {"ablation": TINY["ablation"] | {"variants": {"cold": []} | variants}}


def of_hydra(**hydra: Any) -> dict[str, Any]:
    return TINY | {"hydra": TINY["hydra"] | hydra}


# Those that planning finds are tested beside it.
FILES: dict[str, tuple[Any, str]] = {
    "a variant twice": ("ablation: {variants: {cold: [], cold: []}}", "found duplicate key cold"),
    "no YAML": ("ablation: {variants: {[", "not valid YAML"),
    "a sweep inside a variant": (of_variants(hot=["optimizer.lr=0.2,0.3"]), "optimizer.lr=0.2,0.3: a study"),
    "a seed inside a variant": (of_variants(hot=["seed=9"]), "seed=9: a variant can't set a seed"),
    "no seeds": (of_hydra(sweeper={}), "seed: none"),
    "a sweep beside the seeds": (
        of_hydra(sweeper={"params": {"seed": "range(3)", "train.epochs": 3}}),
        "train.epochs=3: only seed is allowed here",
    ),
    "no mode": (of_hydra(mode=None), "its file needs `hydra: {mode: MULTIRUN}`"),
    "no study in it": ({"hydra": TINY["hydra"]}, "its file declares no study"),
}
COMMANDS = {
    "ablation": "allowed: depth, l2, ladder",
    "ablation ablation=ladde": "did you mean ladder?",
    "ablation ablation=tiny ablation=ladder": "give one study, like ablation=ladder",
    "ablation -m ablation=tiny,ladder": "ablation=tiny,ladder: no such study",
    "ablation ablation=tiny train.epochs=1,2": "train.epochs=1,2: a study sweeps only its variants and seeds",
    "ablation ablation=toys train.epochs=1,2": "train.epochs=1,2: a study sweeps only its variants and seeds",
    "ablation ablation=tiny seed=range(0)": "seed: none",
    "ablation --stage": "--stage",
    "ablation --stage toys": "--stage toys: published experiments can't run as a stage",
    "train ablation=tiny": "python -m src.ablation ablation=tiny",
    "train -m ablation=tiny,ladder": "python -m src.ablation ablation=tiny",
}


@pytest.mark.parametrize(
    ("study", "command", "message"),
    [
        *((study, "ablation ablation=wrong", message) for study, message in FILES.values()),
        *((TINY, command, message) for command, message in COMMANDS.items()),
    ],
    ids=[*FILES, *COMMANDS],
)
def test_a_mistake_is_one_line_and_nothing_starts(
    study: Any, command: str, message: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = home / "conf"
    shutil.copytree(ROOT / "conf", conf)
    for name, tree in {"wrong": study, "tiny": TINY, "toys": TINY | {"ablation": TOYS}}.items():
        text = tree if isinstance(tree, str) else yaml.safe_dump(tree, sort_keys=False)
        (conf / f"ablation/{name}.yaml").write_text("# @package _global_\n" + text)
    for module in ("src.config.composition", "src.cli.stage"):
        monkeypatch.setattr(f"{module}.ROOT", home)
    monkeypatch.setattr("src.config.composition.CONF", str(conf))
    monkeypatch.chdir(home)
    assert_rejected(run_main(*command.split()), message)
    made = [file.relative_to(home).parts for file in home.rglob("*") if file.is_file()]
    assert not [parts for parts in made if parts[0] != "conf" and ".locks" not in parts]
