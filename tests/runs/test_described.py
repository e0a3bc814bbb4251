"""What differs between a run and the default, in words that tell runs apart."""

import itertools

import pytest

from src.config import tree as configuration
from src.config.changes import changes
from src.config.tree import Config
from src.foundation.schema import flatten
from src.runs.described import described, differences
from tests.helpers.composing import composed


def flat(config: Config) -> dict[str, object]:
    return dict(flatten(config.semantic(complete=True)))


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ((), "default"),
        (("seed=3",), "s3"),
        (("model.act=tanh", "seed=3"), "tanh s3"),
        (("model.hidden=[]",), "linear"),
        (("train.epochs=3", "optimizer.lr=1", "model.hidden=[64,32]"), "[64,32] lr=1 epochs=3"),
        (("optimizer=sgd", "optimizer.lr=0.1", "data=digits"), "digits sgd"),  # 0.1 is what optimizer=sgd says
        (("optimizer=sgd", "optimizer.lr=0.0005"), "sgd lr=0.0005"),
        (("data=spiral", "data.seed=5", "schedule=step"), "spiral step data.seed=5"),
        (("experiment=quick", "tracking=off", "name=mine"), "[32] dropout=0 epochs=2"),  # what only records is left out
        (("model.class_weights=balanced", "train.order=fixed"), "class_weights=balanced order=fixed"),
    ],
)
def test_what_differs_is_said_shortly_and_the_most_telling_first(overrides: tuple[str, ...], words: str) -> None:
    assert described(differences(flat(composed(*overrides)))) == words


def test_keys_can_be_left_out_of_the_words() -> None:
    differs = differences(flat(composed("data=digits", "seed=3")))
    assert described(differs, without=("data", "seed")) == "default"


def test_a_recipe_that_conf_does_not_have_is_described_by_its_keys() -> None:
    tree = composed("data=digits").plain()
    tree["data"]["name"] = "gone"
    differs = differences(flat(configuration.build(tree, "a test")))
    assert differs["data.name"] == "gone"
    assert differs["data.source"] == "digits"


def test_a_key_that_an_older_run_lacks_is_no_change() -> None:
    older = flat(composed("seed=3"))
    del older["model.init_gain"]
    assert changes(older) == {"seed": 3}


def test_short_names_of_keys_are_names_of_one_key() -> None:
    """`lr` is said without its group, so no other group may have it."""
    names = [key.partition(".")[2] for key in flat(composed()) if key.startswith(("model.", "optimizer.", "train."))]
    assert len(names) == len(set(names))


def test_jobs_of_a_grid_have_different_words() -> None:
    axes = (("optimizer.lr=0.1", "optimizer.lr=0.001"), ("seed=0", "seed=1"), ("model.act=tanh", "model.act=relu"))
    words = {described(differences(flat(composed(*job)))) for job in itertools.product(*axes)}
    assert len(words) == 8
