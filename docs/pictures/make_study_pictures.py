"""Makes study-mlflow.png and study-report.png: `python -m docs.pictures.make_study_pictures`.

In a copy of the repository, the study `ladder` is run as the README shows; then its runs, grouped by variant in the
MLflow UI, and the top of its report are photographed in Chromium. Fonts: Roboto (Debian: fonts-roboto-unhinted).
"""

import base64
import subprocess
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.by import By

from docs.pictures.picture import save, with_mnist
from src.figures.canvas import styles
from src.studies.comparisons.results import read_results
from tests.browser import ui
from tests.conftest import environment, make_checkout

HERE = Path(__file__).parent
ACCURACIES = (0.86, 0.985)  # from below the most part of all curves to above them
REPORT_WIDTH = 1060  # the narrowest at which the table needs no scrolling
# As if a color had been chosen with a click on the group's dot.
_PAINT = """
const [dot, color] = arguments
Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(dot, color)
dot.dispatchEvent(new Event('input', {bubbles: true}))
"""
# The positions of two values of y on the screen, at the middle of the chart.
_HEIGHTS = """
const plot = document.querySelector('.js-plotly-plot'), box = plot.getBoundingClientRect()
const {xaxis, yaxis} = plot._fullLayout
const x = box.left + xaxis._offset + xaxis._length / 2
return arguments[0].map(value => [Math.round(x), Math.round(box.top + yaxis._offset + yaxis.l2p(value))])
"""


def photograph_runs(driver: webdriver.Chrome, address: str, colors: dict[str, str]) -> bytes:
    """The validation curves of the study's variants, each the mean over its seeds, and the list of groups."""
    ui.open_runs(driver, address, "mlp")
    ui.click(driver, "[aria-label='Toggle sidebar']")
    ui.search(driver, "tags.study = 'ladder'")
    ui.sort_by(driver, "valid/accuracy")
    ui.group_by(driver, "variant")
    ui.show_as(driver, "CHART")
    ui.search_charts(driver, "valid/accuracy", found=1)
    for variant, color in colors.items():
        group = f".ag-row[row-id='tag.variant.{variant}']"
        ui.click(driver, f"{group} [role=button]")  # folds it
        driver.execute_script(_PAINT, driver.find_element(By.CSS_SELECTOR, f"{group} input[type=color]"), color)
    ui.stretch(driver, (100, 40), (200, 40), (200, 20))
    ui.wait_for(driver, "the curves", lambda d: ui.lines(d, [f"tag.variant.{variant}" for variant in colors]))
    zoom(driver)
    ActionChains(driver).move_to_element(driver.find_element(By.XPATH, "//*[text()='Runs']")).perform()
    driver.execute_script("document.activeElement.blur()")
    ui.wait_for(driver, "no notices", lambda d: not d.find_elements(By.CSS_SELECTOR, ".notifier-note"))
    return bytes(driver.get_screenshot_as_png())


def zoom(driver: webdriver.Chrome) -> None:
    """Drags the mouse over the part of the chart that is then drawn alone."""
    (x, low), (_, high) = driver.execute_script(_HEIGHTS, ACCURACIES)
    drag = ActionBuilder(driver)
    mouse = drag.pointer_action
    mouse.move_to_location(x, high).pointer_down()
    mouse.move_to_location(x + 1, (low + high) // 2).move_to_location(x + 2, low).pointer_up()
    drag.perform()


def photograph_report(driver: webdriver.Chrome, page: Path) -> bytes:
    """The title of a report, its verdict and its table."""
    size = {"width": REPORT_WIDTH, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get(page.as_uri())
    driver.execute_script("document.documentElement.style.setProperty('--sans', 'Roboto')")
    bottom = driver.execute_script("return document.querySelector('.cards').getBoundingClientRect().bottom + scrollY")
    clip = {"x": 0, "y": 20, "width": REPORT_WIDTH, "height": bottom - 12, "scale": 1}
    taken = driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    return base64.b64decode(taken["data"])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        checkout = with_mnist(make_checkout(Path(temporary) / "checkout"))
        command = ["python", "-m", "src.ablation", "ablation=ladder"]
        subprocess.run(command, cwd=checkout, env=environment(), check=True)
        study = read_results(checkout / "models" / "studies" / "ladder")
        looks = styles([variant.name for variant in study.variants], study.baseline)  # as in the report's figures
        colors = {variant: look.color for variant, look in looks.items()}
        profile = Path(temporary) / "profile"
        with ui.mlflow_ui(checkout) as address, ui.browser(profile, Path(temporary), 1180, 760) as driver:
            save(photograph_runs(driver, address, colors), HERE / "study-mlflow.png")
            save(photograph_report(driver, checkout / "reports/ladder/index.html"), HERE / "study-report.png", 48)
