"""The recipes of `conf/data/`: each makes what its file says."""

import re
from pathlib import Path

import numpy as np
import pytest

from src.config.composition import choices
from src.data.dataset import PARTS
from src.data.raw import Raw
from src.data.recipes import Recipe, Split, prepare
from src.data.scaling import BY_THE_LARGEST, scaled
from src.data.sources import SOURCES
from src.data.splits import OVERLAPS, open_split
from tests.helpers.composing import compose
from tests.helpers.refusals import refusal


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise in the place of MNIST: as many examples, of four values each."""
    random = np.random.default_rng(0)
    raw = Raw(random.integers(0, 256, (70_000, 4), np.uint8), random.integers(0, 10, 70_000))
    source = SOURCES["mnist"]._replace(fetch=lambda folder, mirror: None, read=lambda folder: raw, image=None)
    monkeypatch.setitem(SOURCES, "mnist", source)


# The scaling, and the sizes of the parts.
MADE = {
    "digits": ("standard", 1258, 180, 359),
    "digits_raw": ("none", 1078, 179, 540),
    "digits_tutorial": ("none", 1257, 540, 540),
    "mnist": ("standard", 55_000, 5_000, 10_000),
    "mnist_exercise": ("unit", 48_000, 12_000, 10_000),
    "mnist_raschka": ("symmetric", 55_000, 5_000, 10_000),
    "mnist_standard": ("standard", 55_000, 5_000, 10_000),
    "mnist_weidman_float64": ("standard", 60_000, 10_000, 10_000),
    "noise": ("per_feature", 105, 22, 23),
    "spiral": ("per_feature", 1050, 225, 225),
    "xor": ("per_feature", 70, 15, 15),
    "xor_all": ("none", 100, 100, 100),
}
# Of generated sources: the same on every machine.
DIGESTS = {
    "digits": "8cf954b4ee19ac1bd0833f8626f7377492ebbb478fdb1889998d4064423da37b",
    "digits_raw": "6c981ae8b08ba302904c9c0fd00927abf915d13e763362907249cf2a6e2c48a3",
    "digits_tutorial": "4774ff0ac1e160d8bb7a1db51e4ae0dec24d2af973d78ce14ecedbda5bbb59a2",
    "noise": "a17d439de92bc581558c5a5dc194200ee642f02aa7b52f88650508cd51dcfca1",
    "spiral": "fa42a34c446ff8acafcd32ee7a2272ef5d8a1e08d9fb218a7c34fed19487f8c5",
    "xor": "a5b7cad82220ad118a36a9ff7fb674d54d2374dcf12ecd14ee182829933395c6",
    "xor_all": "9835075498d3a88b7aed48a433115c964990a52cb8505e584ec2fd3cc69a59ba",
}


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("name", choices("data"))
def test_every_recipe_of_conf_is_prepared_on_demand(name: str, tmp_path: Path) -> None:
    recipe = compose([f"data={name}"]).data
    if recipe.own:
        pytest.skip("of the user's own data")
    dataset = prepare(recipe, tmp_path)
    _, rows = open_split(tmp_path / "data" / "split" / name)
    source = SOURCES[recipe.source]
    raw = source.read(tmp_path / "data" / "raw" / recipe.source)
    assert (dataset.scaling["kind"], *(len(getattr(dataset, part).y) for part in PARTS)) == MADE[name]
    assert (dataset.labels, dataset.features, dataset.groups) == (source.labels, source.features, source.groups)
    for part in PARTS:
        examples = getattr(dataset, part)
        np.testing.assert_array_equal(examples.y, raw.y[rows[part]])
        assert (examples.group is None) == (raw.group is None)
        if raw.group is not None:
            np.testing.assert_array_equal(examples.group, raw.group[rows[part]])
        np.testing.assert_array_equal(examples.x, scaled(raw.x[rows[part]], dataset.scaling, recipe.dtype))
    assert prepare(recipe, tmp_path).sha256 == DIGESTS.get(name, dataset.sha256)
    if recipe.split.published_test:
        np.testing.assert_array_equal(rows["test"], np.arange(60_000, 70_000))
    if recipe.split.stratify:
        own = OVERLAPS[recipe.split.overlap]
        together = sum(np.bincount(getattr(dataset, part).y) for part in own)
        for part in PARTS if not recipe.split.published_test else ("train", "valid"):
            y = getattr(dataset, part).y
            assert np.abs(np.bincount(y) / len(y) - together / together.sum()).max() < max(0.003, 1 / len(y))


@pytest.mark.parametrize("first", [[], ["data.seed=5"]])
def test_points_of_several_seeds_are_side_by_side(first: list[str], tmp_path: Path) -> None:
    recipes = [compose(["data=spiral", *seed]).data for seed in (first, [], ["data.seed=5"])]
    digests = {recipe: prepare(recipe, tmp_path).sha256 for recipe in recipes}
    assert len({*digests.values()}) == 2
    assert digests[recipes[1]] == DIGESTS["spiral"]


@pytest.mark.usefixtures("large")
def test_another_test_set_is_another_recipe_and_has_the_published_size(tmp_path: Path) -> None:
    smaller = compose(["data=mnist_standard", "data.split.test=9999"]).data
    assert re.search(r"data\.split\.test=9999: .*must be 10000", refusal(prepare, smaller, tmp_path))
    assert not (tmp_path / "data").exists()
    prepare(compose(["data=mnist"]).data, tmp_path)
    other = compose(["data=mnist", "data.split.published_test=true"]).data
    assert "(data.split.published_test=false there, true here)" in refusal(prepare, other, tmp_path)


def test_parts_with_one_class_are_prepared(tmp_path: Path) -> None:
    dataset = prepare(Recipe("one", "xor", Split(97, 2, 1, stratify=False), scaling="per_feature"), tmp_path)
    assert len(np.unique(dataset.test.y)) == 1
    assert dataset.labels == ("0", "1")


@pytest.mark.parametrize(
    "setting", ["data.dtype=float16", "data.dtype=null", "data.dtype=64", "data.split.published_test=1"]
)
def test_a_value_that_a_field_cannot_have_is_rejected_by_its_key(setting: str) -> None:
    assert setting.partition("=")[0] in refusal(compose, [setting])


UNBOUNDED = [name for name, source in SOURCES.items() if source.largest is None]
UNPUBLISHED = [name for name, source in SOURCES.items() if not source.published_test]
REJECTED = [
    (f"data={name}", f"data.scaling={kind}", "none, standard, per_feature")
    for name in UNBOUNDED
    for kind in BY_THE_LARGEST
]
REJECTED += [(f"data={name}", "data.split.published_test=true", "false, or data.source=mnist") for name in UNPUBLISHED]


@pytest.mark.parametrize(("data", "setting", "allowed"), REJECTED)
def test_what_a_source_does_not_have_is_rejected_before_anything_is_made(data: str, setting: str, allowed: str) -> None:
    message = refusal(compose, [data, setting])
    assert re.search(f"{setting}: .*data.source={data[5:]} .*allowed: {allowed}", message)
