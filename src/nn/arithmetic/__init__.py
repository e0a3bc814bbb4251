"""How a network computes: `native`, as fast as the machine goes, or `portable`, the same bits on every machine."""

from collections.abc import Callable

from src.nn.arithmetic.native import Native
from src.nn.arithmetic.operations import Arithmetic
from src.nn.arithmetic.portable import Portable

# Constructors; their argument is the most terms that a product sums: the largest of the batch size and the widths.
ARITHMETICS: dict[str, Callable[[int], Arithmetic]] = {"native": Native, "portable": Portable}
NATIVE = Native(1)
