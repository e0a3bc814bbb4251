"""Reads a picture, mostly of a digit, as an example of a data set."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from src.data import images
from src.foundation.errors import UserError
from src.prediction.ink import Values, ink
from src.prediction.signature import RawExamples, Signature

_LONGEST_SIDE = 512  # pixels: a photograph has many more than a digit needs
_EDGE = 0.2  # of full ink: the extent of a digit, a little beyond the middle of its strokes' edges


class Frame(NamedTuple):
    """The size and place of digits in the images of a data set."""

    box: int  # pixels: the longer side of a digit
    middle: float  # the row, and the column, of its centre of mass, to half a pixel


# By source. MNIST: "normalized to fit in a 20x20 pixel box while preserving their aspect ratio", then placed by the
# centre of mass (http://yann.lecun.com/exdb/mnist/); its 70 000 images have it at row and column 14. The digits of
# 8 x 8 pixels are as high as their images, and have it in the middle.
FRAMES = {"mnist": Frame(box=20, middle=14.0), "digits": Frame(box=8, middle=3.5)}


def read_picture(path: Path, signature: Signature) -> RawExamples:
    """The example that a picture is; `UserError` if it is damaged, or, for a model of digits, not of one digit."""
    assert signature.image is not None
    assert signature.largest is not None
    if signature.source == "images":  # the user's own, which are made grey and of one size, and nothing else
        grey_image = np.asarray(images.grey(path, signature.image), np.float64)
        return RawExamples([str(path)], grey_image.reshape(1, -1), picture=True)
    if signature.source not in FRAMES:
        raise UserError(f"{path}: pictures can't be converted to examples of {signature.source}")
    values = grey(path)
    try:
        image = frame(ink(values), FRAMES[signature.source], signature.image)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return RawExamples([str(path)], np.rint(signature.largest * image).reshape(1, -1), picture=True)


def grey(path: Path) -> Values:
    """The picture's luminance in 0..1, upright, with at most 512 pixels a side; of a film the first frame.

    Raises:
        UserError: it is not a picture of a known format, damaged, or too large.
    """
    picture = images.opened(path, deep=True)
    try:
        return _luminance(picture)
    except Exception as error:  # whatever Pillow raises
        raise UserError(f"{path}: damaged ({error})") from None


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


def _luminance(picture: Image.Image) -> Values:
    if picture.mode.startswith(("I", "F")):  # 16 or 32 bits, or floats, whose white is unknown
        values = _reduced(Image.fromarray(np.asarray(picture, np.float32)))
        darkest, lightest = np.min(values), np.max(values)
        if not np.isfinite(lightest - darkest):
            raise ValueError("some of its values are not finite")
        return (values - darkest) / (lightest - darkest or 1.0)
    if not picture.has_transparency_data:
        return _reduced(picture.convert("L")) / 255
    layers = _shrunk(picture.convert("RGBA"))
    papers = (Image.new("RGBA", layers.size, paper) for paper in ("white", "black"))
    on_white, on_black = (_reduced(Image.alpha_composite(paper, layers).convert("L")) / 255 for paper in papers)
    return on_white if np.ptp(on_white) > 0 else on_black  # white ink on a transparent ground


def _reduced(picture: Image.Image) -> Values:
    return np.asarray(_shrunk(picture), np.float64)


def _shrunk(picture: Image.Image) -> Image.Image:
    """The picture, reduced to the longest side that is used."""
    longest = max(picture.size)
    if longest <= _LONGEST_SIDE:
        return picture
    width, height = (max(1, round(side * _LONGEST_SIDE / longest)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BOX)


def _centre(mass: NDArray[np.float64]) -> float:
    return float(mass @ np.arange(len(mass)) / mass.sum())
