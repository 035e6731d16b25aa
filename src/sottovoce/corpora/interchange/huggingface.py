"""A data set of the library `datasets`: Parquet files with an Audio column (huggingface.co/docs/datasets).

The column holds `bytes` (the file as it was) and `path` (its name); metadata of the file under the key `huggingface`
says which column is of which feature. The library itself is not needed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sottovoce.corpora.interchange.format import Foreign, Format, Row, ours
from sottovoce.corpora.names import files_below
from sottovoce.errors import CorpusError
from sottovoce.speech import audio, uri
from sottovoce.speech.manifest import Manifest
from sottovoce.speech.utterance import COLUMNS, Utterance, is_number

_AT_ONCE = 64
"""Recordings in memory, and in a row group."""

_A_FILE = 2000
"""Utterances a Parquet file: some hundred megabytes of short clips."""


def _read(place: Path, audio_to: Path) -> Foreign:
    tables = sorted(path for path in files_below(place) if path.suffix == ".parquet") if place.is_dir() else [place]
    if not tables:
        raise CorpusError(f"{place}: there is no Parquet file below it; {FORMAT.title} is {FORMAT.place}")
    rows: list[tuple[str, Row]] = []
    taken: set[str] = set()
    for table in tables:
        try:
            rows += _rows(table, audio_to, taken)
        except (OSError, ValueError, LookupError, AttributeError, pa.ArrowException) as problem:
            raise CorpusError(f"{table}: cannot be read as a data set: {problem}") from problem
    unpacked = [f"{len(taken)} recordings unpacked to {audio_to}"] if taken else []
    return Foreign(rows, (place.absolute() if place.is_dir() else place.absolute().parent,), tuple(unpacked))


def _rows(table: Path, audio_to: Path, taken: set[str]) -> Iterator[tuple[str, Row]]:
    file = pq.ParquetFile(table)
    features = _features(file)
    column = next((name for name, feature in features.items() if feature.get("_type") == "Audio"), None)
    if column is None:
        raise CorpusError(f"{table}: it has no Audio column; its columns are: {', '.join(file.schema_arrow.names)}")
    classes = {name: each["names"] for name, each in features.items() if each.get("_type") == "ClassLabel"}
    number = 0
    for batch in file.iter_batches(_AT_ONCE):
        for cells in batch.to_pylist():
            number += 1
            sound = cells.pop(column) or {}
            for name, names in classes.items():
                # a label that is not known is -1 there
                cells[name] = names[cells[name]] if cells[name] is not None and cells[name] >= 0 else None
            path = sound.get("path") or ""
            if sound.get("bytes"):
                path = str(_unpacked(sound["bytes"], path, audio_to, taken))
            yield f"{table.name}, row {number}", cells | {"path": path}


def _features(file: pq.ParquetFile) -> Mapping[str, Mapping[str, Any]]:
    """The features by column; a struct of bytes and path is sound even where nothing says so."""
    schema = file.schema_arrow
    stated = json.loads((schema.metadata or {}).get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    sounds = {
        field.name: {"_type": "Audio"}
        for field in schema
        if pa.types.is_struct(field.type) and {"bytes", "path"} <= {child.name for child in field.type}
    }
    return sounds | {name: each for name, each in stated.items() if isinstance(each, dict)}


def _unpacked(content: bytes, path: str, audio_to: Path, taken: set[str]) -> Path:
    """Write a recording under the last part of its name alone: what a table says must not lead out of `audio_to`."""
    name = PurePosixPath(path.replace("\\", "/").replace("\0", "")).name.lstrip(".") or "recording"
    if name.lower() in taken:
        name = f"{len(taken)}-{name}"
    taken.add(name.lower())
    audio_to.mkdir(parents=True, exist_ok=True)
    (audio_to / name).write_bytes(content)
    return (audio_to / name).absolute()


def _write(manifest: Manifest, place: Path) -> list[str]:
    n_files = -(-len(manifest) // _A_FILE)
    schema = _schema(manifest)
    folder = place / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(n_files):
        path = folder / f"train-{number:05d}-of-{n_files:05d}.parquet"
        with pq.ParquetWriter(path, schema) as file:
            for first in range(number * _A_FILE, min((number + 1) * _A_FILE, len(manifest)), _AT_ONCE):
                last = min(first + _AT_ONCE, (number + 1) * _A_FILE)
                file.write_table(_table(manifest.utterances[first:last], schema))
    n_parts = sum(_is_part(u) for u in manifest)
    return [f"{n_parts} parts of recordings stand there as recordings: start_s and end_s are lost"] if n_parts else []


def _schema(manifest: Manifest) -> pa.Schema:
    present = {name for u in manifest for name in _cells(u)}
    columns = [*(name for name in COLUMNS if name in present), *sorted(present - set(COLUMNS))]
    features: dict[str, Any] = {"audio": {"_type": "Audio"}}
    features |= {name: {"dtype": "float64" if is_number(name) else "string", "_type": "Value"} for name in columns}
    features["emotion"] = {"names": sorted({u.emotion for u in manifest}), "_type": "ClassLabel"}
    types = {"audio": pa.struct({"bytes": pa.binary(), "path": pa.string()}), "emotion": pa.int64()}
    fields = {name: types.get(name, pa.float64() if is_number(name) else pa.string()) for name in features}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema(list(fields.items()), metadata=metadata)


def _table(utterances: Sequence[Utterance], schema: pa.Schema) -> pa.Table:
    names = json.loads(schema.metadata[b"huggingface"])["info"]["features"]["emotion"]["names"]
    rows = [
        _cells(u) | {"emotion": names.index(u.emotion), "audio": {"bytes": _sound(u), "path": _name(u)}}
        for u in utterances
    ]
    return pa.Table.from_pylist(rows, schema)


def _cells(utterance: Utterance) -> Row:
    return ours(utterance, "path", "start_s", "end_s")


def _is_part(utterance: Utterance) -> bool:
    return utterance.start_s is not None or utterance.end_s is not None


def _name(utterance: Utterance) -> str:
    name = uri.name_of(utterance.path)
    return f"{name.stem}_{utterance.start_s or 0:g}-{utterance.end_s or ''}.flac" if _is_part(utterance) else str(name)


def _sound(utterance: Utterance) -> bytes:
    """The recording's file as it is, or what an utterance is of it, as FLAC of one channel at the recording's rate."""
    place = uri.localised(utterance.path)
    if not _is_part(utterance):
        try:
            return uri.read_bytes(place) if isinstance(place, str) else place.read_bytes()
        except OSError as problem:
            raise CorpusError(f"{place}: cannot be read: {problem.strerror}") from problem
    rate_hz = audio.probe(place).rate_hz
    waveform = audio.read(place, rate_hz=rate_hz, start_s=utterance.start_s, end_s=utterance.end_s)
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "part.flac"
        audio.write(part, waveform, rate_hz)
        return part.read_bytes()


FORMAT = Format(
    name="huggingface",
    title="a Hugging Face data set",
    home="https://huggingface.co/docs/datasets",
    place="a folder of Parquet files with an Audio column, speaker and emotion",
    read=_read,
    write=_write,
)
