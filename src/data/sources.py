"""The table of sources. To add one, write a file that defines a `Source`, and add an entry here."""

from src.data import mnist
from src.data.generated import GENERATED
from src.data.raw import Source

SOURCES: dict[str, Source] = {"mnist": mnist.SOURCE, **GENERATED}
