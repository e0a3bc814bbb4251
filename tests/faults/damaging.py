"""Damages a file in every way, reads each result with 200 MB of memory, and expects an error.

`python -m tests.faults.damaging FILE COUNT [LIAR ...]`: FILE's name says what it is. It is cut at its own boundaries
and at COUNT places, COUNT of its bits are flipped, it grows to 300 MB, and each LIAR takes its place. A line of JSON
says how many were refused, and the most memory that it took.
"""

import json
import os
import random
import resource
import struct
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from src import compose
from src.config.tree import read_snapshot
from src.data import mnist
from src.data.dataset import open_dataset
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import sha256_file
from src.runs.folder import RunFolder
from src.runs.model import load_model
from src.runs.resuming import resume
from src.training.session import Session

MOST_MEMORY = 200 << 20
ENORMOUS = 300 << 20
TAKEN = "accepted"
HARMLESS = "harmless: "  # how the name of a liar begins that may be accepted
Read = Callable[[], object]


def npz_boundaries(path: Path) -> list[int]:
    """Where an archive's headers, names and arrays begin and end."""
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        members, directory = archive.infolist(), archive.start_dir
    places = [0]
    for member in members:
        start = member.header_offset
        name, extra = struct.unpack_from("<HH", whole, start + 26)
        body = start + 30 + name + extra
        values = body + 10 + int.from_bytes(whole[body + 8 : body + 10], "little")
        places += [start, start + 30, start + 30 + name, body, values, body + member.file_size]
    for member in members:
        places += [directory, directory + 46]
        directory += 46 + len(member.filename) + len(member.extra) + len(member.comment)
    return [*places, directory, directory + 22]


def line_boundaries(path: Path) -> list[int]:
    """Where a text's lines begin."""
    content = path.read_bytes()
    return [0, *(i + 1 for i, byte in enumerate(content) if byte == ord("\n")), len(content) - 1]


def idx_boundaries(path: Path) -> list[int]:
    """Where the fields of an IDX header begin."""
    return [0, 2, 3, *range(4, 4 + 4 * path.read_bytes()[3] + 1, 4)]


def checkpoint(path: Path) -> Read:
    """As a run reads it that resumes: a damaged one gives a warning, and the training starts where it can."""
    folder = RunFolder(path.parent)
    config, dataset = read_snapshot(folder.path / "config.yaml"), open_dataset(folder.path / "arrays")
    identity = folder.run()["digests"]["fingerprint"]

    def read() -> None:
        session = Session(config, dataset)
        session.prepare()
        resume(folder, identity, config.train, session.saver(folder.path, identity))
        if (session.progress.epoch, session.progress.step) == (0, 0):
            raise UserError("the training starts from the beginning")

    return read


def raw_files(path: Path) -> Read:
    """The source's own reader, which takes the files as they are for the published ones."""
    for name, published in mnist.FILES.items():
        file = path.with_name(name)
        shape = struct.unpack_from(f">{len(published.shape)}I", file.read_bytes(), 4)
        mnist.FILES[name] = mnist.Published(shape, sha256_file(file))
    return lambda: mnist.read(path.parent)


def mirror(path: Path) -> Read:
    """What a folder of the user's has, zipped."""
    mnist.PLACES.clear()
    return lambda: mnist.fetch(path.parent / "fetched", path.parent)


def params(path: Path) -> Read:
    """People edit this file, so damage may make another valid one; then `compose --check` reports the differences."""
    composed = compose.snapshot([])
    compose.snapshot = lambda overrides: composed  # it takes a while, and is the same each time
    compose.SNAPSHOT = path

    def read() -> None:
        read_snapshot(path)
        compose.check([])

    return read


KINDS: dict[str, tuple[Callable[[Path], Read], Callable[[Path], list[int]]]] = {
    "model.npz": (lambda path: partial(load_model, path), npz_boundaries),
    "checkpoint.npz": (checkpoint, npz_boundaries),
    "dataset.json": (lambda path: partial(open_dataset, path.parent), line_boundaries),
    "train-images-idx3-ubyte": (raw_files, idx_boundaries),
    "train-images-idx3-ubyte.gz": (mirror, lambda path: [0, 1, 9, 10]),
    "params.yaml": (params, line_boundaries),
}


def damages(whole: bytes, boundaries: list[int], count: int) -> Iterator[tuple[str, bytes]]:
    """What is done to the file, and what it then is."""
    rng = random.Random(0)
    for place in sorted({place for place in boundaries if place < len(whole)}):
        yield f"cut at the boundary {place}", whole[:place]
    for _ in range(count):
        place = rng.randrange(len(whole))
        yield f"cut at {place}", whole[:place]
    for _ in range(count):
        bit = rng.randrange(8 * len(whole))
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit} flipped", bytes(flipped)


def refuses(read: Read) -> str:
    """Reads; empty if that ends with a message for the user, else what happened."""
    try:
        read()
    except (UserError, RunFailed) as error:
        cause: BaseException | None = error
        while cause is not None:  # running out of memory may have been reported as damage
            if isinstance(cause, MemoryError):
                return f"asks for more than {MOST_MEMORY} bytes"
            cause = cause.__context__
        return "" if str(error).strip() else "an empty message"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return TAKEN


def limited() -> None:
    """Lets this process take 200 MB more than it has."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MOST_MEMORY, size + MOST_MEMORY))
    tracemalloc.start()


def main(path: Path, count: int, liars: Sequence[Path]) -> dict[str, Any]:
    opener, boundaries = KINDS[path.name]
    whole, read = path.read_bytes(), opener(path)
    limited()
    ends: list[tuple[str, str]] = []
    for damage, content in damages(whole, boundaries(path), count):
        path.write_bytes(content)
        ends.append((damage, refuses(read)))
    path.write_bytes(whole)
    if path.suffix != ".gz":  # which may end with any number of zeros
        os.truncate(path, ENORMOUS)
        ends.append(("grown", refuses(read)))
    for liar in liars:
        path.unlink()
        path.hardlink_to(liar)
        end = refuses(read)
        ends.append((liar.name, "" if liar.name.startswith(HARMLESS) and end == TAKEN else end))
    wrong = [f"{damage}: {end}" for damage, end in ends if end]
    return {"refused": len(ends) - len(wrong), "wrong": wrong, "memory": tracemalloc.get_traced_memory()[1]}


if __name__ == "__main__":
    file, often, *lying = sys.argv[1:]
    print(json.dumps(main(Path(file), int(often), list(map(Path, lying)))))
