"""Folders of pictures: classes, sizes and kinds as people have them; broken ones are named."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src.data import images
from tests.helpers.refusals import refusal

RAMP = np.linspace(0, 255, 48).reshape(6, 8).astype(np.uint8)  # [6, 8]
SIZE = (6, 8)


def saved(path: Path, picture: Image.Image | None = None, **how: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (picture or Image.fromarray(RAMP)).save(path, **how)  # type: ignore[arg-type]
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes: one with two pictures, in folders, and other files; one with one."""
    saved(tmp_path / "dogs" / "b.png")
    saved(tmp_path / "cats" / "old" / "z.PNG", Image.fromarray(255 - RAMP))
    saved(tmp_path / "cats" / "a.gif")
    saved(tmp_path / ".git" / "no.png")
    saved(tmp_path / "cats" / ".ipynb_checkpoints" / "a.png")
    saved(tmp_path / "cats" / "._a.png")
    (tmp_path / "cats" / "Thumbs.db").write_bytes(b"no picture")
    (tmp_path / "license.txt").write_text("free")
    return tmp_path


def test_the_folders_are_the_classes(folder: Path) -> None:
    found = images.pictures(folder)
    assert {name: [path.name for path in paths] for name, paths in found.items()} == {
        "cats": ["a.gif", "z.PNG"],
        "dogs": ["b.png"],
    }
    x, y, labels, image, published_test = images.read(folder, SIZE)
    np.testing.assert_array_equal(x, np.stack([RAMP, 255 - RAMP, RAMP]).reshape(3, -1))
    np.testing.assert_array_equal(y, [0, 0, 1])
    assert (x.dtype, y.dtype, labels, image, published_test) == (np.uint8, np.int64, ("cats", "dogs"), SIZE, 0)


def rgba() -> Image.Image:
    """Black ink, as strong as its alpha."""
    return Image.fromarray(np.dstack([np.zeros((6, 8, 3), np.uint8), 255 - RAMP]))


def palette() -> Image.Image:
    indexed = Image.fromarray(RAMP).convert("P")
    indexed.info["transparency"] = int(np.asarray(indexed)[0, 0])
    return indexed


def turned() -> Image.Image:
    """As a camera stores it that was held upright."""
    picture = Image.fromarray(RAMP).transpose(Image.Transpose.ROTATE_90)
    picture.getexif()[0x0112] = 6
    return picture


MADE: dict[str, tuple[str, Callable[[], Image.Image], int]] = {
    "grey": ("png", lambda: Image.fromarray(RAMP), 0),
    "colours": ("png", lambda: Image.fromarray(RAMP).convert("RGB"), 0),
    "printed": ("jpg", lambda: Image.fromarray(RAMP).convert("RGB").convert("CMYK"), 8),
    "transparent": ("png", rgba, 1),
    "grey and transparent": ("png", lambda: rgba().convert("LA"), 1),
    "turned": ("png", turned, 0),
    "bitmap": ("bmp", lambda: Image.fromarray(RAMP), 0),
    "lossless webp": ("webp", lambda: Image.fromarray(RAMP).convert("RGB"), 2),
    "portable": ("pgm", lambda: Image.fromarray(RAMP), 0),
}


@pytest.mark.parametrize("kind", MADE)
def test_pictures_are_upright_grey_and_on_white(kind: str, tmp_path: Path) -> None:
    suffix, make, off = MADE[kind]
    picture = make()
    how = {"lossless": True} if suffix == "webp" else {"exif": picture.getexif()} if suffix == "png" else {}
    grey = images.grey(saved(tmp_path / f"it.{suffix}", picture, **how), SIZE)
    assert np.abs(np.asarray(grey, int) - RAMP).max() <= off


def test_a_transparent_colour_is_white(tmp_path: Path) -> None:
    assert np.asarray(images.grey(saved(tmp_path / "it.gif", palette(), transparency=0), SIZE))[0, 0] == 255


@pytest.mark.parametrize("size", [(3, 4), (6, 4), (12, 16), (1, 1)])
def test_pictures_of_any_size_become_one(size: tuple[int, int], tmp_path: Path) -> None:
    grey = np.asarray(images.grey(saved(tmp_path / "it.png"), size), float)
    assert grey.shape == size
    assert grey.mean() == pytest.approx(RAMP.mean(), abs=3)
    assert (np.diff(grey, axis=0) >= 0).all()
    assert (np.diff(grey, axis=1) >= 0).all()


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def broken(path: Path, damage: str) -> Path:
    if damage == "16 bits":
        return saved(path, Image.fromarray(RAMP.astype(np.uint16) * 257))
    if damage == "16 bits of colour":
        import struct
        import zlib

        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        head = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
        rows = zlib.compress((b"\0" + bytes(12)) * 2)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
        return path
    whole = saved(path, Image.fromarray(noise(64, 64))).read_bytes()
    cut = {"empty": b"", "cut": whole[: len(whole) // 2], "text": b"<svg></svg>", "header": whole[:30]}
    path.write_bytes(cut[damage])
    return path


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("empty", "not a picture of a known format"),
        ("cut", "it.png: (can't be read|damaged)"),
        ("header", "it.png: "),
        ("text", "not a picture of a known format"),
        ("16 bits", "16 bits or floats"),
        ("16 bits of colour", "16 bits or floats"),
    ],
)
def test_what_is_no_picture_of_8_bits_is_named(damage: str, reason: str, tmp_path: Path) -> None:
    assert re.search(reason, refusal(images.grey, broken(tmp_path / "it.png", damage), SIZE))


def test_the_first_broken_ones_are_named_and_all_counted(folder: Path) -> None:
    broken(folder / "cats" / "k.png", "cut")
    message = refusal(images.read, folder, SIZE)
    assert "cats/k.png: " in message
    assert "others" not in message
    for name in "lmn":
        broken(folder / "dogs" / f"{name}.png", "empty")
    message = refusal(images.read, folder, SIZE)
    assert message.startswith("4 of 7 pictures can't be used: ")
    assert message.endswith("; and 1 others")
    assert all(name in message for name in ("cats/k.png", "dogs/l.png", "dogs/m.png"))


def test_folders_without_classes_or_without_pictures_are_refused(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert f"{folder / 'empty'}: no pictures in it" in refusal(images.pictures, folder)
    (folder / "empty").rmdir()
    (folder / "link").symlink_to(folder / "dogs")
    assert f"{folder / 'link'}: a link to a folder" in refusal(images.pictures, folder)
    (folder / "link").unlink()
    saved(folder / "loose.jpg")
    assert "loose.jpg is in no class" in refusal(images.pictures, folder)
    assert "b.png is in no class" in refusal(images.pictures, folder / "dogs")
    (folder / "none").mkdir()
    assert "no folders in it" in refusal(images.pictures, folder / "none")
