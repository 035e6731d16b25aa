"""Fetch a corpus that may be had without a form: each file is checked before it counts or is unpacked."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sottovoce.corpora.records import Record, RemoteFile, stated_files
from sottovoce.corpora.transfer import PAUSES_S, TIMEOUT_S, Advance, Transfer
from sottovoce.corpora.unpacking import place_below, unpack
from sottovoce.errors import CorpusError

FACTS = Path(__file__).with_name("downloads.yaml")

Source = RemoteFile | Record


@cache
def downloads() -> Mapping[str, tuple[Source, ...]]:
    """Where every corpus that can be downloaded comes from, by the corpus's name."""
    stated = yaml.safe_load(FACTS.read_text(encoding="utf-8"))
    return {name: tuple(_source(facts) for facts in sources) for name, sources in stated.items()}


def _source(facts: Mapping[str, Any]) -> Source:
    return Record(**{**facts, "files": tuple(facts["files"])}) if "kind" in facts else RemoteFile(**facts)


def files_of(
    sources: Sequence[Source],
    *,
    timeout_s: tuple[float, float] = TIMEOUT_S,
    pauses_s: Sequence[float] = PAUSES_S,
) -> tuple[RemoteFile, ...]:
    """The files of a corpus; records are asked for theirs.

    Raises:
        CorpusError: a record cannot be had, or states no checksum that can be checked.
    """
    with Transfer(timeout_s, pauses_s) as transfer:
        each = [stated_files(s, transfer) if isinstance(s, Record) else (s,) for s in sources]
    return tuple(file for files in each for file in files)


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
    what is there.

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
    places = {file: place_below(folder, f"archives/{file.path}" if file.is_archive else file.path) for file in files}
    missing = sum(file.size for file, place in places.items() if not place.is_file())
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise CorpusError(f"{folder}: {missing / 1e6:.0f} MB are to come and {free / 1e6:.0f} MB are free on that disk")
    with Transfer(timeout_s, pauses_s) as transfer:
        for file, place in places.items():
            _fetch(file, place, transfer, on_bytes)
            if file.is_archive:
                unpack(place, folder)
    return folder


def _fetch(file: RemoteFile, place: Path, transfer: Transfer, on_bytes: Advance) -> None:
    if place.is_file() and file.matches(place):
        on_bytes(file.size)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f"{place.name}.partial")
    transfer.file(file.url, partial, file.size, on_bytes)
    if not file.matches(partial):
        partial.unlink()
        raise CorpusError(
            f"{file.url}: what came is not what was published (its checksum is not {file.checksum}); it was dropped. "
            "Run the same command to fetch it anew; if that does not help, the publisher changed it"
        )
    partial.replace(place)
