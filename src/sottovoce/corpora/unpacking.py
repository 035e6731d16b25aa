"""Unpack what came from a network: nothing is written outside the folder, no links, no bombs."""

from __future__ import annotations

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from sottovoce.errors import CorpusError

_GROWTH, _AT_LEAST = 20, 1 << 27
"""Recordings shrink to a half or a third in an archive; what grows more than this many times is no corpus."""

_PADDING = 1 << 20
"""Bytes after the last entry of a tar archive, behind which its packing keeps the checksum of the whole."""

_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)


@dataclass(frozen=True)
class _Member:
    """One entry: `kind` is `file`, `folder` or what it is instead."""

    name: str
    size: int
    kind: str
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, folder: Path, *, limit: int | None = None) -> int:
    """Unpack a zip or tar archive into `folder`, over what an earlier, interrupted try left.

    Every entry is looked at before the first is written.

    Args:
        archive: a local file.
        folder: where to.
        limit: the most bytes that may come out; twenty times the archive where it is None.

    Returns:
        How many files were written.

    Raises:
        CorpusError: an entry's path leads out of the folder, is a link or a device, the whole is too large, for
            the disk too, or the archive is none or damaged. Nothing is written then, unless damage shows on the way.
    """
    most = max(archive.stat().st_size * _GROWTH, _AT_LEAST) if limit is None else limit
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                return _written(archive, folder, lambda: _of_zip(zipped), most)
        with tarfile.open(archive) as tarred:
            n_files = _written(archive, folder, lambda: _of_tar(tarred), most)
            if tarred.fileobj is not None:
                tarred.fileobj.read(_PADDING)
            return n_files
    except (*_DAMAGE, OSError) as problem:
        if isinstance(problem, OSError) and problem.errno is not None:
            raise  # the disk's; those of gzip and bz2 have no number
        raise CorpusError(f"{archive}: cannot be unpacked: {problem}") from problem


def require_room(folder: Path, n_bytes: int, said: str) -> None:
    """Refuse to begin what would fill the disk.

    Raises:
        CorpusError: fewer than `n_bytes` are free on the disk of `folder`; the message begins with what is `said`.
    """
    if n_bytes > (free := shutil.disk_usage(folder).free):
        raise CorpusError(
            f"{said} and {free / 1e6:.0f} MB are free on that disk; nothing was written. "
            "Make room and run the same command again: what was fetched is kept"
        )


def _written(archive: Path, folder: Path, members: Callable[[], Iterator[_Member]], most: int) -> int:
    total = missing = 0
    for member in members():
        if problem := _fault(member):
            raise CorpusError(f"{archive}: '{member.name}' {problem}; nothing was unpacked")
        total += member.size
        if total > most:
            raise CorpusError(f"{archive}: more than {most / 1e6:.0f} MB would come out of it; nothing was unpacked")
        missing += 0 if (folder / member.name).is_file() else member.size
    require_room(archive.parent, missing, f"{archive}: {missing / 1e6:.0f} MB would come out of it")
    n_files = 0
    for member in members():
        place = place_below(folder, member.name)
        if member.kind == "folder":
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        source = member.open()
        if source is not None:
            with source, place.open("wb") as file:
                shutil.copyfileobj(source, file)
            n_files += 1
    return n_files


def leads_out(name: str) -> bool:
    """Whether a path that came from a network may lie outside the folder that it is written below."""
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in name.split("/")[0] or "\0" in name


def place_below(folder: Path, name: str) -> Path:
    """The place of `name` below `folder`.

    Raises:
        CorpusError: a link that lies in the folder leads out of it.
    """
    place = folder / name
    if not place.resolve().is_relative_to(folder.resolve()):
        raise CorpusError(f"'{name}' leads out of {folder} through a link in it; remove the link")
    return place


def _fault(member: _Member) -> str | None:
    if leads_out(member.name):
        return "leads out of the folder"
    return None if member.kind in ("file", "folder") else f"is a {member.kind}"


def _of_zip(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for info in archive.infolist():
        mode = info.external_attr >> 16
        kind = "folder" if info.is_dir() else "link" if stat.S_ISLNK(mode) else "file"
        yield _Member(info.filename, info.file_size, kind, lambda info=info: archive.open(info))


def _of_tar(archive: tarfile.TarFile) -> Iterator[_Member]:
    for info in archive:
        links = info.issym() or info.islnk()
        kind = "folder" if info.isdir() else "file" if info.isfile() else "link" if links else "device"
        yield _Member(info.name, info.size, kind, lambda info=info: archive.extractfile(info))
