"""Pictures of digits to try predictions with: printed in fonts, written by a pen, and photographed on paper."""

import functools
import io
import itertools
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Values = NDArray[np.float64]  # [height, width]: ink, 0 to 1
SIDE = 200  # pixels
_FINER = 3  # drawn so much larger, then reduced, so that edges are smooth

FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSerif",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralItalic",
    "cmr10",
    "cmss10",
    "cmtt10",
)

# How people write each digit: strokes as points that the pen goes through, x to the right and y down, in 0 to 1.
# "/" is a stroke of straight lines, "~" a smooth one.
WAYS = """\
0 ~ .5,0 .15,.25 .15,.7 .5,1 .85,.7 .85,.25 .5,0
0 ~ .6,.02 .2,.2 .1,.6 .4,1 .8,.75 .85,.3 .55,0
1 / .5,0 .5,1
1 / .3,.25 .55,0 .55,1
1 / .3,.22 .52,0 .52,1 / .3,1 .75,1
2 ~ .15,.25 .45,0 .8,.2 .65,.55 .15,1 / .15,1 .9,1
2 ~ .2,.2 .5,0 .78,.22 .5,.7 .2,.95 .15,.8 .35,.8 .9,1
3 ~ .2,.1 .55,0 .8,.22 .45,.47 ~ .45,.47 .85,.65 .7,.95 .4,1 .15,.88
3 / .2,0 .8,0 .45,.4 ~ .45,.4 .85,.55 .8,.9 .45,1 .15,.88
4 / .6,0 .1,.65 .9,.65 / .65,.3 .65,1
4 / .2,0 .15,.5 .8,.5 / .75,0 .72,1
5 / .8,0 .25,0 .2,.42 ~ .2,.42 .6,.36 .85,.65 .65,.95 .15,.95
5 ~ .3,.03 .22,.42 .6,.4 .82,.7 .55,1 .15,.92 / .28,.02 .85,0
6 ~ .7,0 .3,.3 .15,.7 .45,1 .8,.8 .65,.52 .2,.65
6 ~ .6,0 .25,.45 .25,.85 .55,1 .78,.78 .55,.58 .25,.8
7 / .15,0 .85,0 .4,1
7 / .15,.02 .85,0 .45,1 / .35,.5 .8,.48
8 ~ .5,.47 .2,.25 .5,0 .8,.22 .5,.47 .15,.78 .5,1 .85,.76 .5,.47
8 ~ .75,.12 .45,0 .22,.2 .5,.45 .8,.75 .5,1 .2,.8 .5,.5 .75,.12
9 ~ .8,.28 .5,.48 .2,.28 .48,0 .8,.25 .75,.7 .6,1
9 ~ .78,.2 .4,0 .18,.25 .4,.45 .78,.2 / .78,.15 .72,1
"""


def printed(text: str, font: str = FONTS[0], size: int = 140) -> Values:
    """A digit, or several, in a font."""
    canvas = Image.new("L", (SIDE * max(1, len(text)), SIDE))
    ImageDraw.Draw(canvas).text((canvas.width / 2, SIDE / 2), text, 255, _font(font, size), anchor="mm")
    return np.asarray(canvas, np.float64) / 255


@functools.cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf"), size)


def written(digit: int, rng: np.random.Generator, height: float = 0.6, pen: float | None = None) -> Values:
    """A digit as a hand writes it, no two alike. height: of the picture; pen: the stroke's width, of the height."""
    stroke = height * SIDE * _FINER * (rng.uniform(0.06, 0.16) if pen is None else pen)
    angle, slant, stretch = np.radians(rng.uniform(-8, 8)), rng.uniform(-0.1, 0.35), rng.uniform(0.7, 1.1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ [[stretch, -slant], [0, 1]]
    middle = 0.5 + rng.uniform(-0.25, 0.25, 2) * (1 - height)
    canvas = Image.new("L", (SIDE * _FINER, SIDE * _FINER))
    draw = ImageDraw.Draw(canvas)
    ways = [line[2:] for line in WAYS.splitlines() if line[0] == str(digit)]
    for path in _paths(ways[rng.integers(len(ways))], rng):
        for x, y in SIDE * _FINER * (middle + height * (path - 0.5) @ turn.T):
            draw.ellipse((x - stroke / 2, y - stroke / 2, x + stroke / 2, y + stroke / 2), fill=255)
    return np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.BOX), np.float64) / 255


def _paths(way: str, rng: np.random.Generator) -> list[Values]:
    """Each stroke as close points [n, 2], led by a hand that is not steady."""
    strokes: list[tuple[bool, list[list[float]]]] = []
    for word in way.split():
        if word in "/~":
            strokes.append((word == "~", []))
        else:
            strokes[-1][1].append([float(number) for number in word.split(",")])
    return [
        (_smooth if smooth else _straight)(np.array(p) + rng.normal(0, 0.025, (len(p), 2))) for smooth, p in strokes
    ]


def _straight(points: Values) -> Values:
    t = np.linspace(0, 1, 60)[:, None]
    return np.concatenate([a + (b - a) * t for a, b in itertools.pairwise(points)])


def _smooth(points: Values) -> Values:
    """A Catmull-Rom spline."""
    t = np.linspace(0, 1, 60)[:, None]
    p = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    pieces = [
        (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3) / 2
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return np.concatenate(pieces)


def drawn(ink: Values, *, light_on_dark: bool = False) -> Image.Image:
    """As a drawing program saves it: black on white, or white on black."""
    return Image.fromarray(np.rint(255 * (ink if light_on_dark else 1 - ink)).astype(np.uint8))


def photographed(ink: Values, rng: np.random.Generator) -> Image.Image:
    """As a camera sees it: coloured ink and paper, unevenly lit, out of focus, grainy, and a JPEG."""
    height, width = ink.shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    direction = rng.uniform(0, 2 * np.pi)
    towards = (1 + np.cos(direction) * x + np.sin(direction) * y) / 2  # the lamp is there
    light = 1 - rng.uniform(0, 0.4) * towards - rng.uniform(0, 0.2) * (x**2 + y**2) / 2
    paper, colour = rng.uniform(0.75, 1, 3), rng.uniform(0, 0.35, 3)
    blurred = drawn(ink, light_on_dark=True).resize((width // 2, height // 2), Image.Resampling.BOX)
    soft = np.asarray(blurred.resize((width, height), Image.Resampling.BICUBIC), np.float64)[..., None] / 255
    seen = (paper + (colour - paper) * soft) * light[..., None]
    seen += rng.normal(0, rng.uniform(0, 0.04), seen.shape)
    file = io.BytesIO()
    Image.fromarray((255 * seen.clip(0, 1)).astype(np.uint8)).save(file, "JPEG", quality=int(rng.integers(40, 95)))
    return Image.open(file)
