"""The jobs of a sweep: launches those that have not finished before, follows and records them, and prints a table."""

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from src.data.recipes import prepare
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import canonical_json, sha256
from src.foundation.processes import begin_as_worker
from src.foundation.signals import interrupts_wait
from src.recording.entry import Entry
from src.reporting.console import progress_bar
from src.reporting.tables import plain_table
from src.runs.annotations import annotate_as
from src.runs.fingerprint import fingerprint
from src.runs.folder import RunFolder, Status
from src.runs.job import Job
from src.runs.warm_start import doubts
from src.sweeps.follower import Follower
from src.sweeps.sheets import check_sheets, draw_sheets, without_sheet
from src.sweeps.start import Answer, check_start

if TYPE_CHECKING:
    from src.recording.recording import Recording

Launch = Callable[[Sequence[Sequence[str]]], Sequence[Answer]]  # runs jobs, each from its overrides
_SECONDS_FOR_A_WORKER_TO_GO = 10.0
_MANY = 20  # runs that take seconds to record


class JobEnd(NamedTuple):
    """How a job ended."""

    status: str  # finished, reused, failed, killed, running (in a process of another command) or not started
    reason: str  # empty for finished and reused
    folder: RunFolder
    run_id: str  # of MLflow; empty if it is not recorded

    @property
    def done(self) -> bool:
        """Whether the run folder has the run's results."""
        return self.status in ("finished", "reused")

    @property
    def diverged(self) -> bool:
        """Whether the training ended by diverging: training it again would end the same way."""
        return self.status == "failed" and self.folder.cause() == "diverged"


def multirun(arguments: Sequence[str], jobs: Sequence[Job], launch: Launch) -> None:
    """Runs a grid of jobs under a parent run that is called as what was typed, and draws the sheets that they ask for.

    Raises `UserError` before anything runs if one job is not allowed, and `RunFailed` at the end if one failed.
    """
    known: dict[bytes, Job] = {}
    for job in jobs:  # of two that are the same run, one would wait for the other
        if (same := known.setdefault(canonical_json(job.config.semantic()), job)) is not job:
            raise UserError(f"{job.label}: the same run as an earlier job, {same.label}; leave one of them out")
    digests = identified(jobs)
    check_sheets(jobs)
    swept = {word.partition("=")[0] for word in jobs[0].label.split()}
    first = sorted(arguments, key=lambda argument: argument.partition("=")[0] not in swept)  # as legends cut names
    title = without_sheet(" ".join(first) or "one job")
    identity = identity_of_sweep(title, [digest["fingerprint"] for digest in digests])
    command = shlex.join(["python", "-m", "src.train", "-m", *arguments])
    about = f"A sweep of {len(jobs)} runs."
    with recorded(jobs, title, identity, about=about, command=command) as (recording, parent):
        ends = run_jobs(title, jobs, digests, launch, recording, parent)
        sheets = draw_sheets(jobs, [end.folder for end in ends], identity)
        if sheets and recording and parent:
            recording.report(parent.identity, {}, {}, sheets)
        if failures := sum(not end.done for end in ends):
            others = f"; the others are finished{' and recorded' if recording else ''}" if failures < len(ends) else ""
            raise RunFailed(f"{failures} of {len(ends)} jobs failed{others}")


def identity_of_sweep(title: str, fingerprints: Sequence[str]) -> str:
    """The identity of a sweep's parent: the same command over the same jobs continues with the same parent."""
    return sha256("\n".join(["sweep", title, *fingerprints]).encode())


@contextlib.contextmanager
def recorded(
    jobs: Sequence[Job], title: str, identity: str, study: str | None = None, **described: str
) -> "Iterator[tuple[Recording | None, Entry | None]]":
    """The jobs' parent run in MLflow, which ends with the block; None if no job is tracked.

    study: its name, if the jobs are all of a study: earlier runs of it are no longer current then. described: what the
    parent is `about`, and the `command` that makes it.
    """
    tracked = [job.config.tracking for job in jobs if job.config.tracking.name == "mlflow"]
    if not tracked:
        yield None, None
        return
    from src.recording.recording import Recording

    with (
        Recording(tracked[0]) as recording,
        recording.parent(title, study or tracked[0].study, identity, study is not None, **described) as parent,
    ):
        yield recording, parent


def identified(jobs: Sequence[Job]) -> list[dict[str, str]]:
    """The digests that identify each job's run; prepares the data, and raises `UserError` for a job that can't run."""
    if any(job.config.profile for job in jobs):
        raise UserError("profile=true: is for a single training; leave out -m")
    datasets = {recipe: prepare(recipe) for recipe in dict.fromkeys(job.config.data for job in jobs)}
    warnings = list[str]()
    for job in jobs:
        check_start(job.config, datasets[job.config.data], job.start)
        warnings += [*job.config.warnings, *doubts(job.config, datasets[job.config.data])]
    for warning in dict.fromkeys(warnings):
        print(f"warning: {warning}", file=sys.stderr)
    return [fingerprint(job.config, datasets[job.config.data]) for job in jobs]


def run_jobs(
    title: str,
    jobs: Sequence[Job],
    digests: Sequence[Mapping[str, str]],
    launch: Launch,
    recording: "Recording | None",
    parent: Entry | None,
) -> list[JobEnd]:
    """Launches the jobs that have not finished before, records all of them, and prints how each one ended.

    If the launcher fails or is interrupted, the jobs that it leaves running are closed as killed; an interruption is
    raised again after that.
    """
    folders = [RunFolder.of(digest["fingerprint"]) for digest in digests]
    reused = [folder.finished() and not job.config.train.fresh for folder, job in zip(folders, jobs, strict=True)]
    before: list[Status] = [{} if old else folder.living_status() for old, folder in zip(reused, folders, strict=True)]
    known = f" ({sum(reused)} of them finished before)" if any(reused) else ""
    print(f"{len(jobs)} job{'s' * (len(jobs) > 1)}: {title}{known}")

    for job, folder in zip(jobs, folders, strict=True):
        annotate_as(job.config.tracking, folder.path)
    entries: dict[int, Entry] = {}  # of the jobs that are tracked
    if recording and parent:
        for i, (job, folder) in enumerate(zip(jobs, folders, strict=True)):
            if job.config.tracking.name == "mlflow":
                place = {"study": parent.study, "parent": parent.identity, "variant": job.variant}
                entries[i] = recording.run(job.name, folder, job.config.train.fresh, **place, command=job.command)
    waiting = [i for i, old in enumerate(reused) if not old]
    follower = Follower([(folders[i], jobs[i].label, before[i]) for i in waiting])
    answers, why = dict[int, Answer](), "interrupted"
    try:
        with follower:
            if waiting:
                # For Hydra's launcher, which has no setting for it.
                from joblib.parallel import LokyBackend, register_parallel_backend

                register_parallel_backend("loky", partial(LokyBackend, initializer=begin_as_worker))
                answers = dict(zip(waiting, launch([jobs[i].overrides for i in waiting]), strict=True))
        why = ""
    except Exception as error:  # a worker that the system killed takes the launcher with it
        why = f"the launcher broke down: {' '.join(str(error).split())}"
    finally:
        try:
            with interrupts_wait():  # one more Ctrl-C would leave runs open
                how = [
                    ("reused", "")
                    if reused[i]
                    else _answered(answers[i], folder)
                    if i in answers
                    else _unanswered(folder, before[i], why)
                    for i, folder in enumerate(folders)
                ]
                follower.close()
        finally:
            if recording:
                _settle(recording, len(entries))  # which a Ctrl-C cuts short
            with interrupts_wait():  # one more Ctrl-C would suppress the table
                run_ids = {i: recording.run_id(entry) for i, entry in entries.items()} if recording else {}
                ends = [JobEnd(*how[i], folder, run_ids.get(i, "")) for i, folder in enumerate(folders)]
                print(_closing_table(jobs, ends), flush=True)
    return ends


def _settle(recording: "Recording", runs: int) -> None:
    """Waits until all runs are recorded, and says how far that is."""
    bar, told = progress_bar(runs, "run recorded"), False

    def show(left: int) -> None:
        nonlocal told
        if left > _MANY and not told:
            print(f"MLflow has {runs - left} of {runs} runs; recording the others", flush=True)
        told = True
        bar.update(runs - left - bar.n)

    recording.settle(show)
    bar.close()


def _answered(answer: Answer, folder: RunFolder) -> tuple[str, str]:
    """Status and reason of a job that answered."""
    if answer["reason"]:
        return "failed", answer["reason"]
    if answer["fingerprint"] != folder.path.name or not folder.finished():
        return "failed", f"the job trained another run than the one that was checked, {answer['fingerprint']}"
    return "finished", ""


def _unanswered(folder: RunFolder, before: Status, why: str) -> tuple[str, str]:
    """Status and reason of a job that never answered, from its run folder."""
    status = folder.status()
    if not status or status == before:
        return "not started", why
    if status["status"] == "running" and not folder.idle(wait=_SECONDS_FOR_A_WORKER_TO_GO):
        return "running", f"process {status['pid']} trains it"
    if status["status"] == "running" and not folder.finished():  # its worker may have finished it meanwhile
        folder.mark("killed", "interrupted" if why == "interrupted" else "died", why)
        return "killed", why
    return ("finished", "") if folder.finished() else (status["status"], status["reason"] or "")


def _closing_table(jobs: Sequence[Job], ends: Sequence[JobEnd]) -> str:
    header = ["job", "what", "status", "test accuracy", "seconds", "MLflow run"]
    rows = [
        [
            str(number),
            job.label,
            end.status,
            f"{end.folder.result()['test']['accuracy']:.2%}" if end.done else "-",
            f"{end.folder.timing()['seconds']:.1f}" if end.done else "-",
            end.run_id or "-",
        ]
        for number, (job, end) in enumerate(zip(jobs, ends, strict=True))
    ]
    reasons = [f"job {number} ({jobs[number].label}): {end.reason}" for number, end in enumerate(ends) if end.reason]
    return "\n".join(["", plain_table(header, rows, width=60), *reasons])
