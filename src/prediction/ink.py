"""Separates the ink of one digit from the paper: dark on light or light on dark, in uneven light, with grain and dust.

On even paper the values stay as they are, so an image of MNIST is its own ink.
"""

import math

import numpy as np
from numpy.typing import NDArray

from src.foundation.errors import UserError

Values = NDArray[np.float64]  # [height, width]
Mask = NDArray[np.bool_]  # [height, width]

_NOTHING = "no digit found, or it is too small: the digit should fill most of the picture"
_BORDER = 0.05  # of a side: the frame that is taken for paper
_FAINTEST = 0.06  # of the range from black to white: what differs less is no ink
_GRAIN = 5.0  # standard deviations that the paper's grain does not reach
_ROUNDS, _ROUNDS_OF_ALL = 8, 3  # of fitting the light; the last of them to the whole picture
_FITTED = 64  # pixels a side to which the light is fitted: it has no details
_GAUSSIAN = 1.4826  # standard deviation / median absolute deviation
_STROKE = 0.5  # of full ink: where a stroke ends. Shadows and ruled lines have less
_DUST = 0.05  # of the largest stroke's area: what is smaller is no part of the digit
_SMALLEST = 0.04  # of the picture's longer side: a digit has at least this size
_INSIDE = 0.3  # of the tallest stroke: what is so tall, and inside the picture, is the digit
# Strokes that are so tall, in relation to the tallest, and are side by side with no more overlap than this, are
# several digits. Of MNIST's 70 000 images, 18 are broken into parts that do so.
_TALL, _OVERLAP = 0.7, 0.1


def ink(grey: Values) -> Values:
    """How much ink each pixel has: 0 for paper, 1 for a full stroke. grey: luminance in 0..1.

    Raises:
        UserError: there is none, next to none, or there are several digits.
    """
    paper, grain = _paper(grey)
    darker = (paper - grey) / np.maximum(paper, _FAINTEST)  # ink swallows a share of the light that there is
    lighter = grey - paper
    contrast = max(darker, lighter, key=lambda values: values[values > _FAINTEST].sum())
    seen = contrast[contrast > max(_FAINTEST, _GRAIN * grain)]
    if not seen.size:
        raise UserError(_NOTHING)
    full = float(np.percentile(seen, 90))
    share = np.clip(contrast / full, 0, 1)
    return np.where(_strokes(share, max(_STROKE, _GRAIN * grain / full)), share, 0)


def _paper(grey: Values) -> tuple[Values, float]:
    """What the paper would look like without ink, and the standard deviation of its grain.

    It is a quadratic surface that is fitted to whatever is near it, once from the border on, and once from the whole,
    because a bold digit covers most of the whole, and a table beneath the paper may cover most of the border. The one
    that more of the border is nearer to is the paper.
    """
    step = math.ceil(max(grey.shape) / _FITTED)
    terms, values = _terms(grey.shape), grey[::step, ::step]
    few, border = terms[::step, ::step], _border(values.shape)
    fits = (_fitted(few, values, start) for start in (border, np.ones_like(border)))
    coefficients, grain = max(fits, key=lambda fit: np.count_nonzero(np.abs(values - few @ fit[0])[border] < _FAINTEST))
    return terms @ coefficients, grain


def _fitted(terms: Values, values: Values, start: Mask) -> tuple[NDArray[np.float64], float]:
    """The coefficients [6] of a surface, and the standard deviation of the paper.

    It begins near the median of `start`, and is fitted to what is near it there, and at last to everything near it.
    """
    near, residual = start, np.abs(values - np.median(values[start]))
    for left in reversed(range(_ROUNDS)):
        grain = _GAUSSIAN * float(np.median(residual[near]))
        near = residual <= max(3 * grain, _FAINTEST / 2)
        if left >= _ROUNDS_OF_ALL:
            near &= start
        a = terms[near]  # [pixels, 6]
        coefficients = np.asarray(np.linalg.lstsq(a.T @ a, a.T @ values[near])[0], np.float64)
        residual = np.abs(values - terms @ coefficients)
    return coefficients, _GAUSSIAN * float(np.median(residual[near]))


def _terms(shape: tuple[int, ...]) -> Values:
    """1, x, y, x^2, x y, y^2 of each pixel, [height, width, 6], where x and y go from -1 to 1."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in shape), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def _border(shape: tuple[int, ...]) -> Mask:
    border = np.ones(shape, bool)
    rows, columns = (max(1, round(side * _BORDER)) for side in shape)
    border[rows:-rows, columns:-columns] = False
    return border


def _strokes(share: Values, edge: float) -> Mask:
    """Where the digit is: its connected strokes without dust, and a pixel around them, where they fade out."""
    from scipy import ndimage  # late: numbers and tables do not need it

    neighbours = np.ones((3, 3), bool)
    labels, _ = ndimage.label(share > edge, neighbours)
    # Of each connected stroke: its first row and column, the ones after its last, and its number of pixels.
    boxes = np.array([[(span.start, span.stop) for span in box] for box in ndimage.find_objects(labels)])
    (top, left), (bottom, right) = boxes[:, :, 0].T, boxes[:, :, 1].T
    height, width, area = bottom - top, right - left, np.bincount(labels.ravel())[1:]
    # What reaches over the border, such as the paper's edge, does not count if something inside has a digit's size. A
    # digit that fills its picture reaches to the border, too, and then everything counts.
    counts = (top > 0) & (left > 0) & (bottom < share.shape[0]) & (right < share.shape[1])
    if not (height[counts] >= _INSIDE * height.max()).any():
        counts[:] = True
    digit = counts & (area >= _DUST * area[counts].max())
    if max(height[digit].max(), width[digit].max()) < _SMALLEST * max(share.shape):
        raise UserError(_NOTHING)
    tallest = height[digit].max()
    tall = np.flatnonzero(digit & (height >= _TALL * tallest))
    tall = tall[np.lexsort((right[tall], left[tall]))]  # from left to right
    if (left[tall[1:]] - right[tall[:-1]] >= -_OVERLAP * tallest).any():
        raise UserError("several digits side by side; give each its own picture")
    strokes: Mask = ndimage.binary_dilation(np.isin(labels, 1 + np.flatnonzero(digit)), neighbours)
    return strokes
