"""Runs a study: `python -m src.ablation ablation=ladder [KEY=VALUE ...]`.

A study is a file of conf/ablation/. What of it has not run yet is trained, in parallel; then its report is written. As
it is declared, its results stand in models/studies/ and its report in reports/, where DVC tracks them; with overrides
it is another study, under runs/studies/. Where a file declares published experiments in the place of a study, they are
trained likewise, and held against what their texts print.
"""

import contextlib
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import hydra

from src.cli.command import run_command
from src.config.composition import CONF, choices, told_our_way, typed
from src.foundation.errors import RunFailed, UserError, suggestion
from src.foundation.files import ROOT

if TYPE_CHECKING:
    from src.config.tracking import Tracking
    from src.recording.recording import Recording
    from src.recording.records import Record
    from src.runs.planned import Planned
    from src.studies.places import Places
    from src.studies.plan import Plan
    from src.studies.replicas.plan import Replication
    from src.sweeps.jobs import Job, Launch

_TRAIN = ("python", "-m", "src.train")
_HELP = """\
Runs an ablation study: every variant with every seed, paired statistics, and a report.

  python -m src.ablation ablation=STUDY [KEY=VALUE ...]

== Studies: each a file of conf/ablation/ ==
{studies}

== Examples ==
  python -m src.ablation ablation=ladder                        what has not run yet, then reports/ladder/index.html
  python -m src.ablation ablation=ladder train.epochs=3         an override applies to all runs: this is another
                                                                study, which is reported under runs/studies/
  python -m src.ablation ablation=ladder 'seed=range(10)'       ten seeds in place of five
  python -m src.ablation ablation=width data=digits             other data
  python -m src.ablation ablation=ladder hydra/launcher=basic   one run after another
  python -m src.ablation ablation=replicas                      published experiments, beside what their texts print
  python -m src.ablation ablation=replicas ablation.only=[spiral_adam,xor_tanh]         some of them

The last line that is printed is the path of the report's page. Fewer than three seeds give numbers and no verdicts.
Exit codes: 0 done; 1 a run failed; 2 the input is wrong; 130 interrupted. The same command finishes what is missing.
`python -m src.train --help` lists the keys.
"""


class Reported(NamedTuple):
    """A report that stands in its folder, and what else is told of it."""

    identity: str  # of what it reports
    new: bool
    text: str  # for the terminal
    numbers: Mapping[str, float]  # for MLflow
    verdict: str


def run_study(stage: bool, plan: "Plan | Replication", launch: "Launch") -> None:
    """Trains what is missing of a study, then collects its results and reports them.

    As a stage of the pipeline it leaves the report to another stage, and a variant that diverges is a result like any
    other. Raises `RunFailed` if a job did not come to an end (there is no report then) or, at the end, if one diverged.
    """
    from src.studies.places import Places
    from src.studies.replicas.plan import Replication
    from src.sweeps.jobs import identified, run_jobs

    if stage and isinstance(plan, Replication):
        raise UserError(f"--stage {plan.declaration.name}: a table of published experiments is no stage")
    places = plan.places if isinstance(plan, Replication) else Places.of(plan, stage)
    planned = [training.planned for training in plan.trainings]
    with places.locked():
        digests = identified(planned)
        with _recorded(plan.name, planned, places, digests) as (recording, parent):
            jobs = run_jobs(plan.name, planned, digests, launch, recording, parent)
            _refuse_missing(planned, jobs)
            if isinstance(plan, Replication):
                reported: Reported | None = _published(plan, digests, places)
            else:
                reported = _studied(stage, plan, digests, places)
            if reported is None:
                return
            _tell(reported, places, planned[0].config.tracking, recording, parent)
            if diverged := [job.label for job, end in zip(planned, jobs, strict=True) if end.diverged]:
                raise RunFailed(f"{', '.join(diverged)}: diverged; the report shows the gap")


def _studies() -> "Iterator[tuple[str, str]]":
    from src.config.tree import read_yaml

    for name in choices("ablation"):
        try:
            yield name, read_yaml(ROOT / "conf" / "ablation" / f"{name}.yaml")["ablation"]["title"]
        except (UserError, LookupError, TypeError):  # running it says what is wrong with it
            yield name, "(its file declares no study)"


def _of_the_pipeline(study: str) -> list[str]:
    """The stage's arguments in Hydra's words: params.yaml says on which data, and where runs are recorded."""
    from hydra.core.override_parser.types import Quote, QuotedString

    from src.config.composition import load

    config = load([])
    data = [override for override in typed(config) if override.startswith(("data=", "data."))]
    store = {"uri": config.tracking.uri, "experiment": config.tracking.experiment}
    quoted = {key: QuotedString(value, Quote.single).with_quotes() for key, value in store.items() if value}
    tracking = [f"tracking={config.tracking.name}", *(f"tracking.{key}={value}" for key, value in quoted.items())]
    return [f"ablation={study}", *data, *tracking]


@contextlib.contextmanager
def _recorded(
    name: str, planned: "Sequence[Planned]", places: "Places", digests: "Sequence[Mapping[str, str]]"
) -> "Iterator[tuple[Recording | None, Record | None]]":
    """The study's record, closed at the end; None with tracking off, or where there is nothing new to record."""
    from src.studies.comparisons.results import identity
    from src.sweeps.jobs import reusable

    tracking = planned[0].config.tracking
    if tracking.name == "off":
        yield None, None
        return
    from src.recording.recording import Recording
    from src.recording.store import whereabouts

    known_as = identity(name, [of["fingerprint"] for of in digests])
    store = whereabouts(tracking)
    if store is not None and places.recorded(known_as, store) and all(reusable(planned, digests)):
        yield None, None
        return
    with Recording(tracking) as recording:
        with recording.parent(name, name, known_as) as parent:
            yield recording, parent
        complete = recording.settle()
    if complete:  # else the next start tries again
        places.remember(known_as, whereabouts(tracking))


def _refuse_missing(planned: "Sequence[Planned]", jobs: "Sequence[Job]") -> None:
    ends = zip(planned, jobs, strict=True)
    missing = [f"{job.label} ({end.status})" for job, end in ends if not (end.done or end.diverged)]
    if missing:
        more = f" and {len(missing) - 5} others" if len(missing) > 5 else ""
        raise RunFailed(
            f"{len(missing)} of {len(jobs)} jobs are missing: {', '.join(missing[:5])}{more}; the others are kept, and "
            "the same command finishes the study"
        )


def _studied(stage: bool, plan: "Plan", digests: "Sequence[Mapping[str, str]]", places: "Places") -> Reported | None:
    """A study's results, collected, and reported where it is no stage."""
    from src.studies.comparisons.collect import collect, seconds_of, write_headline

    commands = [shlex.join([*_TRAIN, *typed(t.planned.config), "train.fresh=true"]) for t in plan.trainings]
    results = collect(plan, digests, commands, places.results)
    if places.tracked:
        write_headline(results, plan.declaration.name)
    if stage:
        return None
    from src.reporting.report import make_report, metrics, table

    summary, new = make_report(results, seconds_of(results, plan.declaration.name), places.report)
    text = "\n".join([table(summary), "", *summary.verdict])
    return Reported(results.identity, new, text, metrics(summary), " ".join(summary.verdict))


def _published(plan: "Replication", digests: "Sequence[Mapping[str, str]]", places: "Places") -> Reported:
    """What published experiments came to, reported."""
    from src.reporting.published import make_published_report, metrics
    from src.reporting.published_tables import console, sentence
    from src.studies.replicas.replicated import collect

    table = collect(plan, digests)
    rows, new = make_published_report(table, places.report)
    return Reported(table.identity, new, f"{console(rows)}\n\n{sentence(rows)}", metrics(rows), sentence(rows))


def _tell(
    reported: Reported, places: "Places", tracking: "Tracking", recording: "Recording | None", parent: "Record | None"
) -> None:
    """Prints a report's table and its path, and puts the report on the parent's MLflow run."""
    print("", reported.text, "", sep="\n")
    tags = {"verdict": reported.verdict}
    if recording and parent:
        recording.report(parent, reported.numbers, tags, places.report)
    elif reported.new and tracking.name == "mlflow":  # the runs stand in the store, this report does not
        from src.recording.parent import ParentRun

        if stands := ParentRun.find(tracking, reported.identity):
            stands.log(reported.numbers, tags, places.report)
    print(places.report / "index.html", flush=True)


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
        raise UserError(f"{' '.join(arguments)}: the name of one study is needed, as dvc.yaml gives it")
    from src.cli.stage import alone

    with alone(f"study-{arguments[1]}"):
        sys.argv[1:] = _of_the_pipeline(arguments[1])
        _run(sys.argv[1:], stage=True)


def _run(arguments: list[str], stage: bool) -> None:
    named = [argument.removeprefix("ablation=") for argument in arguments if argument.startswith("ablation=")]
    if len(named) != 1:
        raise UserError(f"ablation: which one study? like ablation=ladder; allowed: {', '.join(choices('ablation'))}")
    if named[0] not in choices("ablation"):
        raise UserError(f"ablation={named[0]}: no such study; {suggestion(named[0], choices('ablation'))}")
    single: list[Any] = []

    def task(composed: Any) -> None:
        single.append(composed)  # a study's jobs are our sweeper's

    task.run_study = partial(run_study, stage)  # type: ignore[attr-defined]  # where our sweeper looks for it
    with told_our_way(arguments):
        hydra.main(version_base="1.3", config_path=CONF, config_name="config")(task)()
    if single:
        raise UserError(f"ablation={named[0]}: its file lacks `hydra: {{mode: MULTIRUN}}`, without which it is one run")


if __name__ == "__main__":
    run_command(main)
