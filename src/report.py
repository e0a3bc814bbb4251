"""Reports a study from its results, without training: `python -m src.report ladder`.

It reads models/studies/<study>/, which `dvc repro` makes and `dvc pull` brings, and writes reports/<study>/.
"""

from pathlib import Path

from src.cli.command import Arguments, run_command
from src.config.groups import choices
from src.foundation.errors import UserError, suggestion
from src.foundation.files import ROOT


def report(study: str, target: Path | None) -> None:
    """Writes the report of a study, named or by the folder of its results, and puts it on the study's MLflow run."""
    from src.config.tree import read_snapshot
    from src.reporting.comparison_report import report as report_on
    from src.studies.comparisons.results import read_results

    named = ROOT / "models" / "studies" / study
    folder = named if (named / "study.json").exists() else Path(study)
    if not (folder / "study.json").exists():
        there = sorted(file.parent.name for file in named.parent.glob("*/study.json"))
        if study not in (declared := choices("ablation")):
            raise UserError(f"{study}: no such study; {suggestion(study, {*there, *declared})}")
        raise UserError(
            f"{study}: no results of this study; run `python -m src.ablation ablation={study}` or `dvc pull` "
            f"(available: {', '.join(there) or 'none'})"
        )
    made = report_on(read_results(folder), folder.name, target or ROOT / "reports" / folder.name)
    tracking = read_snapshot().tracking
    if tracking.name == "mlflow":
        from src.recording.recording import Recording
        from src.recording.store import whereabouts

        if whereabouts(tracking):  # on a fresh clone there is no store, and none is made for a report
            with Recording(tracking) as recording:
                recording.report(made.identity, made.metrics, made.tags, made.folder)
    print(made.text, "", made.page, sep="\n")


def main() -> None:
    """The command."""
    parser = Arguments("report", __doc__)
    parser.add_argument("study", metavar="STUDY", help="a study under models/studies/, or a folder with its results")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="where the report goes (default: reports/STUDY)")
    arguments = parser.parse_args()
    from src.cli.stage import alone

    with alone(f"report-{Path(arguments.study).name}"):
        report(arguments.study, arguments.to)


if __name__ == "__main__":
    run_command(main)
