"""Nkululeko's CSV: `file`, `speaker`, `emotion` and any other columns (github.com/felixbur/nkululeko).

With `start` and `end`, in seconds or as pandas writes a duration, a row is a part of a recording: audformat's segmented
form, which Nkululeko reads with audformat.
"""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

from sottovoce.corpora.interchange.format import Foreign, Format, Row, ours, path_from
from sottovoce.corpora.tables import number, read_table
from sottovoce.errors import CorpusError
from sottovoce.speech.manifest import Manifest
from sottovoce.speech.utterance import Utterance

_DURATION = re.compile(r"(?:(\d+) days? )?(\d+):(\d\d):(\d\d(?:\.\d+)?)")

_FIRST = ("file", "start", "end", "speaker", "emotion")


def _read(place: Path, audio_to: Path) -> Foreign:
    if place.is_dir():
        raise CorpusError(f"{place} is a folder; {FORMAT.title} is {FORMAT.place}")
    rows = [(f"row {n}", _row(row)) for n, row in enumerate(read_table(place, ["file"]), start=1)]
    # Nkululeko takes relative paths from the working folder, or with `absolute_path = False` from the table's.
    return Foreign(rows, (place.absolute().parent, Path.cwd()))


def _row(row: Row) -> Row:
    times = {"start_s": seconds(row.get("start")), "end_s": seconds(row.get("end"))}
    if times["end_s"] is None and not times["start_s"]:
        times["start_s"] = None  # the whole recording, in a table where others are parts
    return row | times | {"path": row["file"]}


def seconds(cell: object) -> float | str | None:
    """A time as seconds; what is none stays as it is, for the message that refuses it."""
    if cell is None or str(cell) in ("", "NaT", "nan"):
        return None
    if match := _DURATION.fullmatch(str(cell)):
        days, hours, minutes, rest = (float(part or 0) for part in match.groups())
        return days * 86400 + hours * 3600 + minutes * 60 + rest
    return number(cell) if math.isfinite(number(cell)) else str(cell)


def _write(manifest: Manifest, place: Path) -> list[str]:
    if place.suffix.lower() != ".csv":
        raise CorpusError(f"{place}: {FORMAT.title} is {FORMAT.place}; name the output something.csv")
    segmented = any(u.start_s is not None or u.end_s is not None for u in manifest)
    rows = [_cells(place.parent, u, segmented) for u in manifest]
    columns = [name for name in _FIRST if segmented or name not in ("start", "end")]
    columns += sorted({name for row in rows for name in row} - set(columns))
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    if all(Path(str(row["file"])).is_absolute() for row in rows):
        return []
    return [f"paths are relative to {place.parent}: tell Nkululeko `{place.stem}.absolute_path = False`"]


def _cells(folder: Path, utterance: Utterance, segmented: bool) -> Row:
    cells = {"file": path_from(folder, utterance)} | ours(utterance, "path", "start_s", "end_s")
    return cells | ({"start": utterance.start_s or 0.0, "end": utterance.end_s} if segmented else {})


FORMAT = Format(
    name="nkululeko",
    title="Nkululeko's table",
    home="https://github.com/felixbur/nkululeko",
    place="a CSV file with file, speaker, emotion and, for parts of recordings, start and end",
    read=_read,
    write=_write,
)
