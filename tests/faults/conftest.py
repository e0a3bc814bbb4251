"""A place for each command that a test disturbs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Shell
from tests.faults.trainings import Site
from tests.helpers.checkouts import furnish


@pytest.fixture
def site(checkout: Path, shell: Shell, digits_folder: Path, empty_store: Path) -> Callable[..., Site]:
    """Makes the site of a command, in a checkout with data and an empty store."""
    furnish(checkout, digits_folder, empty_store)
    return lambda *command: Site(checkout, shell, empty_store, *command)
