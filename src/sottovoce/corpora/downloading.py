"""Fetch a corpus that may be had without a form: each file is checked before it counts or is unpacked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sottovoce.corpora.records import Record, RemoteFile, Unstated, stated_files, unstated_files
from sottovoce.corpora.transfer import PAUSES_S, TIMEOUT_S, Advance, Transfer
from sottovoce.corpora.unpacking import place_below, require_room, unpack
from sottovoce.errors import CorpusError

FACTS = Path(__file__).with_name("downloads.yaml")

Source = RemoteFile | Record | Unstated


@cache
def downloads() -> Mapping[str, tuple[Source, ...]]:
    """Where every corpus that can be downloaded comes from, by the corpus's name."""
    stated = yaml.safe_load(FACTS.read_text(encoding="utf-8"))
    return {name: tuple(_source(facts) for facts in sources) for name, sources in stated.items()}


def _source(facts: Mapping[str, Any]) -> Source:
    facts = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
    if facts.get("kind") == "unstated":
        return Unstated(**{name: value for name, value in facts.items() if name != "kind"})
    return Record(**facts) if "kind" in facts else RemoteFile(**facts)


def files_of(
    sources: Sequence[Source],
    *,
    timeout_s: tuple[float, float] = TIMEOUT_S,
    pauses_s: Sequence[float] = PAUSES_S,
) -> tuple[RemoteFile, ...]:
    """The files of a corpus; records are asked for theirs, and servers for sizes that nobody published.

    Raises:
        CorpusError: a record cannot be had, or states no checksum that can be checked; or a server states no size.
    """
    with Transfer(timeout_s, pauses_s) as transfer:
        return tuple(file for source in sources for file in _files_of(source, transfer))


def _files_of(source: Source, transfer: Transfer) -> tuple[RemoteFile, ...]:
    if isinstance(source, Record):
        return stated_files(source, transfer)
    return unstated_files(source, transfer) if isinstance(source, Unstated) else (source,)


def download(
    files: Sequence[RemoteFile],
    folder: str | Path,
    on_bytes: Advance = lambda n: None,
    *,
    timeout_s: tuple[float, float] = TIMEOUT_S,
    pauses_s: Sequence[float] = PAUSES_S,
) -> Path:
    """Fetch the files of a corpus into `folder`: archives into `folder/archives`, and unpacked from there.

    What was fetched before is taken up where it ended, and a whole file is not fetched again. Interrupting it keeps
    what is there. The SHA-256 of a file without a published checksum is kept beside it, in `NAME.sha256`: that file is
    known again, and another is refused.

    Args:
        files: what to fetch.
        folder: where to; it is made.
        on_bytes: told how many bytes are there and come; a negative number where a server begins anew.
        timeout_s: to connect, and to wait for the next piece.
        pauses_s: before each further try.

    Returns:
        The folder.

    Raises:
        CorpusError: the server refuses or keeps failing, the content is not the published one, the disk is too small,
            or an archive holds what must not be unpacked.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    places = {file: _place(file, folder) for file in files}
    missing = sum(file.size for file, place in places.items() if not place.is_file())
    require_room(folder, missing, f"{folder}: {missing / 1e6:.0f} MB are to come")
    with Transfer(timeout_s, pauses_s) as transfer:
        for file, place in places.items():
            _fetch(file, place, transfer, on_bytes)
            if file.is_archive:
                _unpack(file, place, folder)
    return folder


def digests(files: Sequence[RemoteFile], folder: str | Path) -> dict[str, str]:
    """The SHA-256 of what came into `folder` of those `files` whose publisher states no checksum, by their paths."""
    kept = {file.path: _kept(_place(file, Path(folder))) for file in files if not file.is_stated}
    return {path: _digest(note) for path, note in kept.items() if note.is_file()}


def _place(file: RemoteFile, folder: Path) -> Path:
    return place_below(folder, f"archives/{file.path}" if file.is_archive else file.path)


def _kept(place: Path) -> Path:
    """Where the digest of a file is kept, as `sha256sum` writes it."""
    return place.with_name(f"{place.name}.sha256")


def _digest(kept: Path) -> str:
    return kept.read_text(encoding="utf-8").partition(" ")[0]


def _unpack(file: RemoteFile, place: Path, folder: Path) -> None:
    try:
        unpack(place, place_below(folder, file.into))
        for name in file.inner:
            archive = place_below(folder, name)
            unpack(archive, archive.parent)
    except CorpusError:
        if not file.is_stated:  # it may have come damaged: it is not to be taken for what was published
            _kept(place).unlink(missing_ok=True)
        raise


def _fetch(file: RemoteFile, place: Path, transfer: Transfer, on_bytes: Advance) -> None:
    kept = _kept(place)
    again = not file.is_stated and kept.is_file()
    wanted = replace(file, checksum=f"sha256:{_digest(kept)}") if again else file
    if place.is_file() and wanted.matches(place):
        on_bytes(file.size)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f"{place.name}.partial")
    transfer.file(file.url, partial, file.size, on_bytes, one_version=not file.is_stated)
    if wanted.is_stated and not wanted.matches(partial):
        partial.unlink()
        raise CorpusError(_not_the_same(wanted, kept if again else None))
    partial.replace(place)
    if not wanted.is_stated:
        with place.open("rb") as came:
            digest = hashlib.file_digest(came, "sha256").hexdigest()
        kept.write_text(f"{digest}  {place.name}\n", encoding="utf-8")


def _not_the_same(file: RemoteFile, kept: Path | None) -> str:
    if kept:
        return (
            f"{file.url}: what came is not what came before (its checksum is not {file.checksum}); it was dropped. "
            f"If you want it all the same, remove {kept} and run the same command"
        )
    return (
        f"{file.url}: what came is not what was published (its checksum is not {file.checksum}); it was dropped. "
        "Run the same command to fetch it anew; if that does not help, the publisher changed it"
    )
