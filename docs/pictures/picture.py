"""What the README's pictures have in common: a checkout with its data, and a small file."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from src.foundation.files import ROOT, replacing


def with_mnist(checkout: Path) -> Path:
    """Lends a copy of the repository the files of MNIST that are here, so that none is fetched."""
    raw = ROOT / "data" / "raw" / "mnist"
    if raw.is_dir():
        (checkout / "data" / "raw").mkdir(parents=True, exist_ok=True)
        (checkout / "data" / "raw" / "mnist").symlink_to(raw)
    return checkout


def save(screenshot: bytes, target: Path, colors: int = 256) -> None:
    """Writes a screenshot as a PNG of few colors, and prints how large it is."""
    picture = Image.open(BytesIO(screenshot)).convert("RGB")
    with replacing(target) as file:
        picture.quantize(colors, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    print(target, target.stat().st_size)
