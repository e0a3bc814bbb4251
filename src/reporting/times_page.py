"""The page of a comparison's training times on this machine, beside its report: no two machines have the same."""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from markupsafe import Markup

from src.analysis.comparison_summary import Summary
from src.foundation.files import write_text
from src.reporting.report_folder import digest_of, render
from src.runs.lineage import lineage
from src.studies.comparisons.results import Results, about


def times_page(target: Path) -> Path:
    """The page of the times that belong to the report in the folder `target`."""
    return target.with_name(f"{target.name}-times.html")


def write_times(results: Results, summary: Summary, seconds: Mapping[str, float], target: Path) -> None:
    """Writes the times of variants and runs, and accuracy against cost; nothing if none is known or the page has them.

    seconds: of training, by fingerprint.
    """
    timed = [run for run in results.runs if run.result and run.fingerprint in seconds]
    by_variant = {
        variant.name: [seconds[run.fingerprint] for run in timed if run.variant == variant.name]
        for variant in results.variants
    }
    means = {variant: fmean(each) for variant, each in by_variant.items() if each}
    page, mark = times_page(target), f"<!-- {digest_of({'study': about(results), 'seconds': seconds})} -->\n"
    if not means or (page.exists() and page.read_text(encoding="utf-8").endswith(mark)):
        return
    from src.figures import canvas, study_figures  # imports matplotlib

    cost = study_figures.draw_cost(results, summary, means)
    picture = Markup(canvas.svg(cost.figure, cost.name, cost.words))
    values = {"results": results, "timed": timed, "by_variant": by_variant, "means": means, "seconds": seconds}
    facts = {name: lineage()[name] for name in ("cpu", "git.commit", "python", "numpy")}
    html = render("times.html", target, results.digests["code"], environment=facts, picture=picture, **values)
    write_text(page, f"{html}\n{mark}")
