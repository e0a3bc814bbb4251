"""Scales and places a digit as a data set does."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Values = NDArray[np.float64]  # [height, width]
_EDGE = 0.2  # of full ink: the extent of a digit, a little beyond the middle of its strokes' edges


class Frame(NamedTuple):
    """The size and place of digits in the images of a data set."""

    box: int  # pixels: the longer side of a digit
    middle: float  # the row, and the column, of its centre of mass, to half a pixel


# By source. MNIST: "normalized to fit in a 20x20 pixel box while preserving their aspect ratio", then placed by the
# centre of mass (http://yann.lecun.com/exdb/mnist/); its 70 000 images have it at row and column 14. The digits of
# 8 x 8 pixels are as high as their images, and have it in the middle.
FRAMES = {"mnist": Frame(box=20, middle=14.0), "digits": Frame(box=8, middle=3.5)}


def frame(ink: Values, target: Frame, shape: tuple[int, int]) -> Values:
    """The ink [height, width], cropped, scaled and placed in an image of this shape; values of 0..1."""
    rows, columns = (np.flatnonzero((ink > _EDGE).any(axis=axis)) for axis in (1, 0))
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(side * target.box / max(digit.shape))) for side in digit.shape)
    # Pillow widens the filter where it reduces, so that thin strokes get fainter and not lost.
    resized = Image.fromarray(digit.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    small = np.asarray(resized, np.float64)
    small = (small / small.max()).clip(0, 1)
    top, left = (
        int(np.clip(round(target.middle - _centre(small.sum(axis=axis))), 0, room - side))
        for axis, room, side in ((1, shape[0], height), (0, shape[1], width))
    )
    image = np.zeros(shape)
    image[top : top + height, left : left + width] = small
    return image


def _centre(mass: NDArray[np.float64]) -> float:
    return float(mass @ np.arange(len(mass)) / mass.sum())
