"""Work that Hydra does twice, or once for each group, done once. Both change private parts of Hydra 1.3."""

import contextlib
from collections.abc import Iterator
from typing import Any


def list_groups_quickly() -> None:
    """Makes Hydra's --help list the choices of a group from its sources, which it copies for each of 50 groups."""
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra.core.object_type import ObjectType

    def listed(loader: Any, group_name: str, results_filter: Any = ObjectType.CONFIG, **_: Any) -> list[str]:
        names: list[str] = loader.repository.get_group_options(group_name, results_filter)
        return names

    ConfigLoaderImpl.get_group_options = listed  # type: ignore[assignment]


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
