"""The groups of `conf/`, and what can be chosen from each."""

import glob

from src.foundation.files import ROOT

CONF = str(ROOT / "conf")


def choices(group: str) -> list[str]:
    """The choices of a group in `conf/`."""
    return sorted(file.stem for file in (ROOT / "conf").glob(f"{glob.escape(group)}/*.yaml")) if group else []
