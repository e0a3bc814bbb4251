"""The page of a comparison's training times on this machine, beside its report: no two machines have the same."""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from markupsafe import Markup

from src.analysis.comparison_summary import Summary
from src.foundation.files import write_text
from src.reporting.report_folder import render
from src.runs.lineage import lineage
from src.studies.comparisons.results import Results


def times_page(target: Path) -> Path:
    """The page of the times that belong to the report in the folder `target`."""
    return target.with_name(f"{target.name}-times.html")


def write_times(results: Results, summary: Summary, seconds: Mapping[str, float], target: Path) -> None:
    """Writes the times of each variant and run, and accuracy against cost; nothing if no times are known.

    seconds: of training, by fingerprint.
    """
    timed = [run for run in results.runs if run.result and run.fingerprint in seconds]
    by_variant = {
        variant.name: [seconds[run.fingerprint] for run in timed if run.variant == variant.name]
        for variant in results.variants
    }
    means = {variant: fmean(each) for variant, each in by_variant.items() if each}
    if not means:
        return
    from src.figures import canvas, study_figures  # imports matplotlib

    cost = study_figures.draw_cost(results, summary, means)
    page, picture = times_page(target), Markup(canvas.svg(cost.figure, cost.name, cost.words))
    values = {"results": results, "timed": timed, "by_variant": by_variant, "means": means, "seconds": seconds}
    facts = {name: lineage()[name] for name in ("cpu", "git.commit", "python", "numpy")}
    write_text(
        page, render("times.html", target, results.digests["code"], environment=facts, picture=picture, **values)
    )
