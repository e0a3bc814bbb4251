"""The table of sources. A new one is a file that offers a `Source`, and an entry here."""

from src.data import digits, mnist, planar
from src.data.raw import Source

SOURCES: dict[str, Source] = {
    "mnist": mnist.SOURCE,
    "digits": digits.SOURCE,
    "spiral": planar.SPIRAL,
    "xor": planar.XOR,
    "noise": planar.NOISE,
}
