"""The arithmetic that a test uses now."""

from src.nn.arithmetic import NATIVE
from src.nn.arithmetic.operations import Arithmetic

OPS: Arithmetic = NATIVE
