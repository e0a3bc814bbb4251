"""Links that people put in the place of folders, to keep runs or data on another disk."""

from collections.abc import Iterator
from pathlib import Path

from src.foundation.errors import lost_link
from src.health.finding import Finding


def lost_links(root: Path) -> Iterator[Finding]:
    """A link to a folder that is not there, such as one on a disk that is not mounted."""
    for path in sorted(root.iterdir()):
        if what := lost_link(path):
            yield Finding(what, path, None, "mount the disk that it is on, or remove the link")
