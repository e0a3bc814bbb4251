"""Whether what a text teaches holds in our own runs: how many meet the condition, and how sure that makes us."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from src.analysis.proportion import Proportion, proportion
from src.analysis.statistics import FEWEST, Interval, interval
from src.runs.metric import Metric
from src.studies.replicas.claims import Lesson
from src.studies.replicas.collect import Replica, ReplicaRun, Table
from src.studies.replicas.declare import OURS, Experiment

VERDICTS = ("holds", "undecided", "fails", "no verdict")  # of a lesson, from best to worst
_HALF = 0.5
_DEFAULT = Lesson(says="", metric="test/accuracy", least=0.0)  # what is shown of an experiment without a lesson


@dataclass(frozen=True)
class LessonRow:
    """A line of the second part of the table: a lesson, or an experiment without one."""

    experiment: Experiment
    says: str  # the lesson; empty if there is none
    metric: Metric
    values: tuple[tuple[int, float | None], ...]  # the seed and value of each run; None if it failed
    mean: Interval | None  # with its 95 % interval; None if no run finished
    met: Proportion | None  # the share of runs that meet the lesson's condition
    verdict: str  # one of VERDICTS; empty without a lesson
    remarks: tuple[str, ...]  # the gain over what it is compared with; runs that failed, stopped early or lost a class


def lessons_of(table: Table) -> list[LessonRow]:
    """The lines of the second part, text by text; none if that part was not asked for."""
    if OURS not in table.declaration.shown:
        return []
    replicas = {each.experiment.name: each for each in table.replicas}
    order = [*table.declaration.texts]
    return [
        row
        for replica in sorted(table.replicas, key=lambda each: order.index(each.experiment.text))
        for row in _rows(replica, replicas)
    ]


def judge(met: Sequence[bool]) -> tuple[Proportion | None, str]:
    """The share of runs that meet a condition, and the verdict: holds if most runs do, beyond chance.

    That is, if the exact 95 % interval of the share lies above one half; it fails if it lies below.
    """
    if not met:
        return None, "no verdict"
    share = proportion(sum(met), len(met))
    if len(met) < FEWEST:
        return share, "no verdict"
    return share, "holds" if share.low > _HALF else "fails" if share.high < _HALF else "undecided"


def _rows(replica: Replica, replicas: Mapping[str, Replica]) -> Iterator[LessonRow]:
    told = tuple(_about_runs(replica.runs))
    for lesson in replica.experiment.lessons or (_DEFAULT,):
        values = [(run.seed, run.value(lesson.claims[0])) for run in replica.runs]
        finished = [value for _, value in values if value is not None]
        mean = _cut(interval(finished), lesson.about) if finished else None
        row = LessonRow(replica.experiment, lesson.says, lesson.about, tuple(values), mean, None, "", told)
        if lesson.says:
            row = _judged(row, lesson, replica, replicas)
        yield row


def _judged(row: LessonRow, lesson: Lesson, replica: Replica, replicas: Mapping[str, Replica]) -> LessonRow:
    if lesson.other is not None and lesson.other not in replicas:
        return replace(row, verdict="no verdict", remarks=(f"{lesson.other} was not run", *row.remarks))
    others = _others(lesson, replica, replicas)
    pairs = [
        (value, others.get(seed)) for seed, value in row.values if lesson.than is None or others.get(seed) is not None
    ]
    if row.mean is None:  # no run finished
        return replace(row, verdict="no verdict")
    # Where some finish, a run that failed does not meet the lesson.
    met, verdict = judge([value is not None and lesson.holds(value, other) for value, other in pairs])
    gains = [value - other for value, other in pairs if value is not None and other is not None]
    remarks = [f"on average {_signed(sum(gains) / len(gains), lesson.about)} against {lesson.than}"] if gains else []
    return replace(row, met=met, verdict=verdict, remarks=(*remarks, *row.remarks))


def _others(lesson: Lesson, replica: Replica, replicas: Mapping[str, Replica]) -> dict[int, float]:
    """The values of what a lesson compares with, by seed."""
    if lesson.than is None:
        return {}
    runs = replicas[lesson.other].runs if lesson.other else replica.runs
    values = ((run.seed, run.value(lesson.claims[-1])) for run in runs)
    return {seed: value for seed, value in values if value is not None}


def _about_runs(runs: Sequence[ReplicaRun]) -> Iterator[str]:
    """Runs that failed, that stopped early, and in which a class died."""
    yield from (f"seed {run.seed}: {run.reason}" for run in runs if not run.measured)
    finished = [(run.seed, run.measured) for run in runs if run.measured]
    stopped = sorted(run.stopped for _, run in finished if run.stopped is not None)
    if stopped:
        after = f"{stopped[0]}" if stopped[0] == stopped[-1] else f"{stopped[0]} to {stopped[-1]}"
        yield f"{len(stopped)} of {len(runs)} runs stopped early, after epoch {after}"
    for seed, run in finished:
        if run.dead:
            yield f"seed {seed}: no test example of {', '.join(run.dead)} is recognized"


def _cut(mean: Interval, metric: Metric) -> Interval:
    """Shares stay between 0 and 1."""
    if metric.is_loss or mean.low is None or mean.high is None:
        return mean
    return replace(mean, low=max(mean.low, 0.0), high=min(mean.high, 1.0))


def _signed(gain: float, metric: Metric) -> str:
    text = f"{100 * gain:+.2f} points" if metric.in_percent else f"{gain:+.4f}"
    return text.replace("-", "−")
