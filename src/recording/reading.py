"""Reads runs back: the run of an id, a study's runs, their files. Also tags runs.

Nothing that is read from the store is trusted: sizes are capped.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.recording.mlflow_run import MOST_RUNS, cut
from src.recording.store import Store, open_store, restores, store_uri, whereabouts, without_credentials
from src.recording.store_errors import as_user_errors
from src.runs.folder import START, START_OPTIMIZER

if TYPE_CHECKING:
    from mlflow.entities import Run

_LIMITS = {"model.npz": 1_200_000_000, START: 1_200_000_000, START_OPTIMIZER: 2_400_000_000}  # bytes
_LIMIT = 16_000_000  # of any other file
_LISTED = "`python -m src.runs` lists the runs"
_SHOWN = 5


def find_run(tracking: Tracking, prefix: str) -> "Run":
    """The run with this id, or the only one whose id begins so; `UserError` if there is none, or several."""
    if not re.fullmatch(r"[0-9a-f]{1,32}", prefix):
        raise UserError(f"{prefix}: no id of a run, which has digits 0-9 and a-f; {_LISTED}")
    with _opened(tracking) as (client, _):
        from mlflow.entities import ViewType

        everywhere = [experiment.experiment_id for experiment in client.search_experiments()]
        query = f"attributes.run_id LIKE '{prefix}%'"
        found = client.search_runs(everywhere, query, max_results=MOST_RUNS)
        trash = [] if found else client.search_runs(everywhere, query, ViewType.DELETED_ONLY, max_results=_SHOWN)
    if len(found) > 1:
        listed = ", ".join(f"{run.info.run_id} ({run.info.run_name})" for run in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN} others" if len(found) > _SHOWN else ""
        raise UserError(f"{prefix}: {len(found)} MLflow runs begin so: {listed}{more}; give more of the id")
    if trash:
        run_id = trash[0].info.run_id
        restore = restores(tracking, f"runs restore --run-id {run_id}")
        raise UserError(f"{prefix}: MLflow run {run_id} is in the trash; to restore it, run {restore}")
    if not found:
        where = without_credentials(store_uri(tracking))
        raise UserError(f"{prefix}: no run's id begins so, neither here nor in {where}; {_LISTED}")
    return found[0]


def runs_of_study(tracking: Tracking, study: str) -> "list[Run]":
    """The runs that are tagged as a study's, without its parent, sorted by name."""
    quoted = study.replace("'", "")
    with _opened(tracking) as (client, experiment):
        found = client.search_runs([experiment], f"tags.study = '{quoted}'", max_results=MOST_RUNS)
    runs = [run for run in found if "fingerprint" in run.data.tags]
    return sorted(runs, key=lambda run: (str(run.info.run_name), run.info.run_id))


def artifact(tracking: Tracking, run_id: str, name: str, folder: Path) -> Path:
    """Downloads a file of a run into a folder; `UserError` if the run has none, or one larger than it can be."""
    limit = _LIMITS.get(name, _LIMIT)
    with _opened(tracking) as (client, _):
        listed = {file.path: file for file in client.list_artifacts(run_id) if not file.is_dir}
        if name not in listed:
            raise UserError(f"{run_id}: that run has no artifact {name} in MLflow")
        size = listed[name].file_size
        if size is None or size > limit:
            raise UserError(f"{run_id}: its artifact {name} has {size} bytes, where at most {limit} are expected")
        folder.mkdir(parents=True, exist_ok=True)
        fetched = Path(client.download_artifacts(run_id, name, str(folder)))
    if fetched.stat().st_size > limit:  # although less was listed
        fetched.unlink()
        raise UserError(f"{run_id}: its artifact {name} is larger than the {limit} bytes that are expected")
    return fetched


def tag(tracking: Tracking, run_id: str, tags: Mapping[str, str]) -> None:
    """Puts tags on a run."""
    with _opened(tracking) as (client, _):
        for key, value in tags.items():
            client.set_tag(run_id, key, cut(value))


@contextlib.contextmanager
def _opened(tracking: Tracking) -> Iterator[Store]:
    """The store, if there is one; its errors become a `UserError` of one line."""
    if whereabouts(tracking) is None:
        raise UserError(f"{without_credentials(store_uri(tracking))}: no such MLflow store; nothing is recorded yet")
    with as_user_errors(tracking):
        yield open_store(tracking)
