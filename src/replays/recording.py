"""Replays in MLflow: each is a run of its own, tagged with its verdict; on request, its original is tagged, too."""

import sys
from collections.abc import Sequence

from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.recording.outbox import Outbox
from src.replays.agreement import Agreement
from src.replays.retraining import Replay


def record(judged: Sequence[tuple[Replay, Agreement]], tag_original: bool) -> list[str]:
    """Records replays and their verdicts, and on request tags their originals; returns the replays' MLflow run ids."""
    run_ids: dict[str, str] = {}  # by fingerprint; empty where not known
    if tracked := [replay for replay, _ in judged if replay.config.tracking.name == "mlflow"]:
        from src.recording.recording import Recording

        with Recording(tracked[0].config.tracking) as recording:
            noted = [recording.run(f"replay of {replay.original.name}", replay.folder) for replay in tracked]
        for replay, entry in zip(tracked, noted, strict=True):
            run_ids[replay.folder.path.name] = recording.run_id(entry)
    if tag_original:
        for replay, agreement in judged:
            _tag_original(replay, agreement, run_ids.get(replay.folder.path.name) or "not recorded")
    return [run_id for run_id in run_ids.values() if run_id]


def _tag_original(replay: Replay, agreement: Agreement, replay_id: str) -> None:
    """Tags the original's MLflow runs, one for each sweep or study with it; if that fails, prints a warning."""
    from src.recording.reading import tag

    original = replay.original
    if original.run_id:
        tracking, run_ids = Tracking(), [original.run_id]
    else:
        tracking, entries = replay.config.tracking, Outbox().entries()
        run_ids = sorted({one.run_id for one in entries if one.folder == original.fingerprint and one.run_id})
    if not run_ids:
        print(f"warning: {original.name} is in no MLflow store known here", file=sys.stderr)
    for run_id in run_ids:
        try:
            tag(tracking, run_id, {"replay.verdict": agreement.words, "replay.run": replay_id})
        except UserError as error:
            print(f"warning: {run_id} was not tagged: {error}", file=sys.stderr)
