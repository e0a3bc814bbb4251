"""Every experiment in conf/ runs: its real configuration, made short, with digits in place of MNIST."""

import pytest

from src.config.composition import choices
from src.config.tree import read_yaml
from src.runs.model import load_model
from tests.conftest import ROOT
from tests.experiments.conftest import Trained
from tests.helpers.composing import compose


@pytest.mark.parametrize("name", choices("experiment"))
def test_every_experiment_runs(name: str, trained: Trained) -> None:
    data = compose([f"experiment={name}"]).data
    if data.own:
        pytest.skip("of the user's own data")
    on_digits = ["data=digits"] * (data.source == "mnist")
    outcome = trained(name, "train.epochs=1", *on_digits)
    assert outcome.result["epochs"] == 1
    model = load_model(outcome.folder.path / "model.npz")
    assert model.header["weights_sha256"] == outcome.result["weights_sha256"]
    assert 0 <= outcome.result["test"]["accuracy"] <= 1


def test_experiments_that_repeat_a_text_are_native_and_all_others_portable() -> None:
    texts = {"exercise", "xor_untrained", *read_yaml(ROOT / "conf/ablation/replicas.yaml")["ablation"]["published"]}
    for name in choices("experiment"):
        assert compose([f"experiment={name}"]).train.portable == (name not in texts), name
    assert compose([]).train.portable
