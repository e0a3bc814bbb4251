"""The benchmarks compare what is comparable: everybody trains the same network."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest

from benchmarks.contestants import CONTESTANTS
from benchmarks.networks import NETWORKS, config_of
from benchmarks.timing import LeftOut
from src.data.dataset import Dataset
from src.nn.arrays import Array
from src.studies.twins.fit import lacking

PACKAGES = {"PyTorch": "torch", "JAX": "jax"}  # of those that may be left out
EPOCHS = 20
# Full batches leave no order of the examples that could differ.
SMALL = ("data=digits", "train.batch_size=null", f"train.epochs={EPOCHS}", "optimizer.lr=0.5")


def trained(name: str, network: str, dataset: Dataset) -> Array:
    contestant = CONTESTANTS[name](config_of(network, *SMALL), dataset)
    assert contestant.predict
    assert all(contestant.epoch() > 0 for _ in range(EPOCHS))
    return contestant.predict(dataset.train.x)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_networks_have_nothing_that_a_contestant_lacks(network: str) -> None:
    config = config_of(network)
    assert not list(lacking(config))
    assert (config.optimizer.l2, config.model.bias, config.model.class_weights) == (0, True, None)
    assert config.optimizer.name in ("sgd", "momentum")


@pytest.mark.parametrize("network", ["784-50-10", "784-178-46-10"])
@pytest.mark.parametrize("name", ["a tutorial's", *PACKAGES])
def test_from_the_same_weights_all_come_to_the_same_network(name: str, network: str, digits: Dataset) -> None:
    if PACKAGES.get(name) and not find_spec(PACKAGES[name]):
        pytest.skip(f"{name} is not installed: see `make bench`")
    ours, theirs = (trained(each, network, digits) for each in ("ours", name))
    assert len(set(ours)) > 5
    assert np.mean(ours == theirs) > 0.998


def test_scikit_learn_which_draws_its_own_weights_learns_as_well(digits: Dataset) -> None:
    ours, theirs = (trained(each, "784-178-46-10", digits) for each in ("ours", "scikit-learn"))
    assert np.mean(theirs == digits.train.y) == pytest.approx(np.mean(ours == digits.train.y), abs=0.03)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_library_that_is_not_installed_is_left_out(
    name: str, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, PACKAGES[name], None)
    with pytest.raises(LeftOut, match=f"^{name} is not installed"):
        CONTESTANTS[name](config_of("784-50-10", *SMALL), digits)
