"""Separates the ink of one digit from the paper: dark on light or light on dark, in uneven light, with grain and dust.

On even paper the values stay as they are, so an image of MNIST is its own ink.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from src.foundation.errors import UserError

Values = NDArray[np.float64]  # [height, width]
Mask = NDArray[np.bool_]  # [height, width]

_LINED = "lines, a frame or a window around the digit: give a picture of one digit on plain paper"
_NOTHING = "no digit found, or it is too small: the digit should fill most of the picture"
_BORDER = 0.05  # of a side: the frame that is taken for paper
_FAINTEST = 0.06  # of the range from black to white: what differs less is no ink
_GRAIN = 5.0  # standard deviations that the paper's grain does not reach
_ROUNDS, _ROUNDS_OF_ALL = 8, 3  # of fitting the light; the last of them to the whole picture
_FITTED = 64  # pixels a side to which the light is fitted: it has no details
_GAUSSIAN = 1.4826  # standard deviation / median absolute deviation
_FULL = 97  # percent of what is seen is fainter than full ink: most of it may be the lines of squared paper
_STROKE = 0.5  # of full ink: where a stroke ends. Shadows and ruled lines have less
_DUST = 0.05  # of the largest stroke's area: what is smaller is no part of the digit
_SMALLEST = 0.04  # of the picture's longer side: a digit has at least this size
_INSIDE = 0.3  # of the tallest stroke: what is so tall, and inside the picture, is the digit
# Strokes that are so tall, in relation to the tallest, and are side by side with no more overlap than this, are
# several digits. Of MNIST's 70 000 images, 18 are broken into parts that do so.
_TALL, _OVERLAP = 0.7, 0.1
_THIN, _LONGER = 0.15, 1.2  # a line is so thin for its length, and so much longer than the digit is tall
_SIDE, _COVERED = 0.15, 0.9  # a frame, or a button, covers so much of each side, within so much of its size
_SQUARE, _LARGE = 0.3, 0.4  # the least ratio of its sides, and of the longer one to the digit's height
_HOLES, _HOLE = 4, 0.003  # a digit has no more holes of this share of its area
_ENDS = 5  # nor more places where it reaches the left and right sides of its picture


def ink(grey: Values) -> Values:
    """How much ink each pixel has: 0 for paper, 1 for a full stroke. grey: luminance in 0..1.

    Raises:
        UserError: there is none, next to none, or there are several digits.
    """
    paper, grain = _paper(grey)
    darker = paper - grey
    dark, light = (values[values > _FAINTEST].sum() for values in (darker, -darker))
    # Dark ink swallows a share of the light that there is.
    contrast = darker / np.maximum(paper, _FAINTEST) if dark > light else -darker
    seen = contrast[contrast > max(_FAINTEST, _GRAIN * grain)]
    if not seen.size:
        raise UserError(_NOTHING)
    full = float(np.percentile(seen, _FULL))
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
    objects = ndimage.find_objects(labels)
    boxes = np.array([[(span.start, span.stop) for span in box] for box in objects])
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
    outer = boxes[np.flatnonzero(digit & (height == tallest))[0]]
    within = (boxes[:, :, 0] > outer[:, 0]).all(axis=1) & (boxes[:, :, 1] < outer[:, 1]).all(axis=1)
    framed = (digit & within & (height >= _INSIDE * tallest)).any()
    if framed or _lined([labels[objects[k]] == k + 1 for k in np.flatnonzero(digit)], share.shape):
        raise UserError(_LINED)
    tall = np.flatnonzero(digit & (height >= _TALL * tallest))
    tall = tall[np.lexsort((right[tall], left[tall]))]  # from left to right
    if (left[tall[1:]] - right[tall[:-1]] >= -_OVERLAP * tallest).any():
        raise UserError("several digits side by side; give each its own picture")
    strokes: Mask = ndimage.binary_dilation(np.isin(labels, 1 + np.flatnonzero(digit)), neighbours)
    return strokes


def _lined(strokes: Sequence[Mask], picture: tuple[int, ...]) -> bool:
    """Whether strokes, each cut out of the picture, are lines, frames or grids, or connected with some."""
    from scipy import ndimage

    tallest = max(len(stroke) for stroke in strokes)
    for stroke in strokes:
        height, width = stroke.shape
        if height < _THIN * width and width > _LONGER * tallest:
            return True
        ends = np.diff(stroke[:, [0, -1]].astype(np.int8), axis=0, prepend=0) > 0
        if width >= picture[1] - 2 and (height < (1 - _BORDER) * picture[0] or np.count_nonzero(ends) > _ENDS):
            return True
        rows, columns = max(1, round(_SIDE * height)), max(1, round(_SIDE * width))
        bands = (stroke[:rows], stroke[-rows:], stroke[:, :columns].T, stroke[:, -columns:].T)
        covered = min(float(band.any(axis=0).mean()) for band in bands)
        square = min(stroke.shape) >= _SQUARE * max(stroke.shape) >= _SQUARE * _LARGE * tallest
        if square and covered >= _COVERED:
            return True
        gaps, _ = ndimage.label(~np.pad(stroke, 1))  # the first one is around the stroke
        if np.count_nonzero(np.bincount(gaps.ravel())[2:] >= _HOLE * stroke.size) > _HOLES:
            return True
    return False
