"""Two runs, compared in the real MLflow UI as a user would: found, ticked, compared, and their curves drawn.

The screenshots stay in reports/browser/.
"""

import csv
import json
import re
from pathlib import Path

import pytest
import yaml
from selenium.webdriver.common.by import By

from tests.browser import ui
from tests.conftest import ROOT, Shell

PICTURES = ROOT / "reports" / "browser"
EPOCHS = 5


@pytest.mark.slow
def test_the_ui_compares_two_runs_with_their_curves(checkout: Path, shell: Shell, tmp_path: Path) -> None:
    ui.require_browser()
    grid = ["experiment=digits", "model.act=relu,sigmoid", f"train.epochs={EPOCHS}"]
    trained = shell("python", "-m", "src.train", "-m", *grid, f"tracking.uri=sqlite:///{checkout / 'mlflow.db'}")
    assert trained.returncode == 0, trained.stderr
    runs = {
        json.loads((folder / "run.json").read_text())["name"]: folder
        for folder in (checkout / "runs").iterdir()
        if (folder / "run.json").exists()
    }
    acts = {name: act(folder) for name, folder in runs.items()}
    assert sorted(acts.values()) == ["relu", "sigmoid"]

    with ui.mlflow_ui(checkout) as address, ui.browser(tmp_path / "profile", PICTURES) as driver:

        def shot(name: str) -> None:
            driver.save_screenshot(str(PICTURES / f"{name}.png"))

        # The table has the multirun, and below it its two runs.
        table = ui.open_runs(driver, address, "mlp")
        link = ui.wait_for(driver, "the parent", lambda d: d.find_element(By.PARTIAL_LINK_TEXT, "model.act=relu,sig"))
        parent = link.get_attribute("href").split("/")[-1]
        ui.click(driver, f".ag-row[row-id='{parent}'] button[data-component-id*='runnamecellrenderer']")
        for name in runs:
            link = ui.wait_for(driver, name, lambda d, name=name: d.find_element(By.LINK_TEXT, name))
            ui.click(driver, f".ag-row[row-id='{link.get_attribute('href').split('/')[-1]}'] .ag-checkbox-input")
        ticks = ".ag-row .ag-checkbox-input:checked"
        ui.wait_for(driver, "two ticks", lambda d: len(d.find_elements(By.CSS_SELECTOR, ticks)) == 2)
        shot("1-runs")

        # Compared: their names, the one parameter in which they differ, their metrics.
        ui.click(driver, "[data-testid='runs-compare-button']")
        ui.wait_for(driver, "the comparison", lambda d: "Comparing 2 Runs from 1 Experiment" in ui.text(d))
        assert "#/compare-runs?runs=[" in driver.current_url
        ui.click(driver, "[aria-label='Parameters - Show diff only']")
        ui.wait_for(driver, "the difference", lambda d: "optimizer.lr" not in ui.text(d))
        details = driver.find_element(By.XPATH, "//*[text()='Run details']")
        driver.execute_script("arguments[0].scrollIntoView()", details)
        shot("2-comparison")
        page = ui.text(driver)
        names = section(page, "Run Name:", "Start Time:").split("\n")
        assert sorted(names) == sorted(runs)
        difference = section(page, "Parameters\nShow diff only", "Metrics").split()
        assert difference == ["model.act", *(acts[name] for name in names)]
        metrics = section(page, "Metrics\nShow diff only", "Artifacts")
        for folder in runs.values():
            accuracy = json.loads((folder / "result.json").read_text())["test"]["accuracy"]
            assert f"{accuracy:.3f}".rstrip("0") in metrics.split("\n")

        # From there a click on a metric draws its curves, which are those of the run folders.
        ui.click(driver, "a[title='Plot chart'][href*='metric=%22train%2Floss%22']")
        curves = ui.wait_for(driver, "the curves", lambda d: ui.lines(d, list(runs)))
        shot("3-curves")
        assert "#/metric?runs=[" in driver.current_url
        for name, folder in runs.items():
            assert curves[name] == pytest.approx(recorded(folder, "train_loss"), rel=1e-6)

        # All charts of the experiment at once.
        driver.get(table + ui.AS_CHARTS)
        ui.wait_for(driver, "the charts", lambda d: ui.lines(d, list(runs)))
        shot("4-charts")


def section(page: str, start: str, end: str) -> str:
    found = re.search(rf"^{re.escape(start)}\n(.*?)\n?^{re.escape(end)}", page, re.DOTALL | re.MULTILINE)
    assert found, f"the page has no {start!r} before {end!r}:\n{page}"
    return found[1]


def act(folder: Path) -> str:
    return str(yaml.safe_load((folder / "config.yaml").read_text())["model"]["act"])


def recorded(folder: Path, column: str) -> list[float]:
    with (folder / "history.csv").open() as file:
        values = [float(row[column]) for row in csv.DictReader(file)]
    assert len(values) == EPOCHS
    return values
