"""Whether examples could come from the training data: none of its own are refused, and usual mistakes are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from src.data.sources import SOURCES
from src.prediction.distribution import KNOWN, OfFeatures, OfPixels, distribution
from src.prediction.inputs import read_examples
from tests.helpers.refusals import refusal
from tests.prediction.conftest import Trained

Values = NDArray[np.float64]


@pytest.fixture(scope="session")
def images(digits8: Trained) -> Values:
    """[1797, 64], raw."""
    return SOURCES["digits"].read(digits8.root / "data/raw/digits").x.astype(np.float64)


def measured(x: Values, largest: int) -> OfPixels:
    return OfPixels(float(x.mean()), float(x.std()), float(x.mean(axis=1).std()), largest)


def test_what_is_known_of_digits_is_true(images: Values) -> None:
    np.testing.assert_allclose(KNOWN["digits"], measured(images, 16), rtol=1e-3)


@pytest.mark.slow
def test_what_is_known_of_mnist_is_true_and_its_images_are_all_near(mnist: Trained) -> None:
    x = SOURCES["mnist"].read(mnist.root / "data/raw/mnist").x.astype(np.float64)
    np.testing.assert_allclose(KNOWN["mnist"], measured(x, 255), rtol=1e-3)
    assert np.mean([KNOWN["mnist"].near(x[k : k + 1])[0] for k in range(0, len(x), 20)]) > 0.999


# A mistake that people make with images of 0 to 16, and what undoes it by the message.
MISTAKES: dict[str, tuple[Callable[[Values], Values], str, Callable[[Values], Values]]] = {
    "inverted": (lambda x: 16 - x, "give 16 - x", lambda x: 16 - x),
    "thresholded": (lambda x: (x > 7) * 1.0, "multiply them by 16", lambda x: 16 * x),
    "as floats": (lambda x: x / 16, "multiply them by 16", lambda x: 16 * x),
    "0 to 4": (lambda x: np.rint(x / 4), "multiply them by 4", lambda x: 4 * x),
    "as bytes": (lambda x: np.rint(x * 255 / 16), "multiply them by 0.06275", lambda x: x * 16 / 255),
    "inverted floats": (lambda x: 1 - x / 16, "give 16 - 16 x", lambda x: 16 - 16 * x),
    "symmetric": (lambda x: x / 8 - 1, "give 8 (x + 1)", lambda x: 8 * (x + 1)),
    "standardized": (lambda x: (x - 4.884) / 6.017, "give 6.017 x + 4.884", lambda x: 6.017 * x + 4.884),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_usual_mistake_with_images_is_refused_with_what_undoes_it(
    digits8: Trained, images: Values, tmp_path: Path, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    make, cure, undo = MISTAKES[mistake]
    full = images[images.max(axis=1) == 16]
    for x in (full[:1], full[:100], full):
        np.save(tmp_path / "x.npy", make(x))
        message = refusal(read_examples, [str(tmp_path / "x.npy")], digits8.signature)
        assert f": {cure}, or add --as-is" in message
        assert message.startswith(str(tmp_path / "x.npy"))
        np.testing.assert_array_equal(
            read_examples([str(tmp_path / "x.npy")], digits8.signature, as_is=True).x, make(x)
        )
        np.save(tmp_path / "x.npy", undo(make(x)).clip(0, 16))
        read_examples([str(tmp_path / "x.npy")], digits8.signature)
    assert capsys.readouterr().err == ""


def test_images_of_the_training_data_are_near_alone_and_together(images: Values) -> None:
    for known in (KNOWN["digits"], distribution({"kind": "standard", "center": 4.884, "scale": 6.017}, "idx", 16, 64)):
        assert known is not None
        assert all(known.near(x[None]).all() for x in images)
        assert all(known.near(images[start::7]).all() for start in range(7))


@pytest.mark.parametrize("kind", ["noise", "blank", "blots"])
def test_images_that_no_mistake_explains_are_predicted_with_a_warning(
    digits8: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    rng = np.random.default_rng(0)
    x = {"noise": rng.integers(0, 17, (20, 64)), "blank": np.zeros((1, 64)), "blots": np.full((3, 64), 16)}[kind]
    np.save(tmp_path / "x.npy", x)
    assert len(read_examples([str(tmp_path / "x.npy")], digits8.signature).x) == len(x)
    told = capsys.readouterr().err
    assert told.startswith(f"warning: {tmp_path / 'x.npy'}: unlike the training data: mean ")
    assert told.count("\n") == 1


def test_values_far_from_the_training_data_get_a_warning_that_names_the_oddest(
    spiral: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read_examples(["X1=0.4", "X2=-0.9"], spiral.signature)
    assert capsys.readouterr().err == ""
    read_examples(["X1=0.4", "X2=50"], spiral.signature)
    assert "unlike the training data: X2=50 is 123 standard deviations from the mean, -0.01856" in (
        capsys.readouterr().err
    )
    (tmp_path / "p.csv").write_text("X1,X2\n0,0\n-30,0\n0,40\n")
    read_examples([str(tmp_path / "p.csv")], spiral.signature)
    assert f": 2 of 3 examples, the first one {tmp_path / 'p.csv'}:3: X1=-30 is " in capsys.readouterr().err
    read_examples(["X1=0.4", "X2=50"], spiral.signature, as_is=True)
    assert capsys.readouterr().err == ""


def test_values_that_are_standardized_already_are_a_mistake_unless_the_raw_ones_are_so_too() -> None:
    rng = np.random.default_rng(0)
    center, scale = np.array([170.0, 60, 0]), np.array([10.0, 15, np.inf])  # the last one is a category
    known, z = OfFeatures(center, scale), rng.normal(size=(50, 3))
    raw = np.where(np.isinf(scale), 1, center + z * np.where(np.isinf(scale), 0, scale))
    assert known.near(raw).all()
    assert [mistake for mistake, _ in known.mistakes(z)] == ["its values look standardized, as if scaled already"]
    assert not [*known.mistakes(raw)]
    assert not [*known.mistakes(raw * 100)]
    assert not [*OfFeatures(np.zeros(3), np.ones(3)).mistakes(z)]


def test_nothing_is_known_of_data_that_were_not_scaled_by_mean_and_deviation() -> None:
    for kind in ("none", "unit", "symmetric"):
        assert distribution({"kind": kind, "center": 0.0, "scale": 1.0}, "idx", 255, 64) is None
