import gzip
import io
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from src.data import mnist
from src.data.mirrors import NotServed, Offers, Place
from src.foundation.errors import RunFailed
from tests.data.conftest import SHAPES, idx_bytes, little_memory
from tests.helpers.refusals import refusal

Offer = Callable[..., None]
IMAGES = "train-images-idx3-ubyte"


def serving(files: dict[str, bytes]) -> Place:
    def offers(wanted: Mapping[str, int]) -> Offers:
        for name in wanted.keys() & files.keys():
            yield name, io.BufferedReader(io.BytesIO(files[name]))

    return offers


def failing(reason: str) -> Place:
    def offers(wanted: Mapping[str, int]) -> Offers:
        yield from ()
        raise NotServed(reason)

    return offers


def exploding(wanted: Mapping[str, int]) -> Offers:
    raise AssertionError("nothing should be fetched")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "raw"


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Puts places, by their names, where the files are fetched from."""
    return lambda **places: monkeypatch.setattr(mnist, "PLACES", places)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_published_lengths_are_those_of_the_format() -> None:
    assert [file.length for file in mnist.FILES.values()] == [47_040_016, 60_008, 7_840_016, 10_008]


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {IMAGES: gzip.compress},
        dict.fromkeys(SHAPES, gzip.compress),
        {IMAGES: bytes},  # a browser may unzip a .gz file without renaming it
    ],
    ids=["plain", "mixed", "gzipped", "unzipped .gz"],
)
def test_files_come_from_the_users_folder(
    published: dict[str, bytes], mirror: Path, stored: Any, capsys: pytest.CaptureFixture[str], raw: Path
) -> None:
    for name, form in stored.items():
        (mirror / name).unlink()
        (mirror / f"{name}.gz").write_bytes(form(published[name]))
    mnist.fetch(raw, mirror)
    assert contents(raw) == published
    assert f"4 of 4 files fetched from data.mirror={mirror}" in capsys.readouterr().err


def flipped(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


# What happens to a file, and what the message says.
CORRUPTIONS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda content: b"", "SHA-256"),
    "cut": (lambda content: content[:-1], "SHA-256"),
    "longer": (lambda content: content + b"\x00", "more than the expected 23536 bytes"),
    "flipped bit": (flipped, "SHA-256"),
    "other shape": (lambda content: idx_bytes(np.zeros((28, 28, 30))), "SHA-256"),
    "cut gzip": (lambda content: gzip.compress(content)[:-9], "ended before"),
    "flipped gzip": (lambda content: flipped(gzip.compress(content)), "Incorrect length"),
    "garbage behind gzip": (lambda content: gzip.compress(content) + b"garbage", "Not a gzipped file"),
    "no deflate stream": (lambda content: gzip.compress(content)[:10] + b"\xff" * 40, "decompressing"),
    "gzip bomb": (lambda content: gzip.compress(bytes(50_000_000)), "more than the expected 23536 bytes"),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_a_corrupt_file_takes_no_memory_and_is_rejected_from_the_users_folder_but_fetched_elsewhere_from_a_public_place(
    published: dict[str, bytes], mirror: Path, corruption: str, raw: Path, offer: Offer
) -> None:
    damage, reason = CORRUPTIONS[corruption]
    corrupt = damage(published[IMAGES])
    (mirror / IMAGES).write_bytes(corrupt)
    raw.mkdir()
    offer(elsewhere=exploding)
    with little_memory():
        message = refusal(mnist.fetch, raw, mirror)
    assert re.search(f"data.mirror=.*{IMAGES} is not MNIST's: .*{reason}", message)
    assert contents(raw) == {}
    offer(corrupt=serving({**published, IMAGES: corrupt}), sound=serving(published))
    mnist.fetch(raw, None)
    assert contents(raw) == published


def test_what_the_users_folder_lacks_is_fetched_elsewhere_and_a_folder_that_is_missing_rejected(
    published: dict[str, bytes], mirror: Path, capsys: pytest.CaptureFixture[str], raw: Path, offer: Offer
) -> None:
    (mirror / IMAGES).unlink()
    offer(elsewhere=serving({IMAGES: published[IMAGES]}), last=exploding)
    assert re.search(r"data\.mirror=.*nowhere: no such folder", refusal(mnist.fetch, raw, mirror / "nowhere"))
    mnist.fetch(raw, mirror)
    assert contents(raw) == published
    assert "1 of 4 files fetched from elsewhere" in capsys.readouterr().err


def test_only_files_that_are_damaged_or_missing_are_fetched_again(
    published: dict[str, bytes], mirror: Path, tmp_path: Path, raw: Path, offer: Offer
) -> None:
    mnist.fetch(raw, mirror)
    before = written(raw)
    offer(elsewhere=exploding)
    mnist.fetch(raw, None)
    assert written(raw) == before
    damaged, missing, *kept = SHAPES
    (raw / damaged).write_bytes(flipped(published[damaged]))
    (raw / missing).unlink()
    for name in kept:
        (mirror / name).unlink()
    mnist.fetch(raw, mirror)
    assert contents(raw) == published
    assert {name: written(raw)[name] for name in kept} == {name: before[name] for name in kept}


def test_a_mirror_that_is_named_is_verified_though_nothing_is_missing(
    published: dict[str, bytes], mirror: Path, tmp_path: Path, raw: Path
) -> None:
    mnist.fetch(raw, mirror)
    before = written(raw)
    (tmp_path / "empty").mkdir()
    for folder, message in ((tmp_path / "nowhere", "no such folder"), (tmp_path / "empty", "has none of the files")):
        assert message in refusal(mnist.fetch, raw, folder)
    (mirror / IMAGES).write_bytes(flipped(published[IMAGES]))
    assert f"{IMAGES} is not MNIST's" in refusal(mnist.fetch, raw, mirror)
    assert written(raw) == before
    for name, content in published.items():
        (mirror / name).unlink()
        (mirror / name.replace("-idx", ".idx")).write_bytes(content)  # as Kaggle names them
    shutil.rmtree(raw)
    mnist.fetch(raw, mirror)
    assert contents(raw) == published


def written(raw: Path) -> dict[str, tuple[int, int]]:
    """Which file each name is, and when it was written: verifying reads it, which is another time."""
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in raw.iterdir()}


def test_if_no_place_has_a_file_each_is_listed_with_its_reason(
    published: dict[str, bytes], mirror: Path, raw: Path, offer: Offer
) -> None:
    (mirror / IMAGES).unlink()
    offer(one=failing("no\nconnection"), two=failing("x " * 5000), three=serving({}))
    with pytest.raises(RunFailed) as failed:
        mnist.fetch(raw, mirror)
    message = str(failed.value)
    reasons = [
        f"data.mirror={mirror}: it lacks {IMAGES}",
        "one: no connection",
        "two: x x",
        f"three: it lacks {IMAGES}",
    ]
    assert all(reason in message for reason in reasons)
    assert message.endswith("Set data.mirror=FOLDER to a folder with the four files")
    assert "\n" not in message
    assert len(message) < 2000
    assert sorted(contents(raw)) == sorted(SHAPES.keys() - {IMAGES})


def test_a_full_disk_does_not_count_as_a_place_that_fails(
    published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, raw: Path, offer: Offer
) -> None:
    monkeypatch.setattr(mnist, "replacing", Mock(side_effect=OSError(28, "no space")))
    offer(one=serving(published), two=exploding)
    with pytest.raises(OSError, match="no space"):
        mnist.fetch(raw, None)


def test_examples_are_pooled_train_first(published: dict[str, bytes], mirror: Path) -> None:
    x, y, *_ = mnist.read(mirror)
    assert x.dtype == np.uint8
    assert y.dtype == np.int64
    assert x.tobytes() == published[IMAGES][16:] + published["t10k-images-idx3-ubyte"][16:]
    np.testing.assert_array_equal(y, np.concatenate([np.arange(30) % 10, np.arange(20) % 10]))
