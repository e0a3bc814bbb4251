"""The sweeper behind `-m`: the parent's seat for the work on a grid of jobs.

Hydra's own sweeper finds a wrong value when the job that has it starts, and tells only of the first job that failed.
This one composes and checks all jobs before the first starts, and closes with a table of all of them. It works with
any launcher. Hydra accepts sweepers from `hydra_plugins` alone, so what can stand in `src/` does.
"""

from dataclasses import dataclass
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class JobSweeper(Sweeper):
    """Runs the Cartesian product of the swept overrides."""

    hydra_context: HydraContext
    config: DictConfig
    launcher: Launcher

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from hydra.core.plugins import Plugins

        self.hydra_context = hydra_context
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        # Hydra imports this file at every start: what it needs to sweep is imported when it does.
        from src.composition import from_hydra
        from src.launching import Job, multirun

        loader = self.hydra_context.config_loader
        overrides = OverridesParser.create(config_loader=loader).parse_overrides(arguments)
        [grid] = BasicSweeper.split_arguments(overrides, max_batch_size=None)
        configs = [from_hydra(loader.load_sweep_config(self.config, job)) for job in grid]
        swept = {o.get_key_element() for o in overrides if o.is_sweep_override()}
        variants = [" ".join(o for o in job if o.partition("=")[0] in swept) or " ".join(job) for job in grid]

        def launch(told: list[list[str]]) -> list[Job]:
            jobs = [[*job, *more] for job, more in zip(grid, told, strict=True)]
            returned: Any = self.launcher.launch(jobs, initial_job_idx=0)
            return [job.return_value for job in returned]

        multirun(configs, " ".join(arguments) or "one job", variants, launch)


@dataclass
class JobSweeperConf:
    """What `hydra/sweeper: jobs` stands for."""

    _target_: str = "hydra_plugins.job_sweeper.JobSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="jobs", node=JobSweeperConf, provider="tracked-mlp")
