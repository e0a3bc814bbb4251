"""Pages in a real browser, from files: a study's report, narrow and wide, light and dark, and principal components.

The screenshots stay in reports/browser/study/.
"""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from src.figures import pca
from tests.browser import ui
from tests.conftest import ROOT
from tests.figures.drawings import contrast
from tests.reporting.reports import written
from tests.reporting.studies import STUDIES

pytestmark = pytest.mark.slow
PICTURES = ROOT / "reports" / "browser" / "study"
SHOWN = ("a ladder", "failures", "sixteen variants", "the longest names", "hostile names")
# What is written where, and on what: the nearest ancestor with a background of its own, else the page.
_COLOURS = """
return [...document.querySelectorAll('p, li, th, td, dt, dd, code, figcaption, summary, svg text, span')]
    .filter(element => element.textContent.trim() && element.checkVisibility() && !element.ariaHidden)
    .map(element => {
        let ground = element
        while (ground && /rgba\\(.*, 0\\)/.test(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement
        const style = getComputedStyle(element)
        return [
            element.textContent.trim().slice(0, 40),
            element.closest('svg') ? style.fill : style.color,
            getComputedStyle(ground ?? document.documentElement).backgroundColor,
        ]
    })
"""
_SIZES = """
return [...document.querySelectorAll('svg, img')].map(element => {
    const box = element.getBoundingClientRect()
    return [box.width, box.height, element.complete ?? true, element.naturalWidth ?? 1]
})
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    ui.require_browser()
    with ui.browser(tmp_path_factory.mktemp("browser") / "profile", PICTURES) as driver:
        yield driver


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The addresses of written reports."""
    folder = tmp_path_factory.mktemp("reports")
    for name in SHOWN:
        written(folder / name, STUDIES[name])
    return {name: (folder / name / "index.html").as_uri() for name in SHOWN}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", SHOWN)
def test_the_report_reads_well(
    name: str, width: int, scheme: str, driver: webdriver.Chrome, pages: dict[str, str]
) -> None:
    show(driver, pages[name], width, scheme)
    assert not overflow(driver)
    driver.execute_script("document.querySelector('details').open = true")
    assert not overflow(driver)
    assert driver.execute_script("return getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'") == (
        scheme == "light"
    )

    sizes = driver.execute_script(_SIZES)
    assert sizes
    for across, down, complete, natural in sizes:
        assert across > 300
        assert down > 100
        assert complete
        assert natural > 0
    written_on = driver.execute_script(_COLOURS)
    assert len(written_on) > 200
    for text, colour, ground in written_on:
        assert contrast(rgb(colour), rgb(ground)) > 4.5, (text, colour, ground)

    shot(driver, f"{name.replace(' ', '-')}-{width}-{scheme}")
    assert requested(driver) == []
    assert driver.get_log("browser") == []


def test_the_table_becomes_cards_on_a_narrow_screen(driver: webdriver.Chrome, pages: dict[str, str]) -> None:
    tops = {}
    for width in (390, 1280):
        show(driver, pages["a ladder"], width)
        cells = driver.find_elements(By.CSS_SELECTOR, ".cards tbody tr:nth-child(2) > *")
        tops[width] = [cell.location["y"] for cell in cells]
    assert len(set(tops[1280])) == 1
    assert tops[390] == sorted(tops[390])
    assert len(set(tops[390])) == len(tops[390])


def test_the_keyboard_reaches_scrolling_and_folding_parts(driver: webdriver.Chrome, pages: dict[str, str]) -> None:
    show(driver, pages["a ladder"], 390)
    reached = []
    for _ in range(40):
        driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyDown", "key": "Tab", "windowsVirtualKeyCode": 9})
        reached.append(driver.execute_script("return document.activeElement"))
        if reached[-1].tag_name == "summary":
            break
    assert reached[-1].tag_name == "summary"
    scrolling = driver.find_elements(By.CSS_SELECTOR, "main > section > .scroll, figure > .scroll")
    assert scrolling
    assert set(scrolling) <= set(reached)


def test_the_page_of_dvcs_plots_draws_curves_and_matrices_of_each_revision(
    driver: webdriver.Chrome, tmp_path: Path
) -> None:
    template = (ROOT / ".dvc/plots.html").read_text()
    revisions = ("workspace", "main")
    curve = [
        {"epoch": str(epoch), "y": str(1 / epoch), "rev": revision, "field": field}
        for revision in revisions
        for field in ("train_loss", "valid_loss")
        for epoch in range(1, 11)
    ]
    pairs = [
        {"actual": a, "predicted": p, "rev": revision} for revision in revisions for a, p in ("01", "11", "11", "00")
    ]
    x, y = ({"field": name, "title": name} for name in ("actual", "predicted"))
    share = [{"calculate": "datum.xy_count / datum.sum_y", "as": "percent_of_y"}]
    matrix = {"data": {"values": pairs}, "facet": {}, "spec": {"encoding": {"x": x, "y": y}}}
    colors, dashes = ({"domain": names, "range": looks} for names, looks in (
        (revisions, ("#945dd6", "#13adc7")), (("train_loss", "valid_loss"), ([1, 0], [8, 8]))
    ))  # fmt: skip
    encoding = {"x": {"field": "epoch", "title": "epoch"}, "y": {"field": "y"}}
    encoding |= {"color": {"scale": colors}, "strokeDash": {"scale": dashes}}
    specs = {
        "loss": {"data": {"values": curve}, "encoding": encoding},
        "counts": matrix,
        "shares": matrix | {"spec": {**matrix["spec"], "transform": share}},
    }
    divs = [
        f"<div id={name}><script>vegaEmbed('#{name}', {json.dumps(spec | {'title': {'text': name}})})</script></div>"
        for name, spec in specs.items()
    ]
    page = tmp_path / "plots.html"
    page.write_text(template.replace("{refresh_tag}", "").replace("{plot_divs}", "".join(divs)))
    show(driver, page.as_uri(), 1280)
    assert len(driver.find_elements(By.CSS_SELECTOR, "#loss polyline")) == 4
    assert [key.text for key in driver.find_elements(By.CSS_SELECTOR, "#loss .key")][:2] == [
        *("workspace train_loss", "workspace valid_loss"),
    ]
    cells = {name: [cell.text for cell in driver.find_elements(By.CSS_SELECTOR, f"#{name} td")] for name in specs}
    assert cells["counts"] == ["1", "0", "1", "2"] * 2
    assert cells["shares"] == ["1.00", "0.00", "0.33", "0.67"] * 2


@pytest.mark.parametrize("sandboxed", [False, True])
def test_the_page_of_principal_components_draws_itself_and_requests_nothing(
    sandboxed: bool, driver: webdriver.Chrome, tmp_path: Path
) -> None:
    labels = [*"0123456789", "<b>$&"]
    page = tmp_path / "pca.html"
    x = np.random.default_rng(0).standard_normal((500, 20))
    page.write_text(pca.draw(x, np.arange(500) % len(labels), labels))
    if sandboxed:  # as MLflow shows an artifact
        frame = tmp_path / "frame.html"
        frame.write_text(f'<iframe src="{page.name}" sandbox="allow-scripts" width="100%" height="850"></iframe>')
        show(driver, frame.as_uri(), 1280)
        driver.switch_to.frame(0)
    else:
        show(driver, page.as_uri(), 1280)
    names = "#pca .legendtext"
    ui.wait_for(driver, "the legend", lambda page: len(page.find_elements(By.CSS_SELECTOR, names)) == 11)
    assert [text.text for text in driver.find_elements(By.CSS_SELECTOR, names)] == labels
    assert driver.find_element(By.ID, "pca").rect["height"] > 300
    assert not overflow(driver)
    assert requested(driver) == []
    refused = [entry for entry in driver.get_log("browser") if "Content Security Policy" in entry["message"]]
    assert refused == []


def show(driver: webdriver.Chrome, address: str, width: int, scheme: str = "light") -> None:
    """Opens a page in a window of this width, with this as the preferred colour scheme."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    prefers = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": prefers})
    driver.get(address)


def overflow(driver: webdriver.Chrome) -> int:
    """How many pixels the page is wider than the window."""
    script = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
    return int(driver.execute_script(script))


def requested(driver: webdriver.Chrome) -> list[str]:
    """The addresses that the page has requested."""
    loaded = driver.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    return [address for address in loaded if not address.startswith(("data:", "blob:"))]


def shot(driver: webdriver.Chrome, name: str) -> None:
    """Saves a picture of the whole page."""
    size: Any = driver.execute_script(
        "const page = document.documentElement; return [page.clientWidth, page.scrollHeight]"
    )
    clip = {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}
    taken = driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    (PICTURES / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))


def rgb(colour: str) -> list[float]:
    """`rgb(1, 2, 3)` in the range of matplotlib."""
    return [float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]
