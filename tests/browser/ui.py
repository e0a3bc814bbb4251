"""The MLflow UI in a headless browser: how to start both, and the clicks that tests and the README's pictures share."""

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.helpers.servers import Server

_WAIT = 60  # seconds until an element shows up on a page
_QUIET = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage "
    # With a mouse; else every chart has its tools spread over it, as on a telephone.
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4"
)
_NOT_YET = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
# Appended to the address of the table of runs: charts instead. Sorted by a metric, runs are not hidden below their
# parents, where charts would omit them.
AS_CHARTS = f"?compareRunsMode=CHART&orderByAsc=false&orderByKey={quote('metrics.`valid/accuracy`')}"
CARD = "[data-testid='experiment-view-compare-runs-card']"  # a chart with its title and its tools
# By chart: each line's run (or group of runs), heights, and path on the screen.
_LINES = """
return [...document.querySelectorAll('.js-plotly-plot')].filter(plot => plot.data && plot.calcdata).map(plot => {
    const drawn = [...plot.querySelectorAll('.trace.scatter')]
    return plot.data.map((line, number) => ({
        run: line.name || line.uuid,
        heights: Array.from(line.y ?? []),
        path: drawn[number]?.querySelector('path.js-line')?.getAttribute('d') ?? '',
    }))
})
"""
# Of the first chart with bars: each bar's name and length.
_BARS = """
const bars = [...document.querySelectorAll('.js-plotly-plot')].flatMap(plot => plot.data ?? [])
    .find(drawn => drawn.type === 'bar')
return bars ? bars.names.map((name, number) => [name, bars.x[number]]) : []
"""
# The grid keeps the parts of a row in different places; they share its number.
_ROWS = """
const rows = []
for (const cell of document.querySelectorAll('.ag-row .ag-cell')) {
    const number = cell.closest('.ag-row').getAttribute('row-index')
    rows[number] = {...rows[number], [cell.getAttribute('col-id')]: cell.innerText}
}
return rows.filter(Boolean)
"""


def require_browser() -> None:
    """Skips a test where there is no Chromium to control; with REQUIRE_BROWSER=1, fails it."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        needed = "there is no browser; install chromium and chromedriver (Debian: chromium chromium-driver)"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"REQUIRE_BROWSER=1, but {needed}")
        pytest.skip(f"LEFT OUT: {needed}")


@contextlib.contextmanager
def mlflow_ui(checkout: Path) -> Iterator[str]:
    """Runs `make ui` in a checkout, with this Python; yields its address."""
    with contextlib.suppress(FileExistsError):
        (checkout / ".venv").symlink_to(sys.prefix)
    make = ("make", "--old-file=setup", "ui", "PORT={port}")  # an old `setup` is not run
    with Server(checkout, *make) as server:
        server.start()
        yield f"{server.uri}/"


@contextlib.contextmanager
def browser(profile: Path, pictures: Path, width: int = 1280, height: int = 900) -> Iterator[webdriver.Chrome]:
    """Opens Chromium with a page of this size, and empties the folder of pictures; a failure leaves `failure.png`."""
    profile.mkdir()
    pictures.mkdir(parents=True, exist_ok=True)
    for old in pictures.glob("*.png"):
        old.unlink()
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*_QUIET.split(), f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    # With both paths given, Selenium neither looks for a browser nor downloads one.
    service = Service(str(shutil.which("chromedriver")), env={**os.environ, "HOME": str(profile)})
    driver = webdriver.Chrome(options=options, service=service)
    try:
        frame = height - driver.execute_script("return window.innerHeight")
        driver.set_window_size(width, height + frame)
        yield driver
    except BaseException:
        driver.save_screenshot(str(pictures / "failure.png"))
        print(f"the page was {driver.current_url}:\n{text(driver)}")
        raise
    finally:
        driver.quit()


def text(driver: webdriver.Chrome) -> str:
    """The text of the page."""
    return str(driver.find_element(By.TAG_NAME, "body").text)


def wait_for(driver: webdriver.Chrome, what: str, there: Callable[[webdriver.Chrome], Any]) -> Any:
    """Waits until `there` returns something, and returns it."""
    wait = WebDriverWait(driver, _WAIT, ignored_exceptions=_NOT_YET)
    return wait.until(there, f"{what}: not there after {_WAIT} s")


def click(driver: webdriver.Chrome, what: str, by: str = By.CSS_SELECTOR) -> None:
    """Clicks on an element as soon as possible."""

    def clicked(driver: webdriver.Chrome) -> bool:
        driver.find_element(by, what).click()
        return True

    wait_for(driver, what, clicked)


def open_runs(driver: webdriver.Chrome, address: str, experiment: str) -> str:
    """Clicks the way to an experiment's table of runs in a new browser; returns the page's address."""
    driver.get(f"{address}#/experiments")
    click(driver, "[data-component-id='mlflow.assistant.chat_panel.close']")  # it opens by itself, once
    # A new browser starts on MLflow's pages for language models; MLflow remembers this click.
    click(driver, "//*[text()='Model training']", By.XPATH)
    click(driver, experiment, By.LINK_TEXT)
    wait_for(driver, "the table of runs", lambda d: d.find_element(By.CSS_SELECTOR, ".ag-row"))
    return str(driver.current_url).split("?")[0]


def search(driver: webdriver.Chrome, query: str) -> None:
    """Searches runs, and waits until the address says so; the table follows."""
    box = wait_for(driver, "the search", lambda d: d.find_element(By.CSS_SELECTOR, "[data-testid='search-box']"))
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(query, Keys.ENTER)
    wait_for(driver, query, lambda d: f"searchFilter={quote_plus(query)}&" in d.current_url)


def sort_by(driver: webdriver.Chrome, what: str) -> None:
    """Sorts runs by a metric, or by `Created`: the highest or the latest first."""
    click(driver, "[data-component-id='mlflow.experiment_page.sort_select_v2.toggle']")
    click(driver, f"[data-testid='sort-select-{what}']")


def group_by(driver: webdriver.Chrome, tag: str) -> None:
    """Groups runs by a tag."""
    click(driver, "//button[normalize-space()='Group by']", By.XPATH)
    click(driver, f"//*[@role='menuitemcheckbox'][normalize-space()='{tag}']", By.XPATH)
    wait_for(driver, f"groups by {tag}", lambda d: d.find_element(By.CSS_SELECTOR, f".ag-row[row-id^='tag.{tag}.']"))


def ungroup(driver: webdriver.Chrome) -> None:
    """Ends the grouping of runs."""
    click(driver, "//button[starts-with(normalize-space(), 'Group by:')]//*[@role='button']", By.XPATH)
    wait_for(driver, "no groups", lambda d: not d.find_elements(By.CSS_SELECTOR, ".ag-row[row-id^='tag.']"))


def show_as(driver: webdriver.Chrome, mode: str) -> None:
    """Shows runs as a `TABLE` or as a `CHART`."""
    click(driver, f"//label[.//input[@name='runs-view-mode'][@value='{mode}']]", By.XPATH)


def search_charts(driver: webdriver.Chrome, query: str, found: int) -> None:
    """Shows only charts whose names begin with a text, and waits until there are this many."""

    def left(driver: webdriver.Chrome) -> bool:
        cards = driver.find_elements(By.CSS_SELECTOR, CARD)
        drawn = driver.find_elements(By.CSS_SELECTOR, f"{CARD} .js-plotly-plot")
        return len(cards) == len(drawn) == found and all(query in card.text for card in cards)

    box = wait_for(driver, "charts", lambda d: d.find_element(By.CSS_SELECTOR, "[placeholder='Search metric charts']"))
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(f"^{query}")  # a regular expression: kept/valid/accuracy is another chart
    wait_for(driver, f"{found} charts of {query}", left)


def stretch(driver: webdriver.Chrome, *steps: tuple[int, int]) -> None:
    """Enlarges all charts: drags the corner of the first one in steps of so many pixels."""
    card = driver.find_element(By.CSS_SELECTOR, CARD)
    size = card.size
    mouse = ActionChains(driver)
    mouse.move_to_element_with_offset(card, size["width"] // 2 - 6, size["height"] // 2 - 6).click_and_hold()
    for across, down in steps:
        mouse.move_by_offset(across, down)
    mouse.release().perform()
    wait_for(driver, "wider charts", lambda d: card.size["width"] > size["width"] + 50)


def rows(driver: webdriver.Chrome) -> list[dict[str, str]]:
    """The visible rows of the table of runs: each row's text by column."""
    return list(driver.execute_script(_ROWS))


def bars(driver: webdriver.Chrome) -> dict[str, float]:
    """The lengths of the bars in the page's first chart that has any, by run or group."""
    return dict(driver.execute_script(_BARS))


def lines(driver: webdriver.Chrome, runs: Sequence[str]) -> dict[str, list[float]] | None:
    """The heights of each run's curve in the page's first chart that has a drawn curve of every run."""
    for chart in driver.execute_script(_LINES):
        curves = {line["run"]: line["heights"] for line in chart if len(re.findall("[ML]", line["path"])) > 1}
        if set(runs) <= set(curves):
            return curves
    return None
