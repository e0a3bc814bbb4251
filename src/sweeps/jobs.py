"""The parent's seat in a sweep: what has finished is left out, the other jobs run and are followed, a table closes."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from src.config.tree import check_against
from src.data.recipes import prepare
from src.foundation.errors import RunFailed
from src.foundation.signals import interrupts_wait
from src.recording.records import Record, identity_of_run, identity_of_sweep
from src.reporting.console import JobLines
from src.reporting.tables import plain_table
from src.runs.fingerprint import fingerprint
from src.runs.folder import RunFolder, Status
from src.runs.liveness import living_status
from src.runs.planned import Planned
from src.sweeps.follower import Follower
from src.sweeps.start import Returned

if TYPE_CHECKING:
    from src.recording.recording import Recording

Launch = Callable[[list[list[str]]], Sequence[Returned]]
_SECONDS_FOR_A_WORKER_TO_GO = 10.0


class Job(NamedTuple):
    """How a job of a sweep ended."""

    status: str  # finished, reused, failed, killed, running (in a process of another command) or not started
    reason: str  # of anything but finished and reused
    folder: RunFolder
    run_id: str  # of MLflow; empty where it is not recorded

    @property
    def done(self) -> bool:
        """Whether the run's results stand in its folder."""
        return self.status in ("finished", "reused")

    @property
    def diverged(self) -> bool:
        """Whether the training came to its end, and that was bad: trained again, it would come to the same."""
        return self.status == "failed" and str(self.folder.status().get("reason")).startswith("diverged")


def multirun(title: str, planned: Sequence[Planned], launch: Launch) -> None:
    """Runs a grid of jobs under a parent run called `title`.

    Raises `UserError` before anything runs if one job is not allowed, and `RunFailed` at the end if one failed.
    """
    digests = identified(planned)
    tracked = [job.config.tracking for job in planned if job.config.tracking.name == "mlflow"]
    if not tracked:
        _refuse_failures(run_jobs(title, planned, digests, launch))
        return
    from src.recording.recording import Recording

    identity = identity_of_sweep(title, [digest["fingerprint"] for digest in digests])
    with Recording(tracked[0]) as recording, recording.parent(title, tracked[0].study, identity) as parent:
        _refuse_failures(run_jobs(title, planned, digests, launch, recording, parent))


def _refuse_failures(jobs: "Sequence[Job]") -> None:
    if failures := sum(not job.done for job in jobs):
        raise RunFailed(f"{failures} of {len(jobs)} jobs failed; the others are finished and recorded")


def identified(planned: Sequence[Planned]) -> list[dict[str, str]]:
    """The digests that identify each job's run; prepares the data, and raises `UserError` for a job that can't run."""
    datasets = {recipe: prepare(recipe) for recipe in dict.fromkeys(job.config.data for job in planned)}
    for job in planned:
        check_against(job.config, datasets[job.config.data])
    return [fingerprint(job.config, datasets[job.config.data]) for job in planned]


def reusable(planned: Sequence[Planned], digests: Sequence[Mapping[str, str]]) -> list[bool]:
    """Which of the jobs have finished before, and need not run again."""
    folders = [RunFolder.of(digest["fingerprint"]) for digest in digests]
    return [folder.finished() and not job.config.train.fresh for folder, job in zip(folders, planned, strict=True)]


def run_jobs(
    title: str,
    planned: Sequence[Planned],
    digests: Sequence[Mapping[str, str]],
    launch: Launch,
    recording: "Recording | None" = None,
    parent: Record | None = None,
) -> list[Job]:
    """Launches the jobs that have not finished before, records all of them, and prints how each one ended.

    `launch` runs jobs, each from its overrides. A launcher that breaks down, or is interrupted, leaves jobs behind:
    they are closed as killed. After that, an interruption goes on.
    """
    folders = [RunFolder.of(digest["fingerprint"]) for digest in digests]
    reused = reusable(planned, digests)
    before: list[Status] = [{} if old else living_status(folder) for old, folder in zip(reused, folders, strict=True)]
    print(f"{len(planned)} jobs: {title}" + (f" ({sum(reused)} of them finished before)" if any(reused) else ""))

    records: list[Record | None] = [None] * len(planned)
    if recording and parent:
        records = [_record(recording, parent, job, folder) for job, folder in zip(planned, folders, strict=True)]
        for record, stands in zip(records, before, strict=True):
            if record:
                recording.follow(record, stands)
    lines = JobLines(reused.count(False))
    told = zip(folders, planned, before, reused, strict=True)
    follower = Follower([(folder, lines.of(job.label), stands) for folder, job, stands, old in told if not old])
    waiting = [i for i, old in enumerate(reused) if not old]
    returned: dict[int, Returned] = {}
    why = "interrupted"
    jobs: list[Job] = []
    try:
        with follower:
            if waiting:
                answers = launch([list(planned[i].overrides) for i in waiting])
                returned = dict(zip(waiting, answers, strict=True))
        why = ""
    except Exception as error:  # a worker that the system killed takes the launcher with it
        why = f"the launcher broke down: {' '.join(str(error).split())}"
    finally:
        try:
            with interrupts_wait():  # one more Ctrl-C would leave runs open
                ends = [
                    ("reused", "")
                    if reused[i]
                    else _answered(returned[i], digests[i]["fingerprint"], folder)
                    if i in returned
                    else _left_behind(folder, before[i], why)
                    for i, folder in enumerate(folders)
                ]
                follower.look()  # at what came last
                lines.close()
        finally:
            if recording:
                recording.settle()  # which a Ctrl-C cuts short
            with interrupts_wait():  # and here the table untold
                run_ids = [recording.run_id(record) if recording and record else "" for record in records]
                jobs = [Job(*end, folder, run_id) for end, folder, run_id in zip(ends, folders, run_ids, strict=True)]
                print(_closing_table(planned, jobs), flush=True)
    return jobs


def _record(recording: "Recording", parent: Record, job: Planned, folder: RunFolder) -> Record | None:
    """What is to be recorded of a job; None where it is not tracked."""
    if job.config.tracking.name != "mlflow":
        return None
    return recording.entry(
        identity=identity_of_run(folder.path.name, parent.identity, job.variant),
        name=job.name,
        folder=folder.path.name,
        parent=parent.identity,
        variant=job.variant,
        study=parent.study,
    )


def _answered(returned: Returned, expected: str, folder: RunFolder) -> tuple[str, str]:
    if returned["reason"]:
        return "failed", returned["reason"]
    if returned["fingerprint"] != expected or not folder.finished():
        return "failed", f"the job came to another run than the one that was checked, {returned['fingerprint']}"
    return "finished", ""


def _left_behind(folder: RunFolder, before: Status, why: str) -> tuple[str, str]:
    """How a job stands that never answered: its folder tells."""
    status = folder.status()
    if not status or status == before:
        return "not started", why
    if status["status"] == "running":
        if not folder.idle(wait=_SECONDS_FOR_A_WORKER_TO_GO):
            return "running", f"process {status['pid']} trains it"
        folder.end("killed", why)
        return "killed", why
    return status["status"], status["reason"] or ""


def _closing_table(planned: Sequence[Planned], jobs: Sequence[Job]) -> str:
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
        for number, (job, end) in enumerate(zip(planned, jobs, strict=True))
    ]
    reasons = [f"job {number} ({planned[number].label}): {end.reason}" for number, end in enumerate(jobs) if end.reason]
    return "\n".join(["", plain_table(header, rows, width=60), *reasons])
