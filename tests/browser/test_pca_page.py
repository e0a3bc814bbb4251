"""The page of principal components in a real browser, from a file."""

import os
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver.common.by import By

from src.figures import pca
from tests.browser import ui

pytestmark = pytest.mark.slow
LABELS = [*"0123456789", "<b>$&"]


def test_the_page_draws_itself_and_asks_nobody_for_anything(tmp_path: Path) -> None:
    if not ui.has_browser():
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"REQUIRE_BROWSER=1, but there is no browser here: it takes {ui.NEEDED}")
        pytest.skip(f"LEFT OUT, the page was not looked at: there is no browser; it takes {ui.NEEDED}")
    page = tmp_path / "pca.html"
    x = np.random.default_rng(0).standard_normal((500, 20))
    page.write_text(pca.draw(x, np.arange(500) % len(LABELS), LABELS))
    with ui.browser(tmp_path / "profile", tmp_path) as driver:
        driver.get(page.as_uri())
        ui.wait_for(
            driver, "the legend", lambda page: len(page.find_elements(By.CSS_SELECTOR, "#pca .legendtext")) == 11
        )
        named = [text.text for text in driver.find_elements(By.CSS_SELECTOR, "#pca .legendtext")]
        assert named == LABELS
        box = driver.find_element(By.ID, "pca").rect
        assert box["height"] > 300
        assert driver.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        loaded = driver.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
        assert [address for address in loaded if not address.startswith(("data:", "blob:"))] == []
        refused = [entry for entry in driver.get_log("browser") if "Content Security Policy" in entry["message"]]
        assert refused == []
