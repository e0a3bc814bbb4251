"""The table of sources. To add one, write a file that defines a `Source`, and add an entry here."""

from src.data import digits, mnist, planar
from src.data.raw import Source

SOURCES: dict[str, Source] = {
    "mnist": mnist.SOURCE,
    "digits": digits.SOURCE,
    "spiral": planar.SPIRAL,
    "xor": planar.XOR,
    "noise": planar.NOISE,
}
