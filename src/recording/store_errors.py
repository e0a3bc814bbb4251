"""The errors of a store, in words."""

import contextlib
import sqlite3
from collections.abc import Iterator

from src.config.tracking import Tracking
from src.foundation.errors import UserError, machine_error
from src.recording.store import store_uri, without_credentials


@contextlib.contextmanager
def as_user_errors(tracking: Tracking) -> Iterator[None]:
    """Turns the store's errors into a `UserError` of one line."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (OSError, sqlite3.Error, MlflowException, ModuleNotFoundError) as error:  # the last of a driver
        reason = machine_error(error) if isinstance(error, OSError) else one_line(error)
        uri = without_credentials(store_uri(tracking))
        raise UserError(f"the MLflow store {uri} can't be used: {reason}") from None


def is_away(error: Exception) -> bool:
    """Whether an error is of the store as a whole, so that asking for something else is of no use now."""
    from mlflow.exceptions import MlflowException

    if isinstance(error, MlflowException):
        status = int(error.get_http_status_code())  # type: ignore[no-untyped-call]
        return status >= 500 or status == 429  # which asks for patience
    return isinstance(error, (OSError, sqlite3.Error))


def one_line(error: Exception) -> str:
    """An error in a line, without credentials."""
    # SQLAlchemy's errors are long, and have the database's own words in the middle; those of requests have them last.
    if isinstance(error, ModuleNotFoundError):  # of a database's driver
        return f"it needs the Python package {error.name}, which is not installed"
    if isinstance(error, OSError) and error.filename:
        return machine_error(error)
    lines = str(error).splitlines() or [type(error).__name__]
    line = next((line for line in lines if "Error) " in line), lines[0])
    return without_credentials(line.partition("(Caused by ")[2].removesuffix(")") or line)
