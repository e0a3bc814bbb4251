"""The groups of `conf/`, and what can be chosen from each."""

import glob
import traceback

from src.foundation.files import ROOT

CONF = str(ROOT / "conf")


def choices(group: str) -> list[str]:
    """The choices of a group in `conf/`."""
    return sorted(file.stem for file in (ROOT / "conf").glob(f"{glob.escape(group)}/*.yaml")) if group else []


def in_a_circle(error: RecursionError) -> list[str]:
    """The files in conf/ whose defaults lead back to themselves, if that made Hydra fail; it calls itself for each."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    followed = [f.f_locals.get("path") for f in frames if f.f_code.co_name == "_create_defaults_tree_impl"]
    return [f"conf/{path}.yaml" for path in dict.fromkeys(followed) if path and followed.count(path) > 1]
