"""The sweeper behind `-m` and behind studies. Hydra finds it only in `hydra_plugins`; src/sweeps/ does the work."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class JobSweeper(Sweeper):
    """Runs the Cartesian product of the swept overrides, or a study.

    params: what is swept unless the command line says otherwise, as in Hydra's own sweeper.
    """

    hydra_context: HydraContext
    config: DictConfig
    task_function: TaskFunction

    def __init__(self, params: Mapping[str, str]) -> None:
        self._params = [f"{key}={value}" for key, value in params.items()]

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context = hydra_context
        self.config = config
        self.task_function = task_function

    def sweep(self, arguments: list[str]) -> None:
        # Hydra imports this file at every start, so the rest is imported only here.
        from src.runs.fingerprint import freeze

        frozen = freeze()  # before anything is composed
        from src.sweeps.jobs import multirun
        from src.sweeps.run_study import run_study
        from src.sweeps.sweep import Sweep

        sweep = Sweep(self.hydra_context, self.config, self._params, frozen)
        as_stage = getattr(self.task_function, "study_as_stage", None)
        if as_stage is None:
            multirun(arguments, sweep.grid(arguments), sweep.launch)
        else:
            run_study(*sweep.study(arguments, as_stage), sweep.launch)


@dataclass
class JobSweeperConf:
    """The configuration behind `hydra/sweeper: jobs`."""

    _target_: str = "hydra_plugins.job_sweeper.JobSweeper"
    params: dict[str, str] = field(default_factory=dict)


ConfigStore.instance().store(group="hydra/sweeper", name="jobs", node=JobSweeperConf, provider="tracked-mlp")
