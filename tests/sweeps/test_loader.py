"""Composing the jobs of a sweep: whatever is typed, the result or the error is Hydra's own, and files are read once."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import JobReturn
from hydra.types import RunMode
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

from src.config.composition import CONF
from src.sweeps.loader import LeanReturns, SweepLoader

COMMAND = ["experiment=xor_tanh", "hydra.launcher.n_jobs=2"]
CHOICES = ["optimizer=sgd", "optimizer=adam", "data=digits", "schedule=step", "experiment=quick", "experiment=[quick]"]
VALUES = [
    *("seed=3", "seed=4", "seed=null", "optimizer.lr=0.3", "optimizer.momentum=0.5", "model.hidden=[4,5]"),
    *("model.hidden.0=7", "model={hidden: [3], act: tanh}", "name='a b'", "name=${seed}", "name=str(3)", "seed="),
    *("conf_digest=mine", "data.split.valid=7", "train.epochs=2"),
]
HOSTILE = [
    *("nosuch=1", "model.nosuch=1", "seed.x=1", "model.hidden.x=1", "model/act=3", "defaults=[]", "train.parts=3"),
    *("+new=1", "+seed=1", "++seed=1", "++new.x=1", "~seed", "~seed=5", "~model", "+optimizer=sgd", "~optimizer"),
    *("optimizer=nosuch", "optimizer=null", "optimizer=3", "optimizer=[sgd,nosuch]", "optimizer@model=sgd", "/seed=1"),
    *("seed=1,2", "seed=range(3)", "optimizer=sgd,adam", "hydra.job.name=x", "hydra={}", "hydra/launcher=basic"),
    *("x y", "seed=[", "=3", "", "seed", "name=${nosuch:x", "ablation=null", "pipeline=nosuch"),
]
LISTS = st.lists(st.sampled_from([*CHOICES, *VALUES]), max_size=4)


@pytest.fixture(scope="module")
def loaders() -> Iterator[tuple[ConfigLoaderImpl, SweepLoader, DictConfig]]:
    """Hydra's loader, ours, and the configuration of a command."""
    with initialize_config_dir(CONF, version_base="1.3"):
        hydras = GlobalHydra.instance().config_loader()
        master = hydras.load_configuration("config", COMMAND, RunMode.MULTIRUN)
        yield hydras, SweepLoader(hydras.get_search_path(), "1"), master


def outcome(load: Callable[[DictConfig, list[str]], DictConfig], master: DictConfig, overrides: Sequence[str]) -> Any:
    """What a loader gives, as plain values and as text, which shows interpolations; or its error."""
    try:
        config = load(master, list(overrides))
    except Exception as error:
        cause = error.__cause__
        return type(error), str(error), type(cause), str(cause)
    flags = [config._get_flag(flag) for flag in ("struct", "readonly")]
    return OmegaConf.to_container(config), OmegaConf.to_yaml(config), flags


@settings(max_examples=15)
@example([], "")
@example(["optimizer=sgd", "optimizer.lr=0.3", "optimizer=adam", "seed=3", "seed=4"], "seed=5")
@given(LISTS, st.sampled_from([*VALUES, *HOSTILE]))
def test_every_list_of_overrides_gives_hydras_own_result_or_error(
    loaders: tuple[ConfigLoaderImpl, SweepLoader, DictConfig], overrides: list[str], last: str
) -> None:
    assert_same(loaders, [*overrides, last])


@pytest.mark.parametrize("override", HOSTILE)
def test_each_mistake_gives_hydras_own_error(
    override: str, loaders: tuple[ConfigLoaderImpl, SweepLoader, DictConfig]
) -> None:
    assert_same(loaders, ["seed=3", override])


def assert_same(loaders: tuple[ConfigLoaderImpl, SweepLoader, DictConfig], overrides: Sequence[str]) -> None:
    hydras, ours, master = loaders
    expected = outcome(hydras.load_sweep_config, master, overrides)
    assert outcome(ours.load_sweep_config, master, overrides) == expected
    if isinstance(expected[0], dict):
        task = outcome(ours.load_task_config, master, overrides)
        assert task[0] == {key: value for key, value in expected[0].items() if key != "hydra"}
        assert task[2] == expected[2]


def test_files_are_read_once_for_each_set_of_choices_in_all_copies_and_again_if_they_change(
    loaders: tuple[ConfigLoaderImpl, SweepLoader, DictConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    hydras, _, master = loaders
    read = []
    load = ConfigLoaderImpl.load_configuration

    def counted(self: Any, name: str, overrides: list[str], *more: Any, **named: Any) -> DictConfig:
        read.append(overrides)
        return load(self, name, overrides, *more, **named)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", counted)
    for version in ("2", "3"):
        for seed in range(4):
            loader = SweepLoader(hydras.get_search_path(), version)
            for optimizer in ("sgd", "adam"):
                for copied in (loader, pickle.loads(pickle.dumps(loader))):
                    config = copied.load_sweep_config(master, [f"seed={seed}", f"optimizer={optimizer}"])
                    assert (config.seed, config.optimizer.name) == (seed, optimizer)
                    config.seed = -1  # changes no other
    assert len(read) == 2 * 2


def test_a_job_does_not_return_its_configuration() -> None:
    returned = JobReturn(cfg=OmegaConf.create(), hydra_cfg=OmegaConf.create(), overrides=["seed=1"])
    LeanReturns().on_job_end(OmegaConf.create(), returned)
    assert (returned.cfg, returned.hydra_cfg, returned.overrides) == (None, None, ["seed=1"])
