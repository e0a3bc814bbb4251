"""The table of sources. To add one, write a file with a `Source` and an entry here, or extend generated.py."""

from src.data import mnist
from src.data.generated import GENERATED
from src.data.raw import Source

SOURCES: dict[str, Source] = {"mnist": mnist.SOURCE, **GENERATED}
