"""Reads a picture as grey values. Nothing that the file claims is trusted."""

import io
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from src.foundation.errors import UserError
from src.prediction.raw import content

# None that starts a program, as EPS would, or whose library prints warnings about damage, as that of TIFF does.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")
LARGEST_FILE = 64 << 20  # bytes
MOST_PIXELS = 64_000_000
_LONGEST_SIDE = 512  # pixels: a photograph has many more than a digit needs

Grey = NDArray[np.float64]  # [height, width]


def grey(path: Path) -> Grey:
    """The picture's luminance in 0..1, upright, with at most 512 pixels a side; of a film the first frame.

    Raises:
        UserError: there is no such file, or it is not a picture of a known format, damaged, or too large.
    """
    data = content(path, LARGEST_FILE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # users can't mend metadata
            return _luminance(_opened(path, data))
    except UnidentifiedImageError:
        known = ", ".join(FORMATS)
        raise UserError(f"{path}: not a picture of a known format ({known}), nor .csv, nor .npy") from None
    except Image.DecompressionBombError:
        raise UserError(f"{path}: too many pixels; at most {MOST_PIXELS:,} are allowed") from None
    except UserError:
        raise
    except Exception as error:  # whatever Pillow's decoders raise
        raise UserError(f"{path}: a damaged picture ({error})") from None


def _opened(path: Path, data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data), formats=FORMATS)  # reads the header alone
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise UserError(f"{path}: {width} x {height} pixels; at most {MOST_PIXELS:,} are allowed")
    picture.load()
    return ImageOps.exif_transpose(picture)


def _luminance(picture: Image.Image) -> Grey:
    if picture.mode.startswith(("I", "F")):  # 16 or 32 bits, or floats, whose white is unknown
        values = _reduced(Image.fromarray(np.asarray(picture, np.float32)))
        darkest, lightest = np.min(values), np.max(values)
        if not np.isfinite(lightest - darkest):
            raise ValueError("some of its values are not finite")
        return (values - darkest) / (lightest - darkest or 1.0)
    if not picture.has_transparency_data:
        return _reduced(picture.convert("L")) / 255
    layers = _shrunk(picture.convert("RGBA"))
    on_white, on_black = (_over(paper, layers) for paper in ("white", "black"))
    return on_white if np.ptp(on_white) > 0 else on_black  # white ink on a transparent ground


def _over(paper: str, layers: Image.Image) -> Grey:
    flat = Image.alpha_composite(Image.new("RGBA", layers.size, paper), layers)
    return np.asarray(flat.convert("L"), np.float64) / 255


def _reduced(picture: Image.Image) -> Grey:
    return np.asarray(_shrunk(picture), np.float64)


def _shrunk(picture: Image.Image) -> Image.Image:
    """The picture, reduced to the longest side that is used."""
    longest = max(picture.size)
    if longest <= _LONGEST_SIDE:
        return picture
    width, height = (max(1, round(side * _LONGEST_SIDE / longest)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BOX)
