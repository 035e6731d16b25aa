"""audformat: a folder with a header `db.yaml` and tables, as audb delivers them (audeering.github.io/audformat).

Read and written with the library `audformat` (extra `audformat`). We write one table, `utterances`, as CSV: a column
and a scheme for each column of the manifest, segmented where any utterance is a part of a recording.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyarrow.csv import ConvertOptions

from sottovoce.corpora.interchange.format import Foreign, Format, Row, ours, path_from
from sottovoce.errors import CorpusError, MissingExtra
from sottovoce.speech.manifest import Manifest
from sottovoce.speech.utterance import COLUMNS, is_number

if TYPE_CHECKING:
    import pandas

_HEADER, _TABLE = "db.yaml", "utterances"

_NULLS = {*ConvertOptions().null_values, "None", "<NA>"}
"""Texts that the library reads from CSV as nothing, such as a speaker called NA: they are kept in Parquet."""

_ALSO_READ = ("speaker", "text", "transcription", "language")


def _read(place: Path, audio_to: Path) -> Foreign:
    folder = place.parent if place.name == _HEADER else place
    if not (folder / _HEADER).is_file():
        raise CorpusError(f"{place}: there is no {_HEADER}; {FORMAT.title} is {FORMAT.place}")
    library = _library()
    try:
        with _quiet():
            database = library.Database.load(str(folder), load_data=True)
            wanted = sorted({*_ALSO_READ, *database.schemes} - {"emotion"})
            labels = database.get("emotion", wanted)
    except Exception as problem:  # the library lets through whatever pandas, YAML and its own checks raise
        raise CorpusError(f"{folder}: audformat cannot read it: {problem}") from problem
    if not len(labels):
        schemes = ", ".join(database.schemes) or "none"
        raise CorpusError(f"{folder}: no table has a column or scheme 'emotion'; the schemes are: {schemes}")
    # what has a language of its own for each utterance may leave one open
    language = None if labels["language"].notna().any() else _two_letters(database.languages)
    return Foreign([*_rows(labels, language, database.name)], (folder.absolute(),))


def _rows(labels: pandas.DataFrame, language: str | None, name: str) -> Sequence[tuple[str, Row]]:
    import pandas as pd

    rows = []
    for number, (index, cells) in enumerate(zip(labels.index, labels.to_dict("records"), strict=True), start=1):
        file, start, end = index if isinstance(index, tuple) else (index, None, None)
        row: Row = {str(column): None if pd.isna(cell) else cell for column, cell in cells.items()}
        row |= {"path": file, "corpus": row.get("corpus") or name, "language": row.get("language") or language}
        times = [None if time is None or pd.isna(time) else time.total_seconds() for time in (start, end)]
        row["start_s"], row["end_s"] = (None, None) if times in ([None, None], [0.0, None]) else times
        rows.append((f"row {number}", row))
    return rows


def _two_letters(languages: Sequence[str]) -> str | None:
    """A database's one language, which audformat keeps as ISO 639-3, as ISO 639-1."""
    import iso639  # audformat's own dependency

    return iso639.Lang(languages[0]).pt1 or None if len(languages) == 1 else None


def _write(manifest: Manifest, place: Path) -> list[str]:
    library = _library()
    rows = [ours(u, "path", "start_s", "end_s") for u in manifest]
    files = [path_from(place, u) for u in manifest]
    segmented = any(u.start_s is not None or u.end_s is not None for u in manifest)
    starts, ends = [u.start_s or 0.0 for u in manifest], [_missing_or(u.end_s) for u in manifest]
    index = library.segmented_index(files, starts, ends) if segmented else library.filewise_index(files)
    if index.has_duplicates:
        raise CorpusError(f"{FORMAT.title} has one row for each part of a recording; here are several for one")
    # what may be done with the recordings is not ours to say: `other` sends the reader to their licence
    database = library.Database(place.absolute().name, usage="other", languages=manifest.languages)
    database[_TABLE] = library.Table(index)
    present = {name for row in rows for name in row}
    for column in [*(name for name in COLUMNS if name in present), *sorted(present - set(COLUMNS))]:
        database.schemes[column] = _scheme(library, column, rows)
        database[_TABLE][column] = library.Column(scheme_id=column)
        database[_TABLE][column].set([row.get(column) for row in rows])
    with _quiet():
        taken_for_none = any(cell in _NULLS for row in rows for cell in row.values())
        database.save(str(place), storage_format="parquet" if taken_for_none else "csv")
    if database.is_portable:
        return []
    return [f"recordings outside {place} are named by absolute paths, so the database stays on this machine"]


def _scheme(library: Any, column: str, rows: Sequence[Row]) -> Any:
    if is_number(column):
        return library.Scheme("float")
    if column in ("emotion", "speaker"):
        return library.Scheme("str", labels=sorted({row[column] for row in rows}))
    return library.Scheme("str")


def _missing_or(seconds: float | None) -> float:
    return float("nan") if seconds is None else seconds


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what pandas has to say of the library's ways (1.4 with pandas 3.1), which nobody here can change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _library() -> Any:
    try:
        import audformat
    except ImportError as problem:
        raise MissingExtra("The format audformat", "audformat") from problem
    return audformat


FORMAT = Format(
    name="audformat",
    title="an audformat database",
    home="https://audeering.github.io/audformat/",
    place="a folder with db.yaml and its tables, in which a scheme or column is called emotion",
    read=_read,
    write=_write,
)
