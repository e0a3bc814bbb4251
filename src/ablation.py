"""Runs a study: `python -m src.ablation ablation=ladder [KEY=VALUE ...]`.

A study is a file in conf/ablation/: a comparison of variants, several of these, replicas of published experiments, or
twins that a library trains, too. The command trains what is missing, in parallel, then writes the report: to reports/
for a study as declared, to runs/studies/ for one with overrides.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hydra

from src.cli.command import run_command
from src.config.changes import overrides_of_stage
from src.config.composition import CONF, choices, one_line_errors
from src.foundation.errors import UserError, suggestion
from src.foundation.files import ROOT

_HELP = """\
Runs an ablation study: every variant with every seed, paired statistics, and a report.

  python -m src.ablation ablation=STUDY [KEY=VALUE ...]

== Studies: files in conf/ablation/ ==
{studies}

== Examples ==
  python -m src.ablation ablation=ladder                        trains what is missing, writes reports/ladder/
  python -m src.ablation ablation=ladder train.epochs=3         an override applies to all runs and makes another
                                                                study, with its report under runs/studies/
  python -m src.ablation ablation=ladder 'seed=range(10)'       ten seeds instead of five
  python -m src.ablation ablation=width data=digits             other data
  python -m src.ablation ablation=ladder hydra/launcher=basic   one run after another
  python -m src.ablation ablation=replicas                      published experiments, compared with their texts
  python -m src.ablation ablation=replicas ablation.only=[spiral_adam,xor_tanh]         some of them
  python -m src.ablation ablation=replicas ablation.parts=[same_draws]                  the printed digits alone
  python -m src.ablation ablation=exercise                      four studies, and the best network of all
  python -m src.ablation ablation=twin                          the same networks in scikit-learn, step by step

The last line of output is the path of the report. With fewer than three seeds there are numbers but no verdicts.
Exit codes: 0 done; 1 a run failed; 2 the input is wrong; 130 interrupted. To finish a study, repeat its command.
`python -m src.train --help` lists the keys.
"""


def _studies() -> Iterator[tuple[str, str]]:
    from src.config.tree import read_yaml

    for name in choices("ablation"):
        try:
            yield name, read_yaml(ROOT / "conf" / "ablation" / f"{name}.yaml")["ablation"]["title"]
        except (UserError, LookupError, TypeError):  # an attempt to run it says why
            yield name, "(its file declares no study)"


def main() -> None:
    """The command."""
    arguments = sys.argv[1:]
    if {"-h", "--help"} & set(arguments):
        print(_HELP.format(studies="\n".join(f"  {name:14} {question}" for name, question in _studies())))
        return
    if arguments[:1] != ["--stage"]:
        _run(arguments, stage=False)
        return
    if len(arguments) != 2 or arguments[1] not in choices("ablation"):
        raise UserError(f"{' '.join(arguments)}: --stage needs the name of one study, as in dvc.yaml")
    from src.cli.stage import alone

    with alone(f"study-{arguments[1]}"):
        sys.argv[1:] = overrides_of_stage(arguments[1])
        _run(sys.argv[1:], stage=True)


def _run(arguments: list[str], stage: bool) -> None:
    names = [argument.removeprefix("ablation=") for argument in arguments if argument.startswith("ablation=")]
    if len(names) != 1:
        study = next((word for word in arguments if word in choices("ablation")), "ladder")
        raise UserError(f"ablation: give one study, like ablation={study}; allowed: {', '.join(choices('ablation'))}")
    if names[0] not in choices("ablation"):
        near = suggestion(Path(names[0]).stem, choices("ablation"))
        raise UserError(f"ablation={names[0]}: no such study; {near}")
    single: list[Any] = []

    def task(composed: Any) -> None:
        single.append(composed)  # only reached without a sweep

    task.study_as_stage = stage  # type: ignore[attr-defined]  # for hydra_plugins/job_sweeper.py: a study, not a grid
    with one_line_errors(arguments):
        hydra.main(version_base="1.3", config_path=CONF, config_name="config")(task)()
    if single:
        raise UserError(f"ablation={names[0]}: its file needs `hydra: {{mode: MULTIRUN}}`; without it, it is one run")


if __name__ == "__main__":
    run_command(main)
