"""Trains a network: `python -m src.train [KEY=VALUE ...]`, a grid of them with `-m`, or the stage of the pipeline.

Only the stage (`--stage`, as dvc.yaml calls it) writes models/, metrics/ and plots/, from params.yaml. Any other
training leaves its results in its run folder and in MLflow, so that trying something never touches what DVC tracks.
"""

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import hydra

from src.cli.command import run_command
from src.cli.quick_hydra import composing_once
from src.config.composition import CONF, compose, from_hydra, one_line_errors
from src.foundation.errors import RunFailed, UserError

if TYPE_CHECKING:
    from src.config.tree import Config
    from src.runs.training_run import Outcome


_COMMAND = ("python", "-m", "src.train")


def publish() -> None:
    """The stage: trains with params.yaml, and puts the outcome where DVC tracks it."""
    from src.cli.stage import alone
    from src.config.tree import read_snapshot
    from src.runs.finished import FinishedRun
    from src.sweeps.start import start

    with alone("train"):
        config = read_snapshot()
        outcome, run_id = start(config, (*_COMMAND, "--stage"))
        # If `dvc repro` was killed, another one may have restored an earlier outcome from its cache meanwhile.
        if read_snapshot().semantic() != config.semantic():
            folder = outcome.folder.path
            raise RunFailed(f"params.yaml was changed during this training; its result is only in {folder}")
        FinishedRun(outcome.folder.path).publish()
    _print_outcome(config, outcome, run_id)


def _print_outcome(config: "Config", outcome: "Outcome", run_id: str) -> None:
    from src.runs.metric import set_names

    result, timing = outcome.result, outcome.folder.timing()
    name = set_names(config.plain()["data"])["test"]
    print(
        f"{name} accuracy {result['test']['accuracy']:.2%}, loss {result['test']['loss']:.4f}"
        f" (weights of epoch {result['kept_epoch']} of {result['epochs']}, {timing['seconds']:.1f} s of training)"
    )
    print(f"run folder    {outcome.folder.path}")
    if run_id:
        print(f"MLflow run    {run_id}   (`make ui` shows it)")
    if outcome.reused:
        named = outcome.folder.run()["name"]
        under = f", under the name {named}" if named != config.run_name else ""
        print(f"This run had already finished{under}, so nothing was trained; train.fresh=true trains it again.")


def main() -> None:
    """The command."""
    if sys.argv[1:] == ["--stage"]:
        publish()
        return
    if {"-h", "--help"} & {*sys.argv[1:]}:
        from src.config.reference import help_text

        typed = [word for word in sys.argv[1:] if "=" in word and not word.startswith("-")]
        print(help_text(compose(typed).plain()), end="")
        return
    if {*sys.argv[1:]} in ({"-m"}, {"--multirun"}):
        raise UserError("-m: nothing to sweep; give alternatives, like -m model.act=relu,tanh 'seed=range(5)'")
    for argument in sys.argv[1:]:
        if argument.startswith("ablation="):
            raise UserError(f"{argument}: to run a study, use `python -m src.ablation {argument}`")
    single: list[Any] = []

    @hydra.main(version_base="1.3", config_path=CONF, config_name="config")
    def task(composed: Any) -> float | None:
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        if HydraConfig.get().mode == RunMode.MULTIRUN:
            from src.sweeps.start import start

            # Our own sweeper starts its jobs itself. Another one, chosen by hydra/sweeper=..., gets this number.
            outcome, run_id = start(config := from_hydra(composed))
            _print_outcome(config, outcome, run_id)
            return float(outcome.result["valid"]["accuracy"])
        single.append(composed)
        return None

    several = {"-m", "--multirun"} & {*sys.argv[1:]}
    with one_line_errors(sys.argv[1:]), contextlib.nullcontext() if several else composing_once():
        task()
        # A single run starts after Hydra has returned: it would wrap an error in lines of its own.
        configs = [from_hydra(composed) for composed in single]
    for config in configs:
        from src.config.needs import refuse_idle
        from src.sweeps.sheets import refuse_sheet
        from src.sweeps.start import start

        refuse_sheet([config], "a sheet shows several runs; add -m, and alternatives such as model.act=relu,tanh")
        refuse_idle(sys.argv[1:], [config])
        _print_outcome(config, *start(config, (*_COMMAND, *sys.argv[1:])))


if __name__ == "__main__":
    run_command(main)
