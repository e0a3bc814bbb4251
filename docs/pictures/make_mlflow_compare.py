"""Makes mlflow-compare.png: `python -m docs.pictures.make_mlflow_compare`.

In a copy of the repository, three activations are trained on MNIST as the README shows; then their charts in the MLflow
UI are photographed in Chromium. Fonts: Roboto, which MLflow's pages ask for (Debian: fonts-roboto-unhinted).
"""

import subprocess
import tempfile
from pathlib import Path

from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By

from docs.pictures.picture import save, with_mnist
from tests.browser import ui
from tests.conftest import environment, make_checkout

COLORS = {"relu": "#e65b77", "sigmoid": "#2272b4", "tanh": "#f5a623"}  # as a click on a run's dot sets them
TARGET = Path(__file__).with_name("mlflow-compare.png")


def train(checkout: Path) -> None:
    """Makes the three runs, with the copy's own store."""
    grid = [f"model.act={','.join(COLORS)}", "train.epochs=10"]
    subprocess.run(["python", "-m", "src.train", "-m", *grid], cwd=checkout, env=environment(), check=True)


def paint(checkout: Path) -> None:
    """Gives each run its color, since MLflow picks them by the runs' random ids."""
    from src.config.tracking import Tracking
    from src.recording.store import open_store

    client, experiment = open_store(Tracking(uri=f"sqlite:///{checkout / 'mlflow.db'}"))
    for run in client.search_runs([experiment]):
        if act := run.data.params.get("model.act"):
            client.set_tag(run.info.run_id, "mlflow.runColor", COLORS[act])


def photograph(checkout: Path, folder: Path) -> bytes:
    """The charts of loss and accuracy on the validation set, and the list of runs."""
    with ui.mlflow_ui(checkout) as address, ui.browser(folder / "profile", folder, 1280, 720) as driver:
        table = ui.open_runs(driver, address, "mlp")
        driver.get(table + ui.AS_CHARTS)
        ui.click(driver, "[aria-label='Toggle sidebar']")
        ui.search_charts(driver, "valid", found=2)
        # The parent has no curves: its eye, the last one, is closed. Then the charts are drawn wider, to half the page.
        driver.find_elements(By.CSS_SELECTOR, ".ag-row label:has(.is-visibility-toggle-checkbox)")[-1].click()
        ui.stretch(driver, (60, 0), (60, 0), (20, 0))
        ActionChains(driver).move_to_element(driver.find_element(By.XPATH, "//*[text()='Runs']")).perform()
        driver.execute_script("document.activeElement.blur()")
        ui.wait_for(driver, "the curves", lambda d: len(ui.lines(d, []) or []) == len(COLORS))
        return bytes(driver.get_screenshot_as_png())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        checkout = with_mnist(make_checkout(Path(temporary) / "checkout"))
        train(checkout)
        paint(checkout)
        save(photograph(checkout, Path(temporary)), TARGET)
