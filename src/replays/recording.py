"""Replays in MLflow: each is a run of its own, tagged with its verdict; on request, its original is tagged, too."""

import sys
from collections.abc import Sequence

from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.recording.outbox import Outbox
from src.replays.agreement import Agreement
from src.replays.retraining import Replay

Judged = tuple[Replay, Agreement]


def record(judged: Sequence[Judged]) -> dict[str, str]:
    """Records replays and their verdicts; returns their MLflow ids by fingerprint, empty where not known."""
    tracked = [ready for ready, _ in judged if ready.config.tracking.name == "mlflow"]
    if not tracked:
        return {}
    from src.recording.recording import Announcing, Recording

    announced = {}
    with Recording(tracked[0].config.tracking) as recording:
        for ready in tracked:
            announced[ready.folder.path.name] = tracker = Announcing(
                recording, f"replay of {ready.original.name}", None
            )
            tracker.started(ready.folder.path)
    return {fingerprint: tracker.run_id for fingerprint, tracker in announced.items()}


def tag_originals(judged: Sequence[Judged], replays: dict[str, str]) -> None:
    """Tags each original's runs in MLflow with the verdict. A store that fails is a warning."""
    from src.recording.reading import tag

    for ready, judgement in judged:
        tags = {"replay.verdict": judgement.words, "replay.run": replays.get(ready.folder.path.name) or "not recorded"}
        run_ids = _run_ids(ready)
        if not run_ids:
            print(f"warning: {ready.original.name} is in no MLflow store known here", file=sys.stderr)
        for run_id in run_ids:
            try:
                tag(_tracking(ready), run_id, tags)
            except UserError as error:
                print(f"warning: {run_id} was not tagged: {error}", file=sys.stderr)


def _run_ids(ready: Replay) -> list[str]:
    """A run is in MLflow once for each sweep or study that it belongs to."""
    if ready.original.run_id:
        return [ready.original.run_id]
    known = Outbox().entries()
    return sorted({one.run_id for one in known if one.folder == ready.original.fingerprint and one.run_id})


def _tracking(ready: Replay) -> Tracking:
    return Tracking() if ready.original.run_id else ready.config.tracking
