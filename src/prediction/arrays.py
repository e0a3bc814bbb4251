"""Examples in a .npy file: [features], [n, features], or images [height, width], [n, height, width]; never pickle."""

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.foundation.errors import UserError
from src.prediction.raw import RawExamples, content
from src.prediction.signature import Signature

LARGEST_FILE = 128 << 20  # bytes
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_array(path: Path, signature: Signature) -> RawExamples:
    """The examples of an array; `UserError` if it does not hold numbers, or if its shape does not fit the model."""
    array = _read(path)
    one = signature.image if signature.image is not None and array.shape[-2:] == signature.image else (signature.count,)
    if array.shape[-len(one) :] != one or array.ndim - len(one) not in (0, 1) or not array.size:
        allowed = [f"[{signature.count}]", f"[n, {signature.count}]"]
        if signature.image is not None:
            height, width = signature.image
            allowed += [f"[{height}, {width}]", f"[n, {height}, {width}]"]
        raise UserError(f"{path}: its shape is {list(array.shape)}; this model takes {', '.join(allowed)}")
    x = array.reshape(-1, signature.count)
    alone = array.ndim == len(one)
    return RawExamples([str(path)] if alone else [f"{path}[{row}]" for row in range(len(x))], x.astype(np.float64))


def _read(path: Path) -> NDArray[Any]:
    data = content(path, LARGEST_FILE)
    file = io.BytesIO(data)
    try:
        shape, fortran_order, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
    except Exception as error:  # whatever NumPy's header parser raises
        raise UserError(f"{path}: not a .npy file of numbers ({type(error).__name__}: {error})") from None
    if dtype.kind not in "uif":
        raise UserError(f"{path}: its dtype is {dtype}; integers or floats are expected")
    length = len(data) - file.tell()
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != length:
        raise UserError(f"{path}: damaged: {length} bytes of values do not make the shape {list(shape)} in its header")
    values = np.frombuffer(data, dtype, math.prod(shape), file.tell())
    return values.reshape(shape, order="F" if fortran_order else "C")
