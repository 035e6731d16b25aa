"""What a user may name on a command line, and the recordings that it stands for."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from sottovoce.corpora.folder import ENDINGS
from sottovoce.corpora.names import recordings as below
from sottovoce.errors import ManifestError
from sottovoce.speech import rows, uri

MANIFESTS = (".csv", ".parquet", ".jsonl")


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording, or a part of one in seconds; `language` and `label` are what a manifest says of it."""

    path: str
    start_s: float | None = None
    end_s: float | None = None
    language: str | None = None
    label: str | None = None


def find(places: Sequence[str], standard_input: Iterable[str] = ()) -> list[Recording]:
    """The recordings that the places stand for, in order, each once.

    Args:
        places: files, URIs, manifests (with a column `path`; nothing else is needed), folders (all sound below),
            patterns such as `clips/**/*.wav`, and `-` for a path a line of the standard input.
        standard_input: its lines.

    Raises:
        ManifestError: a manifest cannot be read, or nothing is found at a place. (A recording that is not there is no
            error here: reading it is.)
    """
    found: dict[Recording, None] = {}
    for place in places:
        each = list(_at(place, standard_input))
        if not each:
            what = "no path on the standard input" if place == "-" else f"no recording ({', '.join(ENDINGS)})"
            raise ManifestError(f"{place}: {what}")
        found.update(dict.fromkeys(each))
    return list(found)


def _at(place: str, standard_input: Iterable[str]) -> Iterator[Recording]:
    if place == "-":
        yield from (Recording(line.rstrip("\r\n")) for line in standard_input if line.strip())
    elif uri.name_of(place).suffix.lower() in MANIFESTS:
        yield from _from_manifest(place)
    elif uri.is_uri(place):
        yield Recording(place)
    elif (path := Path(uri.localised(place))).is_dir():
        yield from (Recording(str(path / each.relative_to(path.absolute()))) for each in below(path, ENDINGS))
    elif has_magic(place) and not path.exists():
        for each in sorted(glob(place, recursive=True)):
            if not os.path.isdir(each):
                yield Recording(each)
    else:
        yield Recording(str(path))


def _from_manifest(place: str) -> Iterator[Recording]:
    localised = uri.localised(place)
    read = rows.read_rows(localised)
    problems = []
    for number, row in enumerate(read, 1):
        start_s, end_s = (_seconds(row.get(name)) for name in ("start_s", "end_s"))
        path = row.get("path")
        if not path:
            problems.append(f"row {number}: path is empty")
        elif not (0 <= (start_s or 0.0) < (math.inf if end_s is None else end_s)):
            problems.append(f"row {number}: start_s {row.get('start_s')} and end_s {row.get('end_s')} bound no sound")
        else:
            yield Recording(
                _beside(localised, str(path)), start_s, end_s, _text(row, "language"), _text(row, "emotion")
            )
    if problems:
        raise ManifestError(
            f"{place}: {len(problems)} problem(s); a manifest for prediction needs a path a row:", problems
        )


def _seconds(cell: Any) -> float | None:
    """NaN, which bounds nothing, for what is no number."""
    if cell is None or (isinstance(cell, str) and not cell.strip()) or cell != cell:
        return None
    try:
        return float(cell)
    except (TypeError, ValueError):
        return math.nan


def _text(row: Mapping[str, Any], name: str) -> str | None:
    content = row.get(name)
    return content.strip() or None if isinstance(content, str) else None


def _beside(manifest: str | Path, path: str) -> str:
    if isinstance(manifest, str):
        return uri.join(uri.parent(manifest), path)
    local = uri.localised(path)
    return local if isinstance(local, str) else str(manifest.parent / local)
