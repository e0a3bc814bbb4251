"""Names of runs: they tell runs apart, and what tells most comes first."""

import pytest

from src.config.composition import choices
from src.runs.naming import run_name
from tests.helpers.composing import composed


@pytest.mark.parametrize(
    ("overrides", "swept", "name"),
    [
        ((), {}, "default s0"),
        (("model.act=tanh", "seed=3"), {}, "tanh s3"),
        (("experiment=quick",), {}, "quick s0"),
        (("experiment=quick", "model.act=tanh"), {}, "tanh quick s0"),
        (("experiment=quick", "optimizer=sgd", "data=digits"), {}, "digits sgd quick s0"),
        (("experiment=raschka_relu",), {}, "raschka_relu s123"),
        (("name=wide", "model.act=tanh"), {}, "wide s0"),
        (("optimizer.lr=0.1", "model.act=tanh"), {"optimizer.lr": "0.1"}, "lr=0.1 tanh s0"),
        (("optimizer=adam",), {"optimizer": "adam"}, "adam s0"),  # although it is the default
        (("train=native",), {"train": "native"}, "train=native arithmetic=native s0"),
        (("seed=4",), {"seed": "4"}, "default s4"),
        (("name=wide", "optimizer.lr=0.1"), {"optimizer.lr": "0.1", "name": "wide"}, "lr=0.1 wide s0"),
        (("experiment=quick",), {"experiment": "quick"}, "quick s0"),
        ((f"train.start_from='{'0123456789abcdef' * 4}'",), {}, "start_from=01234567 s0"),
    ],
)
def test_what_is_swept_comes_first_then_what_differs(
    overrides: tuple[str, ...], swept: dict[str, str], name: str
) -> None:
    assert run_name(composed(*overrides), swept) == name


@pytest.mark.parametrize("experiment", choices("experiment"))
def test_each_experiment_names_its_runs(experiment: str) -> None:
    config = composed(f"experiment={experiment}")
    assert run_name(config) == f"{experiment} s{config.seed}"


def test_a_long_name_is_cut_and_keeps_its_beginning_and_its_seed() -> None:
    many = [f"model.hidden=[{','.join(['10'] * 60)}]", "seed=7"]
    name = run_name(composed(*many))
    assert name.startswith("[10,10,")
    assert name.endswith("… s7")
    assert len(name) < 130
