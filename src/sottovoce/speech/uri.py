"""Places that are no local files: `s3://bucket/a.flac`, `gs://`, `az://`, `https://` ..., reached through fsspec.

A place that does not answer ends the run with a `StoreError` and is no refusal of one recording: refusals are kept for
good, and the network comes back.
"""

from __future__ import annotations

import os
import posixpath
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from threading import get_ident
from typing import Any, TypeVar

from sottovoce.errors import StoreError
from sottovoce.home import home

_MARK = "://"
_LOCAL = "file://"

PAUSES_S = (1.0, 5.0)
"""Before the second and the third try of a place that does not answer."""

AT_ONCE = 16
"""Requests on their way together: each one waits for the network far longer than it works."""

Answer = TypeVar("Answer")


def is_uri(place: str | Path) -> bool:
    """Whether a place is reached by fsspec. `file://` is a local file under a longer name: see `localised`."""
    return isinstance(place, str) and _MARK in place and not place.startswith(_LOCAL)


def localised(place: str | Path) -> str | Path:
    """A URI as it is, every other place as a path."""
    return place if is_uri(place) else Path(str(place).removeprefix(_LOCAL))


def mirror(place: str | Path) -> Path:
    """Where this machine keeps what it has of a URI, for good: only what never changes under its name may be put there.

    A path is its own mirror.
    """
    return place if isinstance(place, Path) else home() / "mirror" / place.replace(_MARK, "/")


def below(folder: str | Path, *names: str) -> str | Path:
    """A place in a folder, which may be a path or a URI."""
    return folder.joinpath(*names) if isinstance(folder, Path) else "/".join((folder, *names))


def join(folder: str, place: str) -> str:
    """`place` as seen from the URI `folder`; what is absolute or a URI stays as it is."""
    if is_uri(place) or place.startswith("/"):
        return place
    scheme, mark, path = folder.partition(_MARK)
    return scheme + mark + posixpath.normpath(posixpath.join(path, place))


def parent(uri: str) -> str:
    """The folder of a URI."""
    scheme, mark, path = uri.partition(_MARK)
    return scheme + mark + posixpath.dirname(path)


def name_of(place: str | Path) -> PurePosixPath:
    """The last part of a place, for its stem and its ending."""
    return PurePosixPath(PurePosixPath(str(place)).name)


def read_bytes(uri: str) -> bytes:
    """The content, from the mirror where it is there.

    Raises:
        FileNotFoundError: there is no such file.
        StoreError: no answer, no permission, or a package is missing.
    """
    kept = mirror(uri)
    return kept.read_bytes() if kept.is_file() else _asked(uri, lambda files, path: files.cat_file(path))


def fetch(uri: str) -> Path:
    """The file in the mirror, copied there first unless it is there. Raises as `read_bytes` does."""
    kept = mirror(uri)
    if not kept.is_file():
        content = read_bytes(uri)
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_name(f".{kept.name}.{os.getpid()}.{get_ident()}")
        partial.write_bytes(content)
        partial.replace(kept)
    return kept


def send(file: Path, uri: str) -> None:
    """Copy a file to a URI, with the folders above it. Raises `StoreError` as `read_bytes` does."""

    def put(files: Any, path: str) -> None:
        files.makedirs(posixpath.dirname(path), exist_ok=True)
        files.put_file(str(file), path)

    _asked(uri, put)


def write_bytes(uri: str, content: bytes) -> None:
    """Write the content, with the folders above it. Raises `StoreError` as `read_bytes` does."""

    def put(files: Any, path: str) -> None:
        files.makedirs(posixpath.dirname(path), exist_ok=True)
        files.pipe_file(path, content)

    _asked(uri, put)


def remove(uri: str) -> None:
    """Remove a file if it is there. Raises `StoreError` as `read_bytes` does."""
    _asked(uri, lambda files, path: files.rm_file(path) if files.exists(path) else None)


def exists(uri: str) -> bool:
    """Whether there is such a file. Raises `StoreError` as `read_bytes` does."""
    return _asked(uri, lambda files, path: files.exists(path))


def folders_with(name: str, folder: str) -> list[str]:
    """The sorted names of the folders in `folder` that hold a file `name`. Raises `StoreError` as `read_bytes` does."""

    def found(files: Any, path: str) -> list[str]:
        files.invalidate_cache()  # other machines write there too
        return sorted(PurePosixPath(each).parent.name for each in files.glob(f"{path}/*/{name}"))

    return _asked(folder, found)


def stamps(uris: Iterable[str]) -> dict[str, list[str] | None]:
    """What changes when the file does, without reading it: URI, size, and ETag or time of change; None: no such file.

    The URI belongs to it: neither a time of change nor every service's ETag tells two files apart.

    Raises:
        StoreError: see `read_bytes`.
    """
    unique = list(dict.fromkeys(uris))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(unique, pool.map(_stamp, unique), strict=True))


def _stamp(uri: str) -> list[str] | None:
    try:
        info = _asked(uri, lambda files, path: files.info(path))
    except FileNotFoundError:
        return None
    versions = (info.get(name) for name in ("ETag", "etag", "md5Hash", "mtime", "LastModified", "created"))
    return [uri, str(info.get("size")), next((str(version) for version in versions if version), "")]


def _asked(uri: str, action: Callable[[Any, str], Answer]) -> Answer:
    """What `action` answers for the file system and the path in it; asked again where there was no answer."""
    for pause_s in (*PAUSES_S, None):
        try:
            import fsspec

            return action(*fsspec.url_to_fs(uri))
        except (FileNotFoundError, IsADirectoryError):
            raise
        except ImportError as problem:
            hint = "It is a package of its own: pip install it beside sottovoce."
            raise StoreError(f"{uri}: {str(problem).rstrip('.')}. {hint}") from problem
        except PermissionError as problem:
            hint = "Check your credentials, then run the same command: it continues."
            raise StoreError(f"{uri} may not be read or written ({problem}). {hint}") from problem
        except Exception as problem:  # every file system has errors of its own
            if pause_s is None or isinstance(problem, ValueError):
                hint = "Check the address, the network and your credentials, then run the same command: it continues."
                raise StoreError(f"{uri} cannot be reached ({problem or type(problem).__name__}). {hint}") from problem
            time.sleep(pause_s)
    raise AssertionError("the last try either answers or raises")
