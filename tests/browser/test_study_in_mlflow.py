"""The questions of the README, asked of a study in the real MLflow UI: which variant, which runs, where the report is.

Then two of its runs, compared as a user would: found, ticked, compared, and their curves drawn.

The screenshots stay in reports/browser/mlflow/.
"""

import re
import statistics
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from src.studies.comparisons.results import Results, read_results
from tests.browser import ui
from tests.conftest import ROOT, Shell
from tests.helpers.stores import client_of
from tests.pipeline.test_ablation import declare

PICTURES = ROOT / "reports" / "browser" / "mlflow"
# The better variant comes first, so that the latest runs are not the best.
DUEL = (
    ("    cold: []\n    hot: [optimizer.lr=0.2]", "    hot: [optimizer.lr=0.2]\n    cold: []"),
    ("epochs: 2", "epochs: 4"),
    ("range(3)", "range(2)"),
)
VALID, TEST = "valid/accuracy", "test/accuracy"


@pytest.mark.slow
@pytest.mark.usefixtures("furnished")
def test_the_ui_answers_the_questions_of_a_study(checkout: Path, shell: Shell, tmp_path: Path) -> None:
    ui.require_browser()
    declare(checkout, "duel", *DUEL)
    ran = shell("python", "-m", "src.ablation", "ablation=duel", "hydra/launcher=basic")
    assert ran.returncode == 0, ran.stderr
    study = read_results(checkout / "models/studies/duel")
    add_a_stranger(checkout)

    # A desk's width, at which the table has room for a metric.
    with ui.mlflow_ui(checkout) as address, ui.browser(tmp_path / "profile", PICTURES, 1600, 900) as driver:
        table = ui.open_runs(driver, address, "mlp")
        which_variant(driver, study)
        which_runs(driver, study)
        where_the_report_is(driver, study)
        two_runs_compared(driver, study, table)


def which_variant(driver: webdriver.Chrome, study: Results) -> None:
    """Grouped by variant: means over seeds, in a table and as charts."""
    means = {name: statistics.mean(last(study, name)) for name in ("cold", "hot")}
    best_first = sorted(means, key=lambda name: -means[name])

    ui.search(driver, "tags.study = 'duel'")
    ui.sort_by(driver, VALID)
    ui.group_by(driver, "variant")
    # The best group is the first, with its runs below it; the last is the study's own run, folded.
    tops = [*(f"Group: {name} 2" for name in best_first), "Additional runs 1"]
    ui.wait_for(driver, "groups by their means", lambda d: [name_of(row) for row in ui.rows(d)][::3] == tops)
    assert "5 matching runs" in ui.text(driver)
    shot(driver, "1-groups")
    table = ui.rows(driver)
    below = [{name_of(row) for row in table[first : first + 2]} for first in (1, 4)]
    assert below == [{f"{name} s0", f"{name} s1"} for name in best_first]
    for row, name in zip(table[:6:3], best_first, strict=True):
        figure, of = row[f"metrics.`{VALID}`"].split(" ")
        assert of == "(average)"
        assert float(figure) == pytest.approx(means[name], rel=1e-6)

    ui.show_as(driver, "CHART")
    sections = re.compile(r"^(\w+)\n\(\d+\)$", re.MULTILINE)
    first = ["kept", "test", "train", "valid", "variants"]
    ui.wait_for(driver, "the study's numbers last", lambda d: sections.findall(ui.text(d))[:5] == first)
    ui.search_charts(driver, TEST, found=1)
    shot(driver, "2-bars")
    tested = {name: statistics.mean(study.values(name, study.report_on)) for name in means}
    assert ui.bars(driver) == pytest.approx(tested)
    ui.search_charts(driver, VALID, found=1)
    groups = {name: f"tag.variant.{name}" for name in means}
    curves = ui.wait_for(driver, "the curves", lambda d: ui.lines(d, list(groups.values())))
    shot(driver, "3-curves")
    for name, group in groups.items():
        histories = [run.history["valid_accuracy"] for run in study.runs if run.variant == name and run.history]
        assert curves[group] == pytest.approx([statistics.mean(epoch) for epoch in zip(*histories, strict=True)])
    ui.show_as(driver, "TABLE")


def which_runs(driver: webdriver.Chrome, study: Results) -> None:
    """Above a threshold: a search."""
    reached = {f"{run.variant} s{run.seed}": run.result["test"]["accuracy"] for run in study.runs if run.result}
    threshold = statistics.median(reached.values())
    above = {name for name, accuracy in reached.items() if accuracy > threshold}
    assert 0 < len(above) < len(reached)

    ui.ungroup(driver)
    ui.sort_by(driver, TEST)
    ui.search(driver, f"tags.study = 'duel' and metrics.\"{TEST}\" > {threshold}")
    ui.wait_for(driver, "those runs alone", lambda d: {name_of(row) for row in ui.rows(d)} == above)
    assert f"{len(above)} matching run" in ui.text(driver)
    shot(driver, "4-search")


def where_the_report_is(driver: webdriver.Chrome, study: Results) -> None:
    """On the study's own run, among its artifacts, shown as a page."""
    ui.search(driver, "tags.study = 'duel'")
    ui.sort_by(driver, "Created")
    ui.click(driver, "duel", By.LINK_TEXT)
    ui.click(driver, "//*[@role='tab'][.='Artifacts']", By.XPATH)
    for name in ("report", "index.html"):
        ui.click(driver, f"//*[text()='{name}']", By.XPATH)
    frame = ui.wait_for(driver, "the report", lambda d: d.find_element(By.CSS_SELECTOR, "iframe.mlflow-html-iframe"))
    driver.switch_to.frame(frame)
    ui.wait_for(driver, "the page", lambda d: d.find_element(By.TAG_NAME, "h1").text == study.title)
    assert driver.execute_script("return document.documentElement.clientWidth") > 700
    assert len(driver.find_elements(By.CSS_SELECTOR, ".cards tbody tr")) == 2
    pictures = driver.find_elements(By.CSS_SELECTOR, "figure svg, figure img")
    assert min(picture.size["width"] for picture in pictures) > 300
    driver.switch_to.default_content()
    shot(driver, "5-report")


def two_runs_compared(driver: webdriver.Chrome, study: Results, table: str) -> None:
    """Below the study's own run in the table: two variants with one seed, which differ in one parameter."""
    runs = {f"{run.variant} s{run.seed}": run for run in study.runs if run.seed == 0}
    rates = {"cold s0": "0.1", "hot s0": "0.2"}
    assert runs.keys() == rates.keys()
    driver.get(table)
    ui.search(driver, "tags.study = 'duel'")
    ui.sort_by(driver, "Created")
    ui.click(driver, f"{row_of(driver, 'duel')} button[data-component-id*='runnamecellrenderer']")
    for name in runs:
        ui.click(driver, f"{row_of(driver, name)} .ag-checkbox-input")
    ticks = ".ag-row .ag-checkbox-input:checked"
    ui.wait_for(driver, "two ticks", lambda d: len(d.find_elements(By.CSS_SELECTOR, ticks)) == 2)
    shot(driver, "6-ticks")

    # Compared: their names, the one parameter in which they differ, their metrics.
    ui.click(driver, "[data-testid='runs-compare-button']")
    ui.wait_for(driver, "the comparison", lambda d: "Comparing 2 Runs from 1 Experiment" in ui.text(d))
    assert "#/compare-runs?runs=[" in driver.current_url
    ui.click(driver, "[aria-label='Parameters - Show diff only']")
    ui.wait_for(driver, "the difference", lambda d: "model.act" not in ui.text(d))
    details = driver.find_element(By.XPATH, "//*[text()='Run details']")
    driver.execute_script("arguments[0].scrollIntoView()", details)
    shot(driver, "7-comparison")
    page = ui.text(driver)
    names = section(page, "Run Name:", "Start Time:").split("\n")
    assert sorted(names) == sorted(runs)
    difference = section(page, "Parameters\nShow diff only", "Metrics").split()
    assert difference == ["optimizer.lr", *(rates[name] for name in names)]
    metrics = section(page, "Metrics\nShow diff only", "Artifacts").split("\n")
    for run in runs.values():
        assert run.result
        assert f"{run.result['test']['accuracy']:.3f}".rstrip("0") in metrics

    # From there a click on a metric draws its curves, which are those of the run folders.
    scroll_to_metric(driver, chart := "a[title='Plot chart'][href*='metric=%22train%2Floss%22']")
    ui.click(driver, chart)
    curves = ui.wait_for(driver, "the curves", lambda d: ui.lines(d, list(runs)))
    shot(driver, "8-curves")
    assert "#/metric?runs=[" in driver.current_url
    for name, run in runs.items():
        assert run.history
        assert len(run.history["train_loss"]) == 4
        assert curves[name] == pytest.approx(run.history["train_loss"], rel=1e-6)

    # All charts of the experiment at once.
    driver.get(table + ui.AS_CHARTS)
    ui.wait_for(driver, "the charts", lambda d: ui.lines(d, list(runs)))
    shot(driver, "9-charts")


def scroll_to_metric(driver: webdriver.Chrome, link: str) -> None:
    """Scrolls a list of metrics, of which only what is visible is there, until it has a link."""
    last = "[...document.querySelectorAll(\"a[title='Plot chart']\")].at(-1)?.scrollIntoView()"

    def there(driver: webdriver.Chrome) -> bool:
        driver.execute_script(last)
        return bool(driver.find_elements(By.CSS_SELECTOR, link))

    ui.wait_for(driver, link, there)


def row_of(driver: webdriver.Chrome, run: str) -> str:
    """The selector of a run's row in the table."""
    link = ui.wait_for(driver, run, lambda d: d.find_element(By.LINK_TEXT, run))
    return f".ag-row[row-id='{link.get_attribute('href').split('/')[-1]}']"


def section(page: str, start: str, end: str) -> str:
    found = re.search(rf"^{re.escape(start)}\n(.*?)\n?^{re.escape(end)}", page, re.DOTALL | re.MULTILINE)
    assert found, f"the page has no {start!r} before {end!r}:\n{page}"
    return found[1]


def add_a_stranger(checkout: Path) -> None:
    """Records a run that does better than any of the study, and is not of it."""
    client = client_of(checkout)
    experiment = client.search_experiments(filter_string="name = 'mlp'")[0]
    run = client.create_run(experiment.experiment_id, run_name="stranger", tags={"study": "none"})
    for metric in (VALID, TEST):
        client.log_metric(run.info.run_id, metric, 1.0)
    client.set_terminated(run.info.run_id)


def name_of(row: dict[str, str]) -> str:
    """What the table says in a row's first column, without the number of its colour."""
    return re.sub(r"^#\w+\n", "", row.get("attributes.`Run Name`", "")).replace("\n", " ")


def last(study: Results, variant: str) -> list[float]:
    return [run.history["valid_accuracy"][-1] for run in study.runs if run.variant == variant and run.history]


def shot(driver: webdriver.Chrome, name: str) -> None:
    driver.save_screenshot(str(PICTURES / f"{name}.png"))
