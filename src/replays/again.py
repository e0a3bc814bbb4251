"""Training a recorded run once more, beside its record, and judging what comes of it."""

import dataclasses
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from src.config.tree import Config, check_against
from src.data.dataset import Dataset
from src.data.recipes import Recipe, prepare
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import write_json
from src.replays.differences import DECISIVE, Difference, differences
from src.replays.judgement import Judgement, judge
from src.replays.original import PATCH, Original, in_folder
from src.runs.experiment import about, run
from src.runs.fingerprint import fingerprint
from src.runs.folder import RunFolder, runs_folder
from src.runs.lineage import CUT
from src.runs.tracker import Tracker

REPLAYS = "replays"  # below runs/


@dataclass(frozen=True)
class Prepared:
    """A replay before it is trained: what it is of, and what is otherwise now."""

    original: Original
    config: Config
    dataset: Dataset
    folder: RunFolder
    differences: list[Difference]

    @property
    def code_differs(self) -> bool:
        """Whether other code trains now."""
        return any(difference.what == "code" for difference in self.differences)

    @property
    def bits_are_due(self) -> bool:
        """Whether nothing differs that decides the bits."""
        return not any(difference.severity == DECISIVE for difference in self.differences)

    @property
    def code_of_then(self) -> str:
        """How to replay with the code that the run was trained with."""
        commit = str(self.original.about["lineage"].get("git.commit"))
        if not re.fullmatch(r"[0-9a-f]{40,64}", commit):  # a record is not trusted: this gets into a shell
            return "The code differs, and the record names no commit that has that of then."
        advice = f"The code differs. To replay with that of then: git worktree add ../then {commit[:12]}"
        patch = self.original.folder / PATCH
        if not patch.exists():
            return advice
        cut = ", though not all of the difference was kept" if patch.read_bytes().startswith(CUT.encode()) else ""
        return f"{advice}, and in it git apply {shlex.quote(str(patch.absolute()))}{cut}"


def prepared(original: Original, opened: Callable[[Recipe], Dataset] | None = None) -> Prepared:
    """Gets ready; `RunFailed` where this code, or these data, can't replay it. opened: what opens data."""
    recorded = original.config()
    config = dataclasses.replace(recorded, train=dataclasses.replace(recorded.train, fresh=True, resume=True))
    try:
        dataset = (opened or prepare)(config.data)
        check_against(config, dataset)
    except UserError as error:
        raise RunFailed(f"{original.name}: its data can't be had: {error}") from None
    digests = fingerprint(config, dataset)
    folder = RunFolder(runs_folder() / REPLAYS / digests["fingerprint"])
    return Prepared(original, config, dataset, folder, differences(original.about, about(config, digests)))


def again(replay: Prepared, tracker: Tracker, bound: float) -> Judgement:
    """Trains and judges; the verdict goes into the replay's run.json. Raises `RunFailed` if the training fails."""
    original = replay.original
    outcome = run(replay.config, replay.dataset, tracker, replay.folder)
    now = in_folder(outcome.folder.path)
    judgement = judge(
        original.result,
        now.result,
        (original.network(), now.network()),
        (original.history(), now.history()),
        bound,
    )
    tags = {"replay.of": original.run_id or original.fingerprint, "replay.verdict": judgement.words}
    write_json(outcome.folder.path / "run.json", now.about | {"tags": tags, "replay": _told(replay, judgement)})
    return judgement


def _told(replay: Prepared, judgement: Judgement) -> dict[str, Any]:
    return {
        "of": {"fingerprint": replay.original.fingerprint, "mlflow": replay.original.run_id},
        "verdict": judgement.verdict,
        "words": judgement.words,
        "bound": judgement.bound,
        "weights": judgement.weights,
        "epochs_alike": judgement.epochs_alike,
        "metrics": {one.metric: {"then": one.then, "now": one.now} for one in judgement.metrics},
        "differences": [difference._asdict() for difference in replay.differences],
    }
