"""A place for each command that a test disturbs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Shell
from tests.faults.trainings import Site


@pytest.fixture
def site(furnished: None, checkout: Path, shell: Shell, empty_store: Path) -> Callable[..., Site]:
    """Makes the site of a command, in a checkout with data and an empty store."""
    return lambda *command: Site(checkout, shell, empty_store, *command)
