"""Files that were cut, altered, or made to deceive are never accepted, and never take 200 MB of memory."""

import gzip
import json
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from src.config.tree import Config
from src.data.dataset import Dataset
from src.runs.training_run import run
from tests.conftest import ROOT
from tests.data.conftest import SHAPES, idx_bytes
from tests.faults.children import json_lines
from tests.faults.damaging import HARMLESS, MOST_MEMORY
from tests.faults.figures import Injections
from tests.faults.trainings import InterruptsAfter
from tests.helpers.archives import claims, sealed, zipped

Files = Callable[[str], Path]


@pytest.fixture
def file(tmp_path: Path, home: Path, digits_folder: Path, digits: Dataset, small: Callable[..., Config]) -> Files:
    """A good file of each kind."""

    def made(name: str) -> Path:
        if name.endswith(".npz"):
            training = small("train.checkpoint_epochs=1", "train.checkpoint_seconds=null", "optimizer=adam")
            with pytest.raises(KeyboardInterrupt):
                run(training, digits, InterruptsAfter(2))
            [folder] = [file.parent for file in (home / "runs").glob("*/run.json")]
            (folder / "checkpoint.previous.npz").unlink(missing_ok=True)
            (folder / "arrays").symlink_to(digits_folder / "data/normalized/digits")
            return folder / name
        if name == "params.yaml":
            return Path(shutil.copy(ROOT / name, tmp_path))
        if name == "dataset.json":
            return Path(shutil.copytree(digits_folder / "data/normalized/digits", tmp_path / "arrays")) / name
        for part, shape in SHAPES.items():
            (tmp_path / part).write_bytes(idx_bytes(np.arange(np.prod(shape)).reshape(shape) % 10))
        return tmp_path / name

    return made


def damaged(file: Path, count: int, liars: list[Path], injections: Injections) -> None:
    start = time.monotonic()
    with json_lines("tests.faults.damaging", file, count, *liars) as reports:
        [report] = reports
    refused, wrong = report["refused"], report["wrong"]
    what = f"{file.name}: cut, altered or lying"
    injections.add(what, refused + len(wrong), refused, time.monotonic() - start)
    assert not wrong, "\n".join(wrong)
    assert refused > 2 * count + len(liars)
    assert report["memory"] < MOST_MEMORY
    injections.note(f"{file.name}: at most {report['memory'] / 1e6:.0f} MB allocated")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["model.npz", "checkpoint.npz", "dataset.json", "train-images-idx3-ubyte", "params.yaml"]
)
def test_a_damaged_file_is_never_accepted(name: str, file: Files, tmp_path: Path, injections: Injections) -> None:
    good = file(name)
    liars = lying_archives(good, tmp_path / "liars") if good.suffix == ".npz" else []
    damaged(good, injections.wanted(1000), liars, injections)


def lying_archives(good: Path, folder: Path) -> list[Path]:
    """Archives that are well sealed, and not what they claim to be; each a good one but for one lie."""
    folder.mkdir()
    with np.load(good, allow_pickle=False) as archive:
        first = next(name for name in archive.files if name != "header")
    with zipfile.ZipFile(good) as archive:
        members = {member.filename: archive.read(member) for member in archive.infolist()}
    header = json.loads(str(np.load(good, allow_pickle=False)["header"]))
    name = f"{first}.npy"

    def text(value: str) -> bytes:
        encoded = value.encode("utf-32-le")
        return claims("()", f"<U{len(value)}", encoded)

    records = claims("(1,)", "<f4", bytes(4)).replace(b"'<f4'", b"[('','<f4')]")
    bomb = claims(f"({300 << 20},)", "|u1", bytes(300 << 20))
    contents: dict[str, list[tuple[str, bytes]]] = {
        "claims 10^12 elements": [*(members | {name: claims("(1000000000000,)")}).items()],
        "claims 10^12 of nothing": [*(members | {name: claims("(1000000000000,)", "|V0")}).items()],
        "claims a shape that overflows": [*(members | {name: claims("(4294967296, 4294967296)", "<f4")}).items()],
        "claims fewer than none": [*(members | {name: claims("(-1,)")}).items()],
        "holds objects": [*(members | {name: claims("(1,)", "|O", b"cos\nsystem\n(S'id'\ntR.")}).items()],
        "holds records": [*(members | {name: records}).items()],
        "has a header that runs code": [*(members | {name: claims("(__import__('os').getpid(),)")}).items()],
        "has a deep header": [*(members | {"header.npy": text("[" * 100_000)}).items()],
        "has a header of another kind": [*(members | {"header.npy": text("7")}).items()],
        "has no header": [(key, value) for key, value in members.items() if key != "header.npy"],
        "has nothing": [],
        "leads elsewhere": [*members.items(), ("../../x.npy", members[name])],
        "leads to the root": [*members.items(), ("/x.npy", members[name])],
        "has a name twice": [*members.items(), (name, members[name])],
        "has a name twice, once without .npy": [*members.items(), (first, members[name])],
        f"{HARMLESS}has one more": [*members.items(), ("more.npy", members[name])],
    }
    for key in header:  # who can write a header can write weights: it may be believed, or refused; it may do no harm
        less = {k: v for k, v in header.items() if k != key}
        contents[f"{HARMLESS}has no {key}"] = [*(members | {"header.npy": text(json.dumps(less))}).items()]
        for value in (None, -1, 10**12, "x", [10**6, 10**6], {}):
            if value != header[key]:
                lie = json.dumps(header | {key: value})
                contents[f"{HARMLESS}says {key} is {value}"] = [*(members | {"header.npy": text(lie)}).items()]
    return [sealed(folder / what, zipped(entries)) for what, entries in contents.items()] + [
        sealed(folder / "zip bomb", zipped([(name, bomb)], zipfile.ZIP_DEFLATED)),
        sealed(folder / "compressed", zipped([*members.items()], zipfile.ZIP_DEFLATED)),
        sealed(folder / "claims a size of its own", oversized(zipped([*members.items()]))),
    ]


def oversized(archive: bytes) -> bytes:
    """The archive, whose directory says that its first member has 4 GB."""
    directory = archive.index(b"PK\x01\x02")
    return archive[: directory + 20] + b"\xfe\xff\xff\xff" * 2 + archive[directory + 28 :]


@pytest.mark.slow
def test_a_gzip_bomb_is_not_unpacked(file: Files, tmp_path: Path, injections: Injections) -> None:
    """Zipped files that unpack to far more than MNIST has."""
    good = file("train-images-idx3-ubyte")
    header, bombs = good.read_bytes()[:16], tmp_path / "bombs"
    contents = {
        "300 MB": gzip.compress(header + bytes(300 << 20), 1),
        "300 MB behind an empty header": gzip.compress(idx_bytes(np.zeros((0, 0, 0))) + bytes(300 << 20), 1),
        "many members": gzip.compress(bytes(10**6)) * 300,
        "zipped twice": gzip.compress(gzip.compress(bytes(300 << 20), 1)),
        "a name that leads elsewhere": b"\x1f\x8b\x08\x08" + bytes(6) + b"../../x\0" + gzip.compress(header)[10:],
    }
    bombs.mkdir()
    for what, content in contents.items():
        (bombs / what).write_bytes(content)
    gzipped = good.with_name(f"{good.name}.gz")
    gzipped.write_bytes(gzip.compress(good.read_bytes()))
    good.unlink()
    damaged(gzipped, 0, [bombs / what for what in contents], injections)
