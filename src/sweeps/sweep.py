"""A sweep as Hydra starts it: from the command line to checked jobs, and from jobs to a launcher.

Hydra's own sweeper finds a wrong value only when its job starts, makes Cartesian products only, and reports only the
first job that failed. Here all jobs are composed and checked before the first one starts. Any launcher works.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf

from src.config.composition import check_overrides, from_hydra
from src.config.needs import refuse_idle
from src.config.tree import Config
from src.foundation.errors import UserError
from src.foundation.files import canonical_json, conf_digest, sha256
from src.runs.fingerprint import Frozen
from src.runs.job import Job
from src.runs.naming import run_name
from src.studies.plan import plan
from src.studies.study import Study
from src.sweeps.loader import LeanReturns, SweepLoader
from src.sweeps.run_study import Kind, kind_of
from src.sweeps.start import Answer, pinned, start_job

_MANY = 20  # jobs: checking more takes a while


class Sweep:
    """One multirun: the grid of the command line, or the study of the group `ablation`.

    params: what is swept unless the command line says otherwise, as in Hydra's own sweeper. frozen: the digests of the
    files that the jobs depend on, taken before anything was composed.
    """

    def __init__(self, context: HydraContext, config: DictConfig, params: Sequence[str], frozen: Frozen) -> None:
        self._config, self._params, self._frozen = config, params, frozen
        self._loader = SweepLoader(context.config_loader.get_search_path(), sha256(canonical_json(frozen)))
        self._callbacks = context.callbacks
        self._digest = conf_digest()
        if config.hydra.launcher.get("n_jobs") == 0:  # joblib's launcher starts all jobs, and none of them runs
            raise UserError("hydra.launcher.n_jobs=0: must be a number of workers, or -1 for all cores")

    def grid(self, arguments: Sequence[str]) -> list[Job]:
        """The jobs of the Cartesian product of the swept overrides."""
        overrides = self._parsed([*self._params, *arguments])
        [grid] = BasicSweeper.split_arguments(overrides, max_batch_size=None)
        swept = {o.get_key_element() for o in overrides if o.is_sweep_override()}
        if len(grid) > _MANY:
            print(f"checking {len(grid)} jobs", file=sys.stderr, flush=True)
        jobs = []
        for job in grid:
            config = self._composed(job)
            differing = [o for o in job if o.partition("=")[0] in swept]
            label = " ".join(differing or job)
            name = run_name(config, dict(o.split("=", 1) for o in differing))
            jobs.append(Job(label, name, label, config, tuple(job)))
        if not jobs:
            raise UserError(f"-m {' '.join(arguments)}: nothing to sweep; give alternatives, like model.act=relu,tanh")
        refuse_idle(arguments, [job.config for job in jobs])
        return jobs

    def study(self, arguments: Sequence[str], stage: bool) -> tuple[Kind, Study[Any]]:
        """The study that the configuration declares, with its kind. stage: whether a stage of the pipeline runs it."""
        name = self._config.hydra.runtime.choices.ablation
        composed: Any = OmegaConf.to_container(self._config, resolve=False)
        tree = composed.get("ablation")
        kind = kind_of(tree)
        declaration = kind.declare(name, tree)
        overrides = [override for case in declaration.cases for override in case.overrides]
        self._check_overrides(arguments, self._parsed(overrides), kind.instead_of_sweeping.format(study=name))
        typed = self._parsed(arguments)
        seeds = [o for o in (*self._parsed(self._params), *typed) if o.get_key_element() == "seed"][-1:]
        others = [o.input_line or "" for o in typed if o.get_key_element() != "seed"]
        declared = not any(seed in typed for seed in seeds)
        planned = plan(declaration, _values(seeds), others, declared, self._composed)
        if not stage:  # which is given what params.yaml has
            refuse_idle(arguments, [job.config for job in planned.jobs])
        return kind, replace(planned, stage=stage)

    def launch(self, jobs: Sequence[Sequence[str]]) -> list[Answer]:
        """Runs jobs, each from its overrides, with the launcher of the configuration."""
        self._callbacks.callbacks.append(LeanReturns())
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=HydraContext(self._loader, self._callbacks),
            task_function=partial(start_job, self._frozen),
            config=self._config,
        )
        returned: Any = launcher.launch([list(job) for job in jobs], initial_job_idx=0)
        return [job.return_value for job in returned]

    def _check_overrides(self, arguments: Sequence[str], of_cases: Sequence[Override], instead: str) -> None:
        """Refuses seeds inside cases, and sweeps of anything but seeds; `instead` says what to do."""
        for override in of_cases:
            if override.get_key_element() == "seed":
                raise UserError(
                    f"ablation.variants: {override.input_line}: a variant can't set a seed; all share the seeds"
                )
        for override in self._parsed(self._params):
            if override.get_key_element() != "seed":
                raise UserError(
                    f"hydra.sweeper.params: {override.input_line}: only seed is allowed here; put alternatives "
                    "under ablation.grids, and settings that all variants share at the top of the file"
                )
        for override in (*self._parsed(arguments), *of_cases):
            if override.is_sweep_override() and override.get_key_element() != "seed":
                raise UserError(f"{override.input_line}: a study sweeps only its variants and seeds; {instead}")

    def _parsed(self, overrides: Sequence[str]) -> list[Override]:
        parser = OverridesParser.create(self._loader)
        parsed: list[Override] = parser.parse_overrides(list(overrides))
        return parsed

    def _composed(self, overrides: Sequence[str]) -> Config:
        check_overrides(overrides)  # those of a study's file have not been checked
        return pinned(from_hydra(self._loader.load_task_config(self._config, overrides), self._digest))


def _values(seeds: Sequence[Override]) -> list[str]:
    return [
        str(value)
        for seed in seeds
        for value in (seed.sweep_string_iterator() if seed.is_sweep_override() else [seed.get_value_element_as_str()])
    ]
