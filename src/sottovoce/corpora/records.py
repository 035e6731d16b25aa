"""Files that can be downloaded, and the records of data repositories, which state sizes and checksums of theirs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from sottovoce.corpora.transfer import Transfer
from sottovoce.corpora.unpacking import leads_out
from sottovoce.errors import CorpusError

_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128, "git": 40}
"""Hexadecimal digits by kind of checksum. `git` is the name that git gives a file's content: the SHA-1 of the word
blob, the size and the content, which a commit pins."""

UNSTATED = "unstated"
"""In place of a checksum where the publisher states none."""

_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2")


@dataclass(frozen=True)
class RemoteFile:
    """A file of a corpus: `size` in bytes, `checksum` as `md5:...`, both as published; `source` says where.

    `path` is its place below the corpus's folder, the last part of the address where none is given. An archive is
    unpacked below `into`, and those of its entries that are archives themselves, `inner`, where they lie. `by_hand` is
    what must be done before the corpus can be read.

    Raises:
        CorpusError: there is no checksum, or one of an unknown kind, or a path leads out of the folder.
    """

    url: str
    size: int
    checksum: str
    source: str
    path: str = ""
    into: str = ""
    inner: tuple[str, ...] = ()
    by_hand: str = ""

    def __post_init__(self) -> None:
        if not self.path:
            object.__setattr__(self, "path", PurePosixPath(unquote(urlsplit(self.url).path)).name)
        kind, _, digest = self.checksum.partition(":")
        if self.is_stated and (len(digest) != _DIGITS.get(kind) or set(digest) - set("0123456789abcdef")):
            stated = f"'{self.checksum}', which is none that we can check" if self.checksum else "none"
            raise CorpusError(f"{self.url}: its checksum is {stated}; nothing was fetched")
        for path in (self.path or "..", self.into, *self.inner):
            if leads_out(path):
                raise CorpusError(f"{self.url}: '{path}' leads out of the corpus's folder; nothing was fetched")

    @property
    def is_stated(self) -> bool:
        """Whether its publisher states a checksum."""
        return self.checksum != UNSTATED

    @property
    def is_archive(self) -> bool:
        """Whether it is to be unpacked."""
        return self.path.lower().endswith(_ARCHIVES)

    def matches(self, path: Path) -> bool:
        """Whether the file at `path` has the checksum that was published; none has where none was."""
        if not self.is_stated:
            return False
        kind, _, digest = self.checksum.partition(":")
        with path.open("rb") as file:
            if kind != "git":
                return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest() == digest
            blob = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
            return hashlib.file_digest(file, lambda: blob).hexdigest() == digest


@dataclass(frozen=True)
class Record:
    """What a repository says of the files of a data set, read when they are wanted.

    `kind` is one of `zenodo`, `dataverse`, `mendeley`, `github` and `list`, `url` the record for machines, `files` are
    patterns of the paths wanted, each of which must occur. `version` is Mendeley's, `content` where GitHub's files lie,
    `checksum` that of a list.
    """

    kind: str
    url: str
    files: tuple[str, ...]
    source: str
    version: int = 1
    content: str = ""
    checksum: str = ""


@dataclass(frozen=True)
class Unstated:
    """Files whose publisher states no checksum; their sizes are asked of the server.

    `url` is the file's address, or that of the folder where `files` lie. `apart`: each archive is unpacked into a
    folder of its own, for the entries of several have the same names. `path` and `by_hand` are those of a `RemoteFile`.
    """

    url: str
    source: str
    files: tuple[str, ...] = ()
    path: str = ""
    apart: bool = False
    by_hand: str = ""


@dataclass(frozen=True)
class _Stated:
    """A file as a record states it; the checksum is empty where it states none."""

    path: str
    url: str
    size: int
    checksum: str


def stated_files(record: Record, transfer: Transfer) -> tuple[RemoteFile, ...]:
    """The files of `record` that are wanted, with the sizes and checksums that it states.

    Raises:
        CorpusError: the record cannot be had or is another than it was, a file is not in it, has no checksum that can
            be checked, or lies at an address that is not encrypted.
    """
    try:
        found = tuple(_READERS[record.kind](record, transfer))
    except (LookupError, TypeError, ValueError, AttributeError) as problem:
        raise CorpusError(
            f"{record.url}: the answer is not what {record.kind} answered when this was written "
            f"({type(problem).__name__}: {problem}); nothing was fetched"
        ) from problem
    for pattern in record.files:
        if not any(fnmatchcase(file.path, pattern) for file in found):
            there = ", ".join(file.path for file in found[:8]) or "nothing"
            raise CorpusError(f"{record.url}: it holds no file '{pattern}'. It holds: {there}")
    wanted = [file for file in found if any(fnmatchcase(file.path, pattern) for pattern in record.files)]
    for file in wanted:
        if urlsplit(record.url).scheme == "https" != urlsplit(file.url).scheme:
            raise CorpusError(f"{record.url}: it sends to {file.url}, which is not encrypted; nothing was fetched")
    return tuple(RemoteFile(file.url, file.size, file.checksum, record.url, file.path) for file in wanted)


def unstated_files(source: Unstated, transfer: Transfer) -> tuple[RemoteFile, ...]:
    """The files of `source`, with the sizes that their server states.

    Raises:
        CorpusError: a file cannot be had, or its server states no size.
    """
    urls = [source.url + quote(name) for name in source.files] or [source.url]
    files = [RemoteFile(url, 0, UNSTATED, source.source, source.path, by_hand=source.by_hand) for url in urls]
    return tuple(
        replace(file, size=transfer.size(file.url), into=PurePosixPath(file.path).name.split(".")[0] * source.apart)
        for file in files
    )


def _zenodo(record: Record, transfer: Transfer) -> Iterator[_Stated]:
    for file in json.loads(transfer.content(record.url))["files"]:
        yield _Stated(file["key"], file["links"]["self"], int(file["size"]), file.get("checksum") or "")


def _dataverse(record: Record, transfer: Transfer) -> Iterator[_Stated]:
    answer = json.loads(transfer.content(record.url))
    server = "{0.scheme}://{0.netloc}".format(urlsplit(record.url))
    for entry in answer["data"]["latestVersion"]["files"]:
        file = entry["dataFile"]
        stated = file.get("checksum") or {"type": "MD5", "value": file.get("md5")}
        checksum = f"{stated['type'].lower().replace('-', '')}:{stated['value']}" if stated["value"] else ""
        path = PurePosixPath(entry.get("directoryLabel") or "", file["filename"])
        yield _Stated(str(path), f"{server}/api/access/datafile/{file['id']}", int(file["filesize"]), checksum)


def _mendeley(record: Record, transfer: Transfer) -> Iterator[_Stated]:
    folders = {"root": ""}  # by their ids, each with a slash
    for folder in json.loads(transfer.content(f"{record.url}/folders/{record.version}")):
        folders[folder["id"]] = f"{folder['name']}/"
    for folder, place in folders.items():
        files = f"{record.url}/files?folder_id={quote(folder)}&version={record.version}"
        for file in json.loads(transfer.content(files, accept="application/vnd.mendeley-public-dataset.1+json")):
            details = file["content_details"]
            digest = details.get("sha256_hash")
            checksum = f"sha256:{digest}" if digest else ""
            yield _Stated(place + file["filename"], details["download_url"], int(details["size"]), checksum)


def _github(record: Record, transfer: Transfer) -> Iterator[_Stated]:
    answer = json.loads(transfer.content(record.url))
    if answer.get("truncated"):
        raise ValueError("the list is not whole")
    for file in answer["tree"]:
        if file["type"] == "blob" and file["mode"] in ("100644", "100755"):  # no links
            yield _Stated(file["path"], record.content + quote(file["path"]), int(file["size"]), f"git:{file['sha']}")


def _list(record: Record, transfer: Transfer) -> Iterator[_Stated]:
    """Lines of an address, a size and a SHA-256; the list itself has the checksum that the record gives."""
    content = transfer.content(record.url)
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != record.checksum:
        raise CorpusError(f"{record.url}: its checksum is not {record.checksum}; nothing was fetched")
    for line in content.decode().splitlines():
        url, size, digest = line.split()
        yield _Stated(PurePosixPath(unquote(urlsplit(url).path)).name, url, int(size), f"sha256:{digest}")


_READERS: Mapping[str, Callable[[Record, Transfer], Iterator[_Stated]]] = {
    "zenodo": _zenodo,
    "dataverse": _dataverse,
    "mendeley": _mendeley,
    "github": _github,
    "list": _list,
}
