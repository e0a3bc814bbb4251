"""The originals of one's own data: their digest, and verified copies of them under data/raw/.

The stages read the copies, so a run can be repeated when the originals have changed or are gone.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from src.data.recipe import Recipe
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import home, replacing_folder, sha256, sha256_file, sha256_tree

ORIGINAL, TEST = "original", "test"  # the names of the copies, a file or a folder each


def digest_of(original: Path, test: Path | None = None) -> str:
    """The SHA-256 of an original, a file or a folder, and of that of a published test set if there is one.

    Of a file it is that of its bytes; of a folder, of sorted lines `<sha256>  <relative path>`; of both, of the lines
    `<sha256>  original` and `<sha256>  test`.

    Raises:
        UserError: one of them does not exist, or is neither a file nor a folder.
    """
    digests = {ORIGINAL: _digest(original)} | ({} if test is None else {TEST: _digest(test)})
    if test is None:
        return digests[ORIGINAL]
    return sha256("".join(f"{digest}  {name}\n" for name, digest in digests.items()).encode())


def files(folder: Path) -> Iterator[Path]:
    """The files in a folder, hidden ones apart."""
    for path in folder.rglob("*"):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def places(recipe: Recipe) -> tuple[Path, Path | None]:
    """Where the originals of a recipe are; relative paths start at the project's folder."""
    if recipe.path is None:
        raise UserError(f"data.path=null: data.source={recipe.source} needs the path of a file or a folder")
    path, test = Path(recipe.path), recipe.test_path
    return home() / path.expanduser(), None if test is None else home() / Path(test).expanduser()


def fetch(recipe: Recipe, folder: Path) -> None:
    """Copies the originals into `folder`, unless verified copies are there.

    Raises:
        UserError: the recipe has no digest, or an original has changed since the recipe was written.
        RunFailed: neither the originals nor copies of them exist.
    """
    update = f"`python -m src.add data {recipe.name} --update`"
    if recipe.sha256 is None:
        raise UserError(f"data.sha256=null: it says which data the recipe is about; {update} writes it")
    whole = is_whole(recipe.sha256, folder)
    try:
        original, test = places(recipe)
        found = digest_of(original, test)
    except UserError as error:
        if whole:
            return
        state = "the copy is damaged, or of other data" if (folder / ORIGINAL).exists() else "there is no copy"
        place = f"data/raw/{recipe.raw_folder}"
        raise RunFailed(
            f"{error}, and {state}; set data.path, or bring the copy back: `dvc checkout {place}`"
        ) from None
    if found != recipe.sha256:
        named = f"{original} or {test}" if test else str(original)
        raise UserError(
            f"{named} has changed: {_changed(original, folder / ORIGINAL)}its SHA-256 "
            f"is {found[:12]}..., data.sha256={recipe.sha256[:12]}...; {update} takes it as it is now"
        )
    if whole:
        return
    with replacing_folder(folder) as new:
        for source, name in ((original, ORIGINAL), (test, TEST)):
            if source is not None:
                _copy(source, new / name)
        if digest_of(new / ORIGINAL, None if test is None else new / TEST) != recipe.sha256:
            raise RunFailed(f"{original}: it changed while it was copied; try again")


def is_whole(digest: str | None, folder: Path) -> bool:
    """Whether a folder has copies of originals with this digest, undamaged."""
    test = folder / TEST
    if not (folder / ORIGINAL).exists():
        return False
    return digest_of(folder / ORIGINAL, test if test.exists() else None) == digest


def require_whole(digest: str | None, folder: Path) -> None:
    """Raises `UserError` unless a folder has copies of originals with this digest, undamaged."""
    if not is_whole(digest, folder):
        state = "do not exist" if not (folder / ORIGINAL).exists() else "are damaged, or of another version"
        raise UserError(f"{folder}: copies of the data {state}: run `python -m src.fetch` to get them")


def _digest(path: Path) -> str:
    if path.is_file():
        return sha256_file(path)
    if path.is_dir():
        return sha256_tree(path, files(path))
    raise UserError(f"{path}: {'neither a file nor a folder' if path.exists() else 'no such file or folder'}")


def _changed(original: Path, copy: Path) -> str:
    """How an original differs from the copy, in words; empty if there is none."""
    if not copy.exists():
        return ""
    if original.is_file() and copy.is_file():
        return f"{copy.stat().st_size:,} bytes before, {original.stat().st_size:,} now; "
    before, now = ({path.relative_to(top).as_posix() for path in files(top)} for top in (copy, original))
    added, gone = sorted(now - before), sorted(before - now)
    lists = ((added, "new"), (gone, "gone"))
    return "".join(f"{len(names)} files {what}, such as {names[0]}; " for names, what in lists if names)


def _copy(source: Path, target: Path) -> None:
    """Copies into a folder that is not in place yet; whoever puts it there waits for the disk, once for each file."""
    for path in files(source) if source.is_dir() else [source]:
        place = target / path.relative_to(source) if source.is_dir() else target
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
