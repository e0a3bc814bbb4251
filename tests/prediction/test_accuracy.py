"""How often a network that was trained on MNIST reads pictures of other hands than MNIST's; `-s` prints the shares."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from src.prediction.inputs import read_examples
from src.prediction.predictions import Prediction, predictions
from src.prediction.signature import RawExamples
from tests.prediction.conftest import Trained
from tests.prediction.drawing import FONTS, drawn, photographed, printed, written

pytestmark = pytest.mark.slow
HANDS = 200  # of MNIST's test set
EACH = 20  # pictures of a digit
Draw = Callable[[int, int, np.random.Generator], Image.Image]  # the k-th picture of a digit
# Pictures of a digit, how many, and the share that a training of seconds must read. It reads more, and a long training
# more again.
KINDS: dict[str, tuple[Draw, int, float]] = {
    "strokes": (lambda digit, k, rng: drawn(written(digit, rng), light_on_dark=k % 2 == 1), EACH, 0.85),
    "fine strokes": (lambda digit, k, rng: drawn(written(digit, rng, pen=0.025)), EACH, 0.85),
    "photographs": (lambda digit, k, rng: photographed(written(digit, rng), rng), EACH, 0.85),
    "small on photographs": (lambda digit, k, rng: photographed(written(digit, rng, height=0.2), rng), EACH, 0.8),
    "fonts": (lambda digit, k, rng: drawn(printed(str(digit), FONTS[k]), light_on_dark=k % 2 == 1), len(FONTS), 0.75),
}


def read(mnist: Trained, folder: Path, pictures: list[Image.Image]) -> list[Prediction]:
    """What the pictures are taken for, once they are saved."""
    files = []
    for k, picture in enumerate(pictures):
        files.append(str(folder / f"{k}.png"))
        picture.save(files[-1])
    return predictions(mnist.model, mnist.signature, read_examples(files, mnist.signature))


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_read(mnist: Trained, tmp_path: Path, kind: str) -> None:
    draw, count, least = KINDS[kind]
    rng = np.random.default_rng(list(KINDS).index(kind))
    labels = np.repeat(np.arange(10), count)
    found = read(mnist, tmp_path, [draw(digit, n % count, rng) for n, digit in enumerate(labels)])
    right = np.mean([one.label == str(label) for one, label in zip(found, labels, strict=True)])
    print(f"\n{kind}: {right:.1%} of {len(labels)} read")
    assert right >= least


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
