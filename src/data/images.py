"""Own pictures: a folder with a folder for each class. They are made grey and of one size.

A picture is turned as its EXIF data say, laid on white where it is transparent, converted to luminance, and resized to
the recipe's height and width, whatever its proportions. Of a film, the first frame counts.
"""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from src.data.own import require_memory
from src.data.raw import Labelled
from src.foundation.errors import UserError, machine_error

if TYPE_CHECKING:
    from PIL.Image import Image

# None that starts a program, as EPS would, or whose library prints warnings about damage, as that of TIFF does.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".pbm")
MOST_PIXELS = 64_000_000
MOST_BYTES = 64 << 20  # of a file
_SHOWN = 3


def pictures(folder: Path) -> dict[str, list[Path]]:
    """The files with pictures of each class, sorted by their names; classes are subfolders, sorted, too.

    Hidden files and files of other kinds are left out; folders in the folder of a class belong to it.

    Raises:
        UserError: there are no classes, one has no pictures, or pictures lie beside the folders of classes.
    """
    classes = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not _hidden(entry.name))
    if links := [entry for entry in classes if entry.is_symlink()]:  # whose files no copy would have
        raise UserError(f"{links[0]}: a link to a folder; allowed: folders; copy what it leads to")
    loose = [entry.name for entry in sorted(folder.iterdir()) if entry.is_file() and is_picture(entry)]
    if loose:
        raise UserError(
            f"{folder}: {loose[0]} is in no class; allowed: a folder for each class, with its pictures in it"
        )
    if not classes:
        raise UserError(f"{folder}: no folders in it; allowed: a folder for each class, with its pictures in it")
    found: dict[str, list[Path]] = {}
    for each in classes:
        found[each.name] = sorted(path for path in each.rglob("*") if is_picture(path) and path.is_file())
        if not found[each.name]:
            kinds = ", ".join(SUFFIXES)
            raise UserError(f"{each}: no pictures in it ({kinds}); remove this folder, or put pictures into it")
    return found


def is_picture(path: Path) -> bool:
    """Whether a file counts, by its name."""
    return path.suffix.lower() in SUFFIXES and not any(map(_hidden, path.parts[-2:]))


def read(folder: Path, image: tuple[int, int] | None = None) -> Labelled:
    """The pictures of a folder, x uint8, class after class.

    image: the height and width that they get; None: those of the first one.

    Raises:
        UserError: some can't be read; the message names the first ones, with the reasons.
    """
    files = pictures(folder)
    paths = [path for of_class in files.values() for path in of_class]
    height, width = image = image or opened(paths[0]).size[::-1]
    require_memory(folder, len(paths) * height * width)
    x, reasons = np.empty((len(paths), height * width), np.uint8), list[str]()
    for row, path in enumerate(paths):
        try:
            x[row] = np.asarray(grey(path, image), np.uint8).ravel()
        except UserError as error:
            reasons.append(str(error))
    refuse_broken(reasons, len(paths))
    counts = [len(of_class) for of_class in files.values()]
    return Labelled(x, np.repeat(np.arange(len(counts), dtype=np.int64), counts), tuple(files), image)


def refuse_broken(reasons: Sequence[str], count: int) -> None:
    """Raises `UserError` if there are reasons why some of so many pictures can't be used; it names the first ones."""
    if reasons:
        more = f"; and {len(reasons) - _SHOWN} others" if len(reasons) > _SHOWN else ""
        some = f"{len(reasons):,} of {count:,} pictures can't be used: " if len(reasons) > 1 else ""
        raise UserError(f"{some}{'; '.join(reasons[:_SHOWN])}{more}")


def grey(path: Path, image: tuple[int, int]) -> "Image":
    """A picture, upright, on white, in 8 bits of luminance, height and width as in `image`.

    Raises:
        UserError: it is damaged, too large, or has 16 bits or floats, whose white is unknown.
    """
    from PIL import Image  # late: commands that read no pictures start without it

    picture = opened(path)
    if picture.has_transparency_data:
        layers = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers)
    height, width = image
    grey = picture.convert("L")
    return grey if grey.size == (width, height) else grey.resize((width, height), Image.Resampling.BILINEAR)


def opened(path: Path, deep: bool = False) -> "Image":
    """A picture, upright, of 8 bits a channel unless it may be `deep`. Raises `UserError` as `grey` does."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise UserError(f"{path}: has {size:,} bytes; allowed: at most {MOST_BYTES:,}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # users can't mend metadata
            picture = Image.open(io.BytesIO(path.read_bytes()), formats=FORMATS)  # reads the header alone
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise UserError(f"{path}: has {width} x {height} pixels; allowed: at most {MOST_PIXELS:,}")
            bits = repr([tile[3] for tile in picture.tile])  # Pillow drops 8 of 16 bits of colours, and says so here
            if not deep and (picture.mode.startswith(("I", "F")) or ";16" in bits):
                raise UserError(
                    f"{path}: has 16 bits or floats a pixel; allowed: 8 bits; convert it, so that white is 255"
                )
            picture.load()
            return ImageOps.exif_transpose(picture)
    except UserError:
        raise
    except UnidentifiedImageError:
        raise UserError(f"{path}: not a picture of a known format ({', '.join(FORMATS)}), or damaged") from None
    except Image.DecompressionBombError:
        raise UserError(f"{path}: has too many pixels; allowed: at most {MOST_PIXELS:,}") from None
    except OSError as error:
        raise UserError(f"{path}: can't be read ({machine_error(error) if error.errno else error})") from None
    except Exception as error:  # whatever Pillow's decoders raise
        raise UserError(f"{path}: damaged ({error})") from None


def _hidden(name: str) -> bool:
    """Whether a name is of a file that programs leave, as `.DS_Store`."""
    return name.startswith((".", "__MACOSX"))
