"""Plans a study: from its declaration to the jobs that train it, each composed and checked."""

from collections.abc import Callable, Sequence

from src.config import tree as configuration
from src.config.tree import Config
from src.foundation.errors import UserError
from src.runs.job import Job
from src.studies.study import D, Study

Compose = Callable[[list[str]], Config]
# Overrides that change no result: a study with them is still the one of its file.
WITHOUT_INFLUENCE = ("ablation=", "hydra", "tracking", "train.fresh=", "name=", "data.mirror=")


def plan(declaration: D, seeds: Sequence[str], arguments: Sequence[str], declared: bool, compose: Compose) -> Study[D]:
    """Composes and checks every job of a study.

    seeds: from the command line or the file, for the cases without seeds of their own. arguments: all other overrides
    of the command line; they apply to every job. declared: whether the seeds are those of the file. Raises `UserError`
    if a job is not allowed, or if the jobs can't be compared.
    """
    listed = ",".join(seeds)
    if not seeds:
        raise UserError("seed: none; a study needs at least one, like seed=range(5)")
    if not declared and all(case.seeds for case in declaration.cases):
        raise UserError(f"seed={listed}: these runs have seeds of their own")
    for argument in arguments:
        for beginning, instead in declaration.refused.items():
            if argument.startswith(beginning):
                raise UserError(f"{argument}: {instead}")
    jobs = []
    for case in declaration.cases:
        # A case may come from the file of another study, which then takes the place of this one's.
        elsewhere = any(override.startswith("ablation=") for override in case.overrides)
        given = [argument for argument in arguments if not (elsewhere and argument.startswith("ablation="))]
        overrides = [*case.overrides, *given]
        own = [str(seed) for seed in case.seeds] or seeds
        composed = compose([*overrides, f"seed={own[0]}"])
        for seed in own:
            config = configuration.build(composed.plain() | {"seed": _number(seed)}, case.name)
            label = f"{case.name} s{config.seed}"
            jobs.append(Job(label, label, case.name, config, (*overrides, f"seed={seed}")))
    if len({job.label for job in jobs}) < len(jobs):
        raise UserError(f"seed={listed}: a seed is listed twice; give each seed once")
    typed = [argument for argument in arguments if not argument.startswith(WITHOUT_INFLUENCE)]
    if not declared:
        typed.append(f"seed={listed}")
    declaration.check_jobs(jobs, typed)
    return Study(declaration, tuple(typed), tuple(jobs))


def _number(seed: str) -> int | str:
    try:
        return int(seed)
    except ValueError:
        return seed  # the configuration rejects it, and says what is allowed
