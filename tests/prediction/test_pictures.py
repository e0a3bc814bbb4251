"""From a picture to what a network gets: the same digit however it is drawn, saved and lit; and no trust in files."""

import functools
import io
import itertools
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageOps

from src.data import images
from src.data.images import MOST_PIXELS
from src.data.sources import SOURCES
from src.foundation.errors import UserError
from src.prediction.ink import ink
from src.prediction.pictures import FRAMES, frame, grey, read_picture
from src.prediction.signature import Signature
from tests.helpers.refusals import refusal
from tests.prediction.drawing import FONTS, SIDE, Values, drawn, photographed, printed, written

DIGIT = printed("5", "DejaVuSerif")
NOTHING = "no digit found"


@pytest.fixture
def seen(tmp_path: Path) -> Callable[..., Values]:
    """What a network for MNIST gets of a picture that is saved as PNG, or otherwise: [28, 28], of 0 to 1."""

    def image(picture: Image.Image, name: str = "picture.png", **how: object) -> Values:
        picture.save(tmp_path / name, **how)
        return frame(ink(grey(tmp_path / name)), FRAMES["mnist"], (28, 28))

    return image


def alike(one: Values, other: Values, mean: float = 0.01) -> bool:
    """Whether two images are nearly the same: by the mean difference of their pixels."""
    return float(np.abs(one - other).mean()) < mean


# --- the same digit --------------------------------------------------------------------------------------------------


def on(background: int, colour: int) -> Image.Image:
    return Image.fromarray(np.rint(background + (colour - background) * DIGIT).astype(np.uint8))


def coloured(paper: tuple[int, int, int], pen: tuple[int, int, int]) -> Image.Image:
    return Image.composite(Image.new("RGB", (SIDE, SIDE), pen), Image.new("RGB", (SIDE, SIDE), paper), on(0, 255))


def resized(factor: float) -> Image.Image:
    return ImageOps.scale(on(255, 0), factor, Image.Resampling.BICUBIC)


def transparent(pen: str) -> Image.Image:
    picture = Image.new("RGBA", (SIDE, SIDE), pen)
    picture.putalpha(on(0, 255))
    return picture


def lit(light: Callable[[Values, Values], Values]) -> Image.Image:
    y, x = np.meshgrid(*[np.linspace(-1, 1, SIDE)] * 2, indexing="ij")
    return Image.fromarray((255 * (0.9 - 0.8 * DIGIT) * light(x, y)).astype(np.uint8))


def beside(paper: int, colour: int, *strips: tuple[Any, int]) -> Image.Image:
    """The digit, and strips that are as dark as this, or darker."""
    values = np.array(on(paper, colour))
    for strip, luminance in strips:
        values[strip] = np.minimum(values[strip], luminance)
    return Image.fromarray(values)


SAME: dict[str, Callable[[], Image.Image]] = {
    "light on dark": lambda: on(0, 255),
    "grey on grey": lambda: on(150, 90),
    "lighter grey on dark grey": lambda: on(60, 130),
    "two colours": lambda: on(255, 0).convert("1"),
    "a palette": lambda: on(255, 0).convert("P"),
    "red on white": lambda: coloured((255, 255, 255), (200, 0, 0)),
    "yellow on blue": lambda: coloured((10, 20, 90), (250, 230, 0)),
    "black on nothing": lambda: transparent("black"),
    "white on nothing": lambda: transparent("white"),
    "grey and alpha": lambda: transparent("black").convert("LA"),
    "CMYK": lambda: on(255, 0).convert("CMYK"),
    "16 bits": lambda: Image.fromarray(np.asarray(on(255, 0)).astype(np.uint16) * 257),
    **{f"{factor} times the size": functools.partial(resized, factor) for factor in (0.5, 2, 3, 7)},
    "moved": lambda: ImageChops.offset(on(255, 0), 18, -9),
    "a wide margin": lambda: ImageOps.expand(on(255, 0), 150, 255),
    "no margin": lambda: Image.fromarray(np.asarray(on(255, 0))[_box(DIGIT)]),
    "light from the side": lambda: lit(lambda x, y: 0.65 + 0.35 * x),
    "a dark corner": lambda: lit(lambda x, y: 1 - 0.1 * (x + 1) ** 2 - 0.06 * (y + 1) ** 2),
    "vignetting": lambda: lit(lambda x, y: 1 - 0.3 * (x**2 + y**2)),
    "dust": lambda: beside(255, 0, (np.s_[10:14, 20:24], 0), (np.s_[180:185, 100:103], 0)),
    "the paper's edge": lambda: beside(230, 20, (np.s_[:, :12], 60), (np.s_[-9:], 90)),
    "ruled paper": lambda: beside(250, 10, (np.s_[8::24], 200)),
    "squared paper": lambda: beside(250, 10, (np.s_[8::16], 150), (np.s_[:, 8::16], 150)),
}
NOT_PNG = {"CMYK": "picture.jpg"}


def _turned(*lines: int, squared: bool) -> Image.Image:
    strips: list[tuple[Any, int]] = [(np.s_[line::30], 60) for line in lines]
    strips += [(np.s_[:, line::30], 60) for line in lines if squared]
    return beside(250, 10, *strips).rotate(4, Image.Resampling.BICUBIC, fillcolor=250)


def _box(values: Values) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero((values > 0.5).any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


@pytest.mark.parametrize("kind", SAME)
def test_a_digit_is_seen_alike_however_it_is_drawn_and_lit(seen: Callable[..., Values], kind: str) -> None:
    plain = seen(on(255, 0))
    assert alike(seen(SAME[kind](), NOT_PNG.get(kind, "picture.png")), plain, 0.015)
    assert not alike(seen(drawn(printed("3", "DejaVuSerif"))), plain, 0.05)  # so that the above says something


@pytest.mark.parametrize(
    ("name", "how"),
    [
        *((name, {}) for name in ("a.JPEG", "a.bmp", "a.gif", "a.webp", "a.pgm")),
        ("a.jpg", {"quality": 60}),
        ("a", {"format": "PNG"}),
        ("a.png", {"format": "JPEG"}),  # its content counts
        ("b.gif", {"save_all": True, "append_images": [drawn(printed("3"))]}),  # of a film the first picture
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_any_usual_format_is_read(seen: Callable[..., Values], name: str, how: dict[str, object]) -> None:
    assert alike(seen(on(255, 0), name, **how), seen(on(255, 0)))


def test_a_camera_says_which_side_is_up(seen: Callable[..., Values]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    turned = on(255, 0).transpose(Image.Transpose.ROTATE_90)
    assert alike(seen(turned, "a.jpg", exif=exif, quality=95), seen(on(255, 0)))
    assert not alike(seen(turned, "a.jpg", quality=95), seen(on(255, 0)), 0.05)


def test_digits_stand_as_mnist_has_them(seen: Callable[..., Values]) -> None:
    rng = np.random.default_rng(0)
    for digit in range(10):
        image = seen(photographed(written(digit, rng), rng))
        rows, columns = _box(np.where(image > 0.01, 1.0, 0.0))
        assert max(rows.stop - rows.start, columns.stop - columns.start) in (19, 20)
        mass = [image.sum(axis=axis) @ np.arange(28) / image.sum() for axis in (1, 0)]
        assert np.abs(np.array(mass) - 14).max() <= 0.5
        assert image.max() == 1


def test_what_stands_as_in_mnist_is_left_as_it_is() -> None:
    for digit in range(10):
        once = frame(ink(printed(str(digit))), FRAMES["mnist"], (28, 28))
        assert alike(frame(ink(once), FRAMES["mnist"], (28, 28)), once, 0.005)


def test_a_picture_for_a_model_of_ones_own_pictures_is_made_as_its_data_were(tmp_path: Path) -> None:
    signature = Signature(35, None, (5, 7), "images", 255, {}, "float32")
    paths = [tmp_path / "set" / name / "a.png" for name in ("cats", "dogs")]
    for k, path in enumerate(paths):
        path.parent.mkdir(parents=True)
        Image.effect_noise((20, 30), 50 + k).convert("RGB").save(path)
    data = images.read(tmp_path / "set", (5, 7))
    for path, x in zip(paths, data.x, strict=True):
        np.testing.assert_array_equal(read_picture(path, signature).x, [x])


def test_a_dark_picture_of_ones_own_is_no_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scaling = {"kind": "standard", "center": 115.0, "scale": 70.0}
    signature = Signature(35, None, (5, 7), "images", 255, scaling, "float32")
    Image.new("L", (7, 5), 30).save(tmp_path / "a.png")
    got = read_picture(tmp_path / "a.png", signature)
    signature.check(got, "a.png")
    assert capsys.readouterr().err.startswith("warning: a.png: unlike the training data: mean 30")
    assert "multiply them by 8.5" in refusal(signature.check, got._replace(picture=False), "a.npy")


def test_every_source_of_images_has_its_frame() -> None:
    assert {name for name, source in SOURCES.items() if source.image} == FRAMES.keys()


# --- no digit, or more than one --------------------------------------------------------------------------------------


def noise(deviation: float) -> Image.Image:
    values = np.random.default_rng(0).normal(200, deviation, (300, 300))
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def framed(draw: Callable[[ImageDraw.ImageDraw], None]) -> Image.Image:
    picture = on(255, 0)
    draw(ImageDraw.Draw(picture))
    return picture


def window() -> Image.Image:
    """A drawing program: a title, a menu, tools, and the digit on a canvas."""
    picture = Image.new("L", (640, 480), 235)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 640, 28), fill=70)
    for k in range(8):
        draw.text((10 + 60 * k, 36), "Menu", fill=0)
        draw.rectangle((10 + 30 * k, 60, 32 + 30 * k, 82), outline=60)
    draw.rectangle((80, 110, 540, 440), fill=255, outline=100, width=2)
    picture.paste(on(255, 0), (200, 160))
    return picture


LINED = "lines, a frame or a window around the digit: give a picture of one digit on plain paper"
NO_DIGIT: dict[str, tuple[Callable[[], Image.Image], str]] = {
    "white": (lambda: Image.new("L", (50, 50), 255), NOTHING),
    "black": (lambda: Image.new("RGB", (50, 40)), NOTHING),
    "a pixel": (lambda: Image.new("L", (1, 1)), NOTHING),
    "a line of pixels": (lambda: Image.new("L", (600, 1), 9), NOTHING),
    "transparent": (lambda: Image.new("RGBA", (50, 50), (0, 0, 0, 0)), NOTHING),
    "grain": (lambda: noise(5), NOTHING),
    "coarse grain": (lambda: noise(25), NOTHING),
    "light alone": (lambda: Image.linear_gradient("L").point(lambda v: 100 + v // 2), NOTHING),
    "a speck": (lambda: ImageOps.expand(Image.new("L", (5, 5)), 150, 255), NOTHING),
    "42": (lambda: drawn(printed("42", size=120)), "several digits side by side"),
    "1 1": (lambda: drawn(printed("11"), light_on_dark=True), "several digits side by side"),
    "dark squared paper": (lambda: beside(250, 10, (np.s_[8::24], 60), (np.s_[:, 8::24], 60)), LINED),
    "dark squared paper, turned": (lambda: _turned(8, 9, squared=True), LINED),
    "dark ruled paper": (lambda: beside(250, 10, (np.s_[8::30], 60)), LINED),
    "dark ruled paper, turned": (lambda: _turned(8, 9, squared=False), LINED),
    "dark ruled paper with a margin": (lambda: beside(250, 10, (np.s_[8::30], 60), (np.s_[:, 40:42], 60)), LINED),
    "a printed box": (lambda: framed(lambda draw: draw.rectangle((12, 12, 188, 188), outline=0, width=3)), LINED),
    "a circle": (lambda: framed(lambda draw: draw.ellipse((4, 4, 196, 196), outline=0, width=3)), LINED),
    "a window": (window, LINED),
    "a number": (lambda: drawn(printed("2026")), "several digits side by side"),
}


@pytest.mark.parametrize("kind", NO_DIGIT)
def test_a_picture_without_a_digit_or_with_several_is_refused(seen: Callable[..., Values], kind: str) -> None:
    picture, message = NO_DIGIT[kind]
    assert message in refusal(seen, picture())


def test_a_digit_in_two_parts_is_one(seen: Callable[..., Values]) -> None:
    broken = written(5, np.random.default_rng(3), pen=0.08)
    rows, _ = _box(broken)
    hat = rows.start + (rows.stop - rows.start) // 4
    broken[hat : hat + 4] = 0
    assert seen(drawn(broken)).max() == 1
    for font in FONTS:  # one has a zero with a dot
        assert alike(seen(drawn(printed("0", font))), seen(drawn(printed("0", font), light_on_dark=True)))


# --- no trust in files -----------------------------------------------------------------------------------------------


def png(width: int, height: int) -> bytes:
    """The beginning of a picture that claims this size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(b"\0" * 100), b"IEND"]
    body = b"".join(struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


BOMB = f".*(allowed: at most {MOST_PIXELS:,}|damaged)"  # which its header says
NOT_FINITE = r"damaged \(some of its values are not finite\)"
UNKNOWN = r"not a picture of a known format \(PNG, JPEG"
REFUSED: list[tuple[bytes, str]] = [
    *((png(side, side), BOMB) for side in (8001, 12_000, 100_000, 2_000_000_000)),
    (b"Pf\n2 1\n-1.0\n" + np.array([1, np.nan], "<f4").tobytes(), NOT_FINITE),
    *((text, UNKNOWN) for text in (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"<svg/>", b"hello", b"\0")),
]


@pytest.mark.parametrize(("content", "message"), REFUSED)
def test_what_is_no_picture_of_a_known_format_and_size_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.eps").write_bytes(content)
    assert re.search(rf"a\.eps: {message}", refusal(grey, tmp_path / "a.eps"))


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "PPM"])
def test_every_cut_and_flipped_byte_is_refused_or_read(tmp_path: Path, format_: str) -> None:
    file = io.BytesIO()
    on(255, 0).resize((40, 40)).save(file, format_)
    whole, refused = file.getvalue(), 0
    rng = np.random.default_rng(0)
    cuts = (whole[:length] for length in rng.integers(0, len(whole), 100))
    for damaged in itertools.chain(cuts, (_flipped(whole, rng) for _ in range(100))):
        (tmp_path / "damaged").write_bytes(damaged)
        try:
            values = grey(tmp_path / "damaged")
        except UserError as error:
            assert str(error).startswith(str(tmp_path / "damaged"))  # noqa: PT017  # some come through
            refused += 1
        else:
            assert values.ndim == 2
            assert max(values.shape) <= 512
            assert 0 <= values.min() <= values.max() <= 1
    assert refused > 50


def _flipped(whole: bytes, rng: np.random.Generator) -> bytes:
    damaged = bytearray(whole)
    damaged[rng.integers(min(len(whole), 200))] ^= 1 << rng.integers(8)
    return bytes(damaged)
