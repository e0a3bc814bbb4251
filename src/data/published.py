"""The table of published sources. To add one, write a file with a `Source` and an entry here, or extend generated.py.

One's own data have no entry: `sources.py` opens them as their recipe describes them.
"""

from src.data import mnist
from src.data.generated import GENERATED
from src.data.raw import Source

SOURCES: dict[str, Source] = {"mnist": mnist.SOURCE, **GENERATED}
