"""The sweeper behind `-m` and behind studies: the parent's seat for the work on many jobs.

Hydra's own sweeper finds a wrong value when the job that has it starts, makes Cartesian products only, and tells only
of the first job that failed. This one composes and checks all jobs before the first starts, takes the variants of a
study or the experiments of a table, and leaves the rest to `src/sweeps/`. It works with any launcher. Hydra accepts
sweepers from `hydra_plugins` alone, so what can stand in `src/` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from src.config.tree import Config
    from src.runs.planned import Planned
    from src.studies.plan import Plan
    from src.studies.replicas.plan import Replication
    from src.sweeps.start import Returned


class JobSweeper(Sweeper):
    """Runs the Cartesian product of the swept overrides, or each variant (or experiment) of a study with each seed.

    params: what is swept where the command line does not say otherwise, as in Hydra's own sweeper.
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
        # Hydra imports this file at every start: what it needs to sweep is imported when it does.
        from src.runs.frozen import freeze
        from src.sweeps.jobs import multirun

        frozen = freeze()  # before anything is composed
        if run_study := getattr(self.task_function, "run_study", None):
            run_study(self._study(arguments), partial(self._launch, frozen))
            return
        multirun(" ".join(arguments) or "one job", self._grid(arguments), partial(self._launch, frozen))

    def _grid(self, arguments: list[str]) -> "list[Planned]":
        from src.runs.naming import run_name
        from src.runs.planned import Planned

        overrides = self._parsed([*self._params, *arguments])
        [grid] = BasicSweeper.split_arguments(overrides, max_batch_size=None)
        swept = {o.get_key_element() for o in overrides if o.is_sweep_override()}
        planned = []
        for job in grid:
            config = self._composed(job)
            label = " ".join(o for o in job if o.partition("=")[0] in swept) or " ".join(job)
            planned.append(Planned(label, run_name(config), label, config, tuple(job)))
        return planned

    def _study(self, arguments: list[str]) -> "Plan | Replication":
        from src.studies.comparisons.declare import declare
        from src.studies.plan import plan
        from src.studies.replicas.declare import declare_table, is_table
        from src.studies.replicas.plan import replicate

        name = self.config.hydra.runtime.choices.ablation
        composed: Any = OmegaConf.to_container(self.config, resolve=False)
        tree = composed.get("ablation")
        if is_table(tree):
            table = declare_table(name, tree)
            seeds, more, as_declared = self._seeds(arguments, [], "give one value, or a list in brackets")
            return replicate(table, seeds, more, as_declared, self._composed)
        declaration = declare(name, tree)
        changes = self._parsed([change for variant in declaration.variants for change in variant.changes])
        instead = f"list the alternatives under ablation.grids in conf/ablation/{name}.yaml, or give one value"
        seeds, more, as_declared = self._seeds(arguments, changes, instead)
        return plan(declaration, seeds, more, as_declared, self._composed)

    def _seeds(self, arguments: list[str], changes: list[Override], instead: str) -> tuple[list[str], list[str], bool]:
        """The seeds, the other overrides of the command line, and whether the seeds are those of the file.

        changes: the overrides that variants are made of. Raises `UserError` where something else is swept, with what
        to do `instead`.
        """
        from src.foundation.errors import UserError

        typed = self._parsed(arguments)
        declared = self._parsed(self._params)
        for override in changes:
            if override.get_key_element() == "seed":
                raise UserError(f"ablation.variants: {override.input_line}: all variants have the same seeds")
        for override in declared:
            if override.get_key_element() != "seed":
                raise UserError(
                    f"hydra.sweeper.params: {override.input_line}: a study has seed alone there; alternatives belong "
                    "under ablation.grids, and what all variants share at the top of the file"
                )
        for override in (*typed, *changes):
            if override.is_sweep_override() and override.get_key_element() != "seed":
                raise UserError(f"{override.input_line}: a study sweeps its variants and seeds alone; {instead}")
        seeds = [o for o in (*declared, *typed) if o.get_key_element() == "seed"][-1:]
        more = [o.input_line or "" for o in typed if o.get_key_element() != "seed"]
        return _values(seeds), more, not any(seed in typed for seed in seeds)

    def _parsed(self, overrides: list[str]) -> list[Override]:
        parsed: list[Override] = OverridesParser.create(self.hydra_context.config_loader).parse_overrides(overrides)
        return parsed

    def _composed(self, overrides: list[str]) -> "Config":
        from src.config.composition import check_overrides, from_hydra

        check_overrides(overrides)  # of a study's file, which nobody typed
        return from_hydra(self.hydra_context.config_loader.load_sweep_config(self.config, overrides))

    def _launch(self, frozen: Mapping[str, str], jobs: list[list[str]]) -> "list[Returned]":
        from src.sweeps.start import start_job

        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=self.hydra_context, task_function=partial(start_job, frozen), config=self.config
        )
        returned: Any = launcher.launch(jobs, initial_job_idx=0)
        return [job.return_value for job in returned]


def _values(seeds: list[Override]) -> list[str]:
    return [
        str(value)
        for seed in seeds
        for value in (seed.sweep_string_iterator() if seed.is_sweep_override() else [seed.get_value_element_as_str()])
    ]


@dataclass
class JobSweeperConf:
    """What `hydra/sweeper: jobs` stands for."""

    _target_: str = "hydra_plugins.job_sweeper.JobSweeper"
    params: dict[str, str] = field(default_factory=dict)


ConfigStore.instance().store(group="hydra/sweeper", name="jobs", node=JobSweeperConf, provider="tracked-mlp")
