"""From the loosely typed rows of a file to utterances: every problem is gathered before anything is refused."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sottovoce.errors import ManifestError, StoreError
from sottovoce.speech import emotions as emotion_names
from sottovoce.speech import uri
from sottovoce.speech.utterance import COLUMNS, MEASURES, NUMBERS, VOTES, Utterance

REQUIRED = ("path", "speaker", "emotion")
_SURPLUS = "(more cells than columns)"

Row = Mapping[str, Any]


def read_rows(place: str | Path) -> list[dict[str, Any]]:
    """The rows of a `.parquet`, `.csv` or `.jsonl` file or URI, as they are.

    Raises:
        ManifestError: it is not there, has another ending or cannot be read.
    """
    kind = uri.name_of(place).suffix.lower()
    try:
        content = place.read_bytes() if isinstance(place, Path) else uri.read_bytes(place)
        match kind:
            case ".parquet":
                # Not read_table: it would make a column of a folder called `seed=1`.
                return pq.ParquetFile(pa.BufferReader(content)).read().to_pylist()
            case ".csv":
                lines = io.StringIO(content.decode("utf-8-sig"), newline="")
                return list(csv.DictReader(lines, restkey=_SURPLUS))
            case ".jsonl":
                # Only a line feed ends a line: a text may hold the other line ends that Unicode knows.
                return [_object(line) for line in content.decode("utf-8-sig").split("\n") if line.strip()]
    except FileNotFoundError as problem:
        raise ManifestError(f"{place}: there is no such manifest") from problem
    except StoreError as problem:
        raise ManifestError(str(problem)) from problem
    except (OSError, ValueError, csv.Error, pa.ArrowException) as problem:
        raise ManifestError(f"{place}: cannot be read as {kind[1:]}: {problem}") from problem
    raise ManifestError(f"{place}: a manifest is a .parquet, .csv or .jsonl file")


def _object(line: str) -> dict[str, Any]:
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError(f'each line must be an object such as {{"path": ...}}, not {line[:40]}')
    return row


def parse(
    rows: Sequence[Row], names: Sequence[str], folder: str | Path, *, language: str | None = None, corpus: str = ""
) -> tuple[list[Utterance], list[str]]:
    """Utterances of the rows that are sound, and the problems of the others.

    Args:
        rows: one mapping an utterance; columns that a manifest does not know are left aside.
        names: what a problem of each row is reported under, e.g. `row 3`.
        folder: what relative paths are relative to, a URI if it is a string. Every path of the result is absolute.
        language: for the rows that name none. `corpus` likewise.
    """
    problems: list[str] = []
    unknown: dict[str, list[str]] = {}
    parsed = []
    full = [{column: content for column, content in row.items() if not _empty(content)} for row in rows]
    ids = iter(_ids_from_paths([cells for cells in full if "id" not in cells], folder))
    for cells, name in zip(full, names, strict=True):
        path_id = cells["id"] if "id" in cells else next(ids)
        found = _problems(cells, folder)
        label = str(cells.get("emotion", ""))
        emotion = emotion_names.canonical(label)
        if label and emotion is None:
            unknown.setdefault(label, []).append(name)
        problems += [f"{name}: {problem}" for problem in found]
        if not found and emotion:
            filled = {"corpus": corpus, "language": language} | cells | {"id": path_id, "emotion": emotion}
            parsed.append(_utterance(filled, folder))
    problems += [_unknown_emotion(label, rows_with_it) for label, rows_with_it in unknown.items()]
    count = Counter(u.id for u in parsed)
    problems += [f"id '{i}' occurs {n} times" for i, n in count.items() if n > 1]
    return parsed, problems


def _problems(cells: Row, folder: str | Path) -> list[str]:
    found = [f"{name} is empty" for name in REQUIRED if name not in cells]
    if _SURPLUS in cells:
        found.append("has more cells than the header has columns; put texts that hold commas in double quotes")
    if "path" in cells and _is_absent(_whole(str(cells["path"]), folder)):
        found.append(f"no such recording: {cells['path']}")
    numeric = [name for name in cells if name in NUMBERS or name.startswith((VOTES, MEASURES))]
    wrong = [name for name in numeric if not math.isfinite(_number(cells[name]))]
    found += [f"{name} is not a number: {cells[name]!r}" for name in wrong]
    for name in numeric:
        if name.startswith(VOTES) and emotion_names.canonical(name.removeprefix(VOTES)) is None:
            found.append(f"column '{name}' names an unknown emotion")
        elif name.startswith(VOTES) and _number(cells[name]) < 0:
            found.append(f"{name} is negative")
    start_s, end_s = (_number(cells.get(name, default)) for name, default in zip(NUMBERS, (0.0, math.inf), strict=True))
    if not wrong and not 0 <= start_s < end_s:
        found.append(f"start_s {cells.get('start_s')} and end_s {cells.get('end_s')} do not bound any sound")
    return found


def _utterance(cells: Row, folder: str | Path) -> Utterance:
    votes: dict[str, float] = {}
    for name in cells:
        if name.startswith(VOTES):  # two spellings of one emotion are added up
            voted = emotion_names.canonical(name.removeprefix(VOTES)) or name
            votes[voted] = votes.get(voted, 0.0) + float(cells[name])
    measures = {name.removeprefix(MEASURES): float(cells[name]) for name in cells if name.startswith(MEASURES)}
    strings = {n: str(cells[n]) for n in COLUMNS if n not in NUMBERS and cells.get(n) is not None}
    strings["path"] = _whole(strings["path"], folder)
    numbers = {name: float(cells[name]) for name in NUMBERS if name in cells}
    return Utterance(**strings, **numbers, votes=votes, measures=measures)  # type: ignore[arg-type]


def _whole(path: str, folder: str | Path) -> str:
    """The absolute path or the URI of what stands in a file of `folder`."""
    local = uri.localised(uri.join(folder, path) if isinstance(folder, str) else path)
    if isinstance(local, str):
        return local
    return os.path.abspath(local if isinstance(folder, str) else folder / local)


def _is_absent(place: str) -> bool:
    # Asking for each of a hundred thousand URIs would take an hour; what is not there is refused when it is read.
    return not uri.is_uri(place) and not os.path.exists(place)


def _as_path(place: str) -> str:
    return place if place.startswith("/") else "/" + place.replace("://", "/")


def _ids_from_paths(rows: Sequence[Row], folder: str | Path) -> list[str]:
    """An id a row: the path without its ending and without whatever depends on where the corpus lies."""
    if not rows:
        return []
    paths = [_as_path(_whole(str(row.get("path", "")), folder)) for row in rows]
    here = _as_path(folder if isinstance(folder, str) else str(folder.absolute()))
    inside = all(PurePath(path).is_relative_to(here) for path in paths)
    root = here if inside else os.path.commonpath([os.path.dirname(path) for path in paths])
    full = [PurePath(os.path.relpath(path, root)) for path in paths]
    # `a.wav` and `a.flac` are two recordings: where the ending alone tells them apart it stays.
    recordings = Counter(_stem(path) for path in set(full))
    stems = [path if recordings[_stem(path)] > 1 else _stem(path) for path in full]
    return [stem.as_posix() + _part(row) for stem, row in zip(stems, rows, strict=True)]


def _stem(path: PurePath) -> PurePath:
    return path.with_suffix("") if path.suffix else path


def _part(row: Row) -> str:
    start, end = (f"{_number(row[name]):.12g}" if name in row else "" for name in NUMBERS)
    return f"@{start or 0}-{end}" if start or end else ""


def _unknown_emotion(label: str, names: Sequence[str]) -> str:
    where = names[0] if len(names) == 1 else f"{len(names)} times, first in {names[0]}"
    return f"unknown emotion '{label}' ({where}); known: {', '.join(emotion_names.NAMES)}"


def _number(content: Any) -> float:
    try:
        return float(content)
    except (TypeError, ValueError):
        return math.nan


def _empty(content: Any) -> bool:
    return content is None or (isinstance(content, str) and not content.strip()) or content != content
