"""The numbers of a study: what its table, its figures and its verdict say."""

import csv
import io
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from src.analysis.comparison import Comparison, Row
from src.analysis.statistics import FEWEST, Effect, Interval, McNemar, holm, interval, mcnemar, paired, verdict
from src.analysis.verdict import notes, sentences
from src.studies.comparisons.results import Results, StudyRun, is_loss

_Finished = dict[str, dict[int, StudyRun]]  # by variant and seed, in the order of the declaration


@dataclass(frozen=True)
class SingleModels:
    """Two single models of one seed, on the test set: who is right where the other is wrong."""

    seed: int
    baseline: str
    chosen: str
    mcnemar: McNemar


@dataclass(frozen=True)
class Summary:
    """All the numbers of a study."""

    rows: tuple[Row, ...]  # in the order of the declaration
    chosen: str | None  # the best by `choose_by`; None where nothing finished
    single_models: SingleModels | None  # the baseline and the chosen variant; None where they are one
    verdict: tuple[str, str]  # two sentences
    notes: tuple[str, ...]  # what a reader should know: few seeds, failures, what Wilcoxon's test can't show


def summarize(results: Results, seconds: Mapping[str, float], y_test: ArrayLike | None) -> Summary:
    """The numbers of a study.

    Args:
        results: of the study.
        seconds: of training, by fingerprint, as far as they are known.
        y_test: [n_test] int, the true classes of the test set, for `single_models`; None where they are not at hand.

    Raises:
        ValueError: labels that are not as many as the predictions.
    """
    names = [variant.name for variant in results.variants]
    finished: _Finished = {name: {} for name in names}
    for run in results.runs:
        if run.status == "finished":
            finished[run.variant][run.seed] = run
    comparisons = _compare(results, names, finished)
    before = dict(zip(names[1:], names, strict=False)) if results.cumulative else {}
    rows = tuple(
        Row(
            name,
            variant.changes,
            chosen_by=_mean(finished[name], results.choose_by),
            reported=_mean(finished[name], results.report_on),
            seconds=_mean_seconds(finished[name], seconds),
            failures=tuple(
                f"seed {run.seed}: {run.reason}"
                for run in results.runs
                if run.variant == name and run.status != "finished"
            ),
            against_baseline=comparisons.get((name, results.baseline)),
            step=comparisons.get((name, before.get(name, ""))),
        )
        for name, variant in zip(names, results.variants, strict=True)
    )
    return Summary(
        rows,
        results.chosen,
        _single_models(results.baseline, results.chosen, finished, y_test),
        sentences(results, rows, results.chosen),
        notes(results, rows, tuple(comparisons.values())),
    )


def as_json(summary: Summary, results: Results) -> dict[str, Any]:
    """What summary.json holds: the study's declaration, its digests, and all of the summary under its own names."""
    about = {
        "study": results.name,
        "title": results.title,
        "command": results.command,
        "recipe": results.recipe,
        "seeds": results.seeds,
        "cumulative": results.cumulative,
        "baseline": results.baseline,
        "chosen": summary.chosen,
        "choose_by": results.choose_by,
        "report_on": results.report_on,
        "verdict": summary.verdict,
        "notes": summary.notes,
        "variants": [asdict(row) for row in summary.rows],
        "single_models": asdict(summary.single_models) if summary.single_models else None,
        "digests": results.digests,
        "environment": results.environment,
    }
    plain: dict[str, Any] = json.loads(json.dumps(about, allow_nan=False))
    return plain


def runs_csv(results: Results, seconds: Mapping[str, float]) -> str:
    """What runs.csv holds, a line a run; nothing stands where nothing is known. Texts with commas are quoted."""
    metrics = [(of, quantity) for of in ("train", "valid", "test") for quantity in ("loss", "accuracy")]
    header = ["variant", "seed", "status", "reason", "fingerprint", "epochs", "kept_epoch"]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*header, *(f"{of}_{quantity}" for of, quantity in metrics), "seconds", "weights_sha256"])
    for run in results.runs:
        result = run.result or {}
        table.writerow(
            [
                *(run.variant, run.seed, run.status, run.reason, run.fingerprint),
                *(result.get("epochs", ""), result.get("kept_epoch", "")),
                *(result.get(of, {}).get(quantity, "") for of, quantity in metrics),
                *(seconds.get(run.fingerprint, ""), result.get("weights_sha256", "")),
            ]
        )
    return text.getvalue()


def _compare(results: Results, names: Sequence[str], finished: _Finished) -> dict[tuple[str, str], Comparison]:
    """By (variant, against), each pair once: a cumulative study's first step is its first comparison, too."""
    pairs = [(name, results.baseline) for name in names if name != results.baseline]
    if results.cumulative:
        pairs += [(after, before) for before, after in itertools.pairwise(names)]
    effects = {(a, b): _effect(finished[a], finished[b], results.report_on) for a, b in pairs}
    tested = {
        pair: effect.p_t for pair, effect in effects.items() if effect and effect.n >= FEWEST and effect.p_t is not None
    }
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    return {
        pair: Comparison(*pair, effect, corrected.get(pair), verdict(effect, corrected.get(pair)))
        for pair, effect in effects.items()
    }


def _effect(variant: Mapping[int, StudyRun], against: Mapping[int, StudyRun], name: str) -> Effect | None:
    shared = [seed for seed in variant if seed in against]
    better = -1 if is_loss(name) else 1
    ours, theirs = ([better * _metric(runs[seed], name) for seed in shared] for runs in (variant, against))
    return paired(ours, theirs) if shared else None


def _single_models(
    baseline: str, chosen: str | None, finished: _Finished, y_test: ArrayLike | None
) -> SingleModels | None:
    if y_test is None or chosen is None or chosen == baseline:
        return None
    for seed, ours in finished[chosen].items():
        theirs = finished[baseline].get(seed)
        if theirs is not None and theirs.predicted is not None and ours.predicted is not None:
            y = np.asarray(y_test)
            return SingleModels(seed, baseline, chosen, mcnemar(theirs.predicted == y, ours.predicted == y))
    return None


def _mean(runs: Mapping[int, StudyRun], name: str) -> Interval | None:
    return interval([_metric(run, name) for run in runs.values()]) if runs else None


def _mean_seconds(runs: Mapping[int, StudyRun], seconds: Mapping[str, float]) -> float | None:
    known = [seconds[run.fingerprint] for run in runs.values() if run.fingerprint in seconds]
    return float(np.mean(known)) if known else None


def _metric(run: StudyRun, name: str) -> float:
    of, quantity = name.split("/")
    return float((run.result or {})[of][quantity])
