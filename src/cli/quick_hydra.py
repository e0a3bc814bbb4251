"""Work that Hydra does twice, done once. This changes a private part of Hydra 1.3."""

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def composing_once() -> Iterator[None]:
    """Makes Hydra compose `conf/` once for a single run: it does so first to look for `hydra.mode`, then to run."""
    from hydra._internal.hydra import Hydra
    from hydra.types import RunMode

    get_mode = Hydra.get_mode

    def mode(self: Any, config_name: str | None, overrides: list[str]) -> Any:
        try:
            composed = self.compose_config(config_name, overrides, RunMode.RUN, with_log_configuration=True)
        except Exception:  # reported when it composes to run; or these are several runs
            return get_mode(self, config_name, overrides)
        if composed.hydra.mode != RunMode.MULTIRUN:
            self.compose_config = lambda **asked: composed
        return composed.hydra.mode

    Hydra.get_mode = mode  # type: ignore[method-assign]
    try:
        yield
    finally:
        Hydra.get_mode = get_mode  # type: ignore[method-assign]
