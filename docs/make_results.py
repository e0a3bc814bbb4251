"""Writes docs/results/ from reports: `python -m docs.make_results [FOLDER ...]`.

FOLDER: reports with a table.md; by default those of the studies `exercise` and `twin`, where
`python -m src.ablation ablation=exercise` and `ablation=twin` write them. Each becomes a page with its table, its
pictures and the time that it took.
"""

import json
import shutil
import sys
from pathlib import Path

from docs.pictures.picture import save
from src.analysis.formats import seconds

RESULTS = Path(__file__).with_name("results")
STUDIES = ("exercise", "twin")


def page_of(report: Path, pictures: str) -> str:
    """A report as a page in Markdown. pictures: the folder of its pictures, relative to the page."""
    summary = json.loads((report / "summary.json").read_text())
    took = summary.get("seconds", {})
    times = [f"{study} {seconds(each)}" for study, each in took.items()]
    parts = [f"# {summary['title']}\n", f"`{summary['command']}`\n", (report / "table.md").read_text()]
    if times:
        parts.append(f"Training alone, on one core: {seconds(sum(took.values()))} ({', '.join(times)}).\n")
    names = sorted(file.name for file in report.glob("*.png"))
    parts += [f"![{Path(name).stem.replace('_', ' ')}]({pictures}/{name})\n" for name in names]
    return "\n".join(parts)


def write(report: Path, target: Path) -> None:
    """Writes the page <report>.md and the folder <report>/ with its pictures into `target`."""
    pictures = target / report.name
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir(parents=True)
    for file in report.glob("*.png"):
        save(file.read_bytes(), pictures / file.name, colors=64)
    (target / f"{report.name}.md").write_text(page_of(report, report.name))


if __name__ == "__main__":
    folders = [Path(folder) for folder in sys.argv[1:]] or [Path("reports") / study for study in STUDIES]
    if missing := [str(folder) for folder in folders if not (folder / "table.md").is_file()]:
        print(f"error: no report in {', '.join(missing)}; run the study first", file=sys.stderr)
        sys.exit(2)
    for folder in folders:
        write(folder, RESULTS)
