"""How often a network that was trained on MNIST reads pictures of other hands than MNIST's; `-s` prints the shares."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from src.prediction.inputs import read_examples
from src.prediction.predictions import Prediction, predictions
from src.prediction.raw import RawExamples
from tests.prediction.drawing import FONTS, drawn, photographed, printed, written
from tests.prediction.trained import Trained

pytestmark = pytest.mark.slow
Labelled = Iterator[tuple[int, Image.Image]]
EACH = 20  # of a digit
HANDS = 200  # of MNIST's test set


def fonts() -> Labelled:
    for digit in range(10):
        for k, font in enumerate(FONTS):
            yield digit, drawn(printed(str(digit), font), light_on_dark=k % 2 == 1)


def strokes() -> Labelled:
    rng = np.random.default_rng(0)
    for digit in range(10):
        for k in range(EACH):
            yield digit, drawn(written(digit, rng), light_on_dark=k % 2 == 1)


def fine_strokes() -> Labelled:
    rng = np.random.default_rng(1)
    for digit in range(10):
        for _ in range(EACH):
            yield digit, drawn(written(digit, rng, pen=0.025))


def photographs() -> Labelled:
    rng = np.random.default_rng(2)
    for digit in range(10):
        for _ in range(EACH):
            yield digit, photographed(written(digit, rng), rng)


def small_on_photographs() -> Labelled:
    rng = np.random.default_rng(3)
    for digit in range(10):
        for _ in range(EACH):
            yield digit, photographed(written(digit, rng, height=0.2), rng)


# The share that a training of seconds is to read at least. What it reads is more, and a long training's more again.
LEAST: dict[Callable[[], Labelled], float] = {
    fonts: 0.75,
    strokes: 0.85,
    fine_strokes: 0.85,
    photographs: 0.85,
    small_on_photographs: 0.8,
}


def read(mnist: Trained, folder: Path, pictures: list[Image.Image]) -> list[Prediction]:
    """What the pictures are taken for, once they are saved."""
    files = []
    for k, picture in enumerate(pictures):
        files.append(str(folder / f"{k}.png"))
        picture.save(files[-1])
    return predictions(mnist.model, mnist.signature, read_examples(files, mnist.signature))


@pytest.mark.parametrize("kind", LEAST, ids=lambda kind: kind.__name__)
def test_pictures_are_read(mnist: Trained, tmp_path: Path, kind: Callable[[], Labelled]) -> None:
    labels, pictures = zip(*kind(), strict=True)
    found = read(mnist, tmp_path, list(pictures))
    right = np.array([one.label == str(label) for one, label in zip(found, labels, strict=True)])
    print(f"\n{kind.__name__}: {right.mean():.1%} of {len(right)} read")
    assert right.mean() >= LEAST[kind]


def raw_images(trained: Trained) -> RawExamples:
    """Images of its test set, as their source has them."""
    scaling = trained.dataset.scaling
    x = np.rint(np.asarray(trained.dataset.test.x[:HANDS], np.float64) * scaling["scale"] + scaling["center"])
    return RawExamples([str(row) for row in range(HANDS)], x)


AS: dict[str, tuple[Callable[[Image.Image], Image.Image], float, float]] = {  # least share alike; most of a difference
    "itself": (lambda image: image, 0.98, 0.02),
    "its negative": (ImageOps.invert, 0.98, 0.02),
    "shifted, with a margin": (lambda image: ImageOps.expand(image, (3, 9, 14, 5)), 0.98, 0.02),
    "twice as large": (lambda image: image.resize((56, 56), Image.Resampling.BICUBIC), 0.95, 0.2),
    "five times as large, dark on light": (
        lambda image: ImageOps.invert(image.resize((140, 140), Image.Resampling.BICUBIC)), 0.95, 0.2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", AS)
def test_an_image_of_mnist_is_taken_for_the_same_as_a_picture(mnist: Trained, tmp_path: Path, way: str) -> None:
    change, least, most = AS[way]
    raw = raw_images(mnist)
    images = [Image.fromarray(image) for image in raw.x.reshape(-1, 28, 28).astype(np.uint8)]
    found = read(mnist, tmp_path, [change(image) for image in images])
    pairs = list(zip(predictions(mnist.model, mnist.signature, raw), found, strict=True))
    alike = np.mean([as_array.label == as_picture.label for as_array, as_picture in pairs])
    difference = np.mean([abs(one.probabilities[other.label] - other.probability) for one, other in pairs])
    print(f"\n{way}: {alike:.1%} of {len(pairs)} alike, probabilities differ by {difference:.4f}")
    assert alike >= least
    assert difference <= most


def test_digits_of_8_x_8_pixels_are_read_too(digits8: Trained, tmp_path: Path) -> None:
    images = [Image.fromarray((15 * image).astype(np.uint8)) for image in raw_images(digits8).x.reshape(-1, 8, 8)]
    large = [ImageOps.invert(ImageOps.expand(image.resize((80, 80), Image.Resampling.NEAREST), 20)) for image in images]
    found = read(digits8, tmp_path, large)
    labels = np.array(digits8.dataset.labels)[digits8.dataset.test.y[:HANDS]]
    right = np.mean([one.label == label for one, label in zip(found, labels, strict=True)])
    print(f"\ndigits of 8 x 8 pixels: {right:.1%} of {len(labels)} read")
    assert right >= 0.8
