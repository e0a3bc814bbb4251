"""Replays a finished run: trains it again beside its record, and compares the results."""

import dataclasses
import functools
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from src.config.tree import Config
from src.data import recipes
from src.data.dataset import Dataset
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import write_json
from src.foundation.processes import begin_as_worker
from src.replays.agreement import Agreement, compare
from src.replays.differences import DECISIVE, Difference, differences
from src.runs.fingerprint import fingerprint
from src.runs.finished import FinishedRun
from src.runs.folder import START, START_OPTIMIZER, RunFolder, runs_folder
from src.runs.lineage import CUT, fetching
from src.runs.tracker import Tracker
from src.runs.training_run import about, run
from src.runs.warm_start import checked, identify, keep

REPLAYS = "replays"  # below runs/
_PATCH = "diff.patch"
prepare = functools.lru_cache(maxsize=4)(recipes.prepare)  # arrays are verified once for all runs of a study

Result = TypeVar("Result")


@dataclass(frozen=True)
class Replay:
    """A replay that is ready to train: the original run, and what differs now."""

    original: FinishedRun
    config: Config
    dataset: Dataset
    folder: RunFolder
    differences: list[Difference]

    @property
    def code_differs(self) -> bool:
        """Whether the code that trains is not the original's."""
        return any(difference.what == "code" for difference in self.differences)

    @property
    def expects_same_bits(self) -> bool:
        """Whether no difference decides the bits."""
        return not any(difference.severity == DECISIVE for difference in self.differences)


def advice(original: FinishedRun) -> str:
    """How to replay with the original's code."""
    commit = str(original.about["lineage"].get("git.commit"))
    if not re.fullmatch(r"[0-9a-f]{40,64}", commit):  # a record is not trusted: this gets into a shell
        return "The code differs, and the record names no commit that has the original's."
    then = f"{fetching(commit)}git worktree add ../then {commit[:12]}"
    text = f"The code differs. To replay with the original's: {then}"
    patch = original.path / _PATCH
    if not patch.exists():
        return text
    cut = " (incomplete: only part of the diff was kept)" if patch.read_bytes().startswith(CUT.encode()) else ""
    return f"{text}, and in it git apply {shlex.quote(str(patch.absolute()))}{cut}"


def plan(original: FinishedRun) -> Replay:
    """The replay of a run; `RunFailed` if this code can't read its configuration, or its data are not available."""
    try:
        recorded = original.config
    except UserError as error:
        what = f"{original.name}: this code does not understand its configuration: {error}"
        raise RunFailed(f"{what}. {advice(original)}") from None
    config = dataclasses.replace(recorded, train=dataclasses.replace(recorded.train, fresh=True, resume=True))
    try:
        dataset = prepare(config.data)
        if config.train.start_from is not None:
            files = original.path / START, original.path / START_OPTIMIZER if config.train.start_optimizer else None
            digest, _ = identify(*files)
            if digest != config.train.start_from:
                raise UserError(f"{files[0]} has other weights than the run started from")
            keep(digest, *files)
        start = checked(config, dataset)
    except UserError as error:
        raise RunFailed(f"{original.name}: its data or its start are not available: {error}") from None
    digests, then = fingerprint(config, dataset), original.about["digests"]
    if digests.get("code") == then.get("code") and digests.get("start") != then.get("start", digests.get("start")):
        raise RunFailed(
            f"{original.name}: this machine draws other start values than the run's, because rng=legacy calls the C "
            "library; so nothing was trained"
        )
    folder = RunFolder(runs_folder() / REPLAYS / digests["fingerprint"])
    return Replay(
        original,
        config,
        dataset,
        folder,
        differences(original.about, about(config, digests, start), config.portable),
    )


def retrain(replay: Replay, tracker: Tracker, bound: float) -> Agreement:
    """Trains and compares; the verdict goes into the replay's run.json. Raises `RunFailed` if the training fails.

    A run with portable arithmetic is identical, or different by any bound.
    """
    bound = 0.0 if replay.config.portable else bound
    outcome = run(replay.config, replay.dataset, tracker, replay.folder)
    original, now = replay.original, FinishedRun.open(outcome.folder.path)
    agreement = compare(original, now, bound)
    tags = {"replay.of": original.run_id or original.fingerprint, "replay.verdict": agreement.words}
    write_json(now.path / "run.json", now.about | {"tags": tags, "replay": _record(replay, agreement)})
    return agreement


def replays(found: Sequence[FinishedRun], bound: float) -> Iterator[tuple[FinishedRun, tuple[Replay, Agreement] | str]]:
    """Replays runs on all cores; yields each, in the given order, with its agreement, or with why it failed."""
    from joblib import Parallel, delayed

    plans = [_attempt(plan, original) for original in found]
    jobs = (
        delayed(_attempt)(retrain, one, Tracker(), bound) if isinstance(one, Replay) else delayed(str)(one)
        for one in plans
    )
    parallel = Parallel(n_jobs=-1, return_as="generator", initializer=begin_as_worker)
    for original, one, outcome in zip(found, plans, parallel(jobs), strict=True):
        if isinstance(one, Replay) and isinstance(outcome, Agreement):
            yield original, (one, outcome)
        else:
            yield original, str(outcome)


def _attempt(call: Callable[..., Result], *arguments: object) -> Result | str:
    """What the call returns, or why it failed."""
    try:
        return call(*arguments)
    except (RunFailed, UserError) as error:
        return str(error)


def _record(replay: Replay, agreement: Agreement) -> dict[str, Any]:
    return {
        "of": {"fingerprint": replay.original.fingerprint, "mlflow": replay.original.run_id},
        "verdict": agreement.verdict,
        "words": agreement.words,
        "bound": agreement.bound,
        "weights": agreement.weights,
        "epochs_alike": agreement.epochs_alike,
        "metrics": {pair.metric: {"then": pair.then, "now": pair.now} for pair in agreement.metrics},
        "differences": [difference._asdict() for difference in replay.differences],
    }
