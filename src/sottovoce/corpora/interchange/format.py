"""What all formats share: their description, and the way from their rows to utterances."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sottovoce.corpora.card import Prepared
from sottovoce.errors import AudioError, CorpusError
from sottovoce.speech import audio, rows, uri
from sottovoce.speech.manifest import Manifest, relative
from sottovoce.speech.utterance import Utterance

Row = dict[str, Any]

_OTHER_NAMES = {
    "speaker": ("speaker_id", "spk", "spk_id"),
    "emotion": ("label", "emo"),
    "text": ("transcription", "transcript", "sentence"),
}
"""Columns that others call differently; ours comes first where both are there."""

_CODE = re.compile(r"[a-z]{2}")


@dataclass(frozen=True)
class Foreign:
    """What a format says: for each utterance where it was read and a row in the manifest's columns.

    Relative paths start in the first of `folders` that has the recording.
    """

    rows: Sequence[tuple[str, Row]]
    folders: tuple[Path, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """One format. `place` says what a place that holds it looks like.

    `read(place, audio_to)` unpacks recordings to `audio_to` where the format holds them itself. `write` returns notes.
    What a format has no field for is written beside its own, under the manifest's names, where readers pass over it.
    """

    name: str
    title: str
    home: str
    place: str
    read: Callable[[Path, Path], Foreign]
    write: Callable[[Manifest, Path], list[str]]


def taken_over(
    format_: Format, foreign: Foreign, place: Path, labels: Mapping[str, str], language: str | None
) -> Prepared:
    """Utterances of a format's rows; those whose recording is not there are left out and noted.

    Raises:
        CorpusError: no recording is there, or with every problem of every row.
    """
    placed = [(name, _our_names(row)) for name, row in foreign.rows]
    if not placed:
        raise CorpusError(f"{place}: no utterance in it; {format_.title} is {format_.place}")
    notes = list(foreign.notes)
    unknown = sorted({str(row["language"]) for _, row in placed if not _is_code(row.get("language"))})
    if unknown:
        notes.append(f"not a language of two letters, left empty (--language fills it): {', '.join(unknown[:5])}")
    there, absent = [], []
    for name, row in placed:
        row["path"] = _found(str(row.get("path") or ""), foreign.folders)
        row["language"] = row.get("language") if _is_code(row.get("language")) else None
        row["emotion"] = labels.get(str(row.get("emotion")), row.get("emotion"))
        is_there = uri.is_uri(row["path"]) or os.path.isfile(row["path"])
        (there if is_there else absent).append((name, row))
    if not there:
        searched = ", ".join(map(str, foreign.folders))
        raise CorpusError(f"{place}: none of its {len(absent)} recordings is there; looked for in {searched}")
    if absent:
        first = absent[0][1]["path"]
        notes.append(f"{len(absent)} of {len(placed)} utterances left out: no such recording; the first is {first}")
    names, filled = zip(*there, strict=True)
    utterances, problems = rows.parse(filled, names, foreign.folders[0], language=language, corpus=place.stem)
    if problems:
        advice = "emotions of your own are translated by --label W=angry; every utterance needs a speaker"
        raise CorpusError(f"{place}: {len(problems)} problem(s); {advice}:", problems)
    return Prepared(Manifest(tuple(utterances)), tuple(notes))


def ours(utterance: Utterance, *without: str) -> Row:
    """The filled columns of an utterance that a format has no field of its own for."""
    return {name: content for name, content in utterance.to_row().items() if name not in without}


def path_from(folder: Path, utterance: Utterance) -> str:
    """The recording as written into a file of `folder`: relative below it, else absolute."""
    return relative(utterance.path, folder)


def probed(manifest: Manifest) -> tuple[list[tuple[Utterance, audio.SoundInfo]], list[str]]:
    """Every utterance with what its recording's header says, and a note on those that cannot be read.

    Raises:
        CorpusError: not one can be read.
    """
    headers: dict[str, audio.SoundInfo | None] = {}
    reasons: list[str] = []
    for path in dict.fromkeys(u.path for u in manifest):
        try:
            headers[path] = audio.probe(path)
        except AudioError as problem:
            reasons.append(str(problem))
    known = [(u, header) for u in manifest if (header := headers.get(u.path))]
    if not known:
        raise CorpusError(f"none of the recordings can be read; the first: {reasons[0]}")
    n_refused = len(manifest) - len(known)
    return known, [f"{n_refused} utterances left out: recordings cannot be read; {reasons[0]}"] if reasons else []


def json_lines(path: Path) -> Iterator[tuple[str, Row]]:
    """The objects of a JSON Lines file, which may be gzipped, each with the name of its line.

    Raises:
        CorpusError: the file cannot be read, or a line is no JSON object.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    name = f"{path.name}, line {number}"
                    yield name, _object(line, name)
    except (OSError, EOFError, UnicodeDecodeError) as problem:
        raise CorpusError(f"{path}: cannot be read as JSON lines: {problem}") from problem


def write_json_lines(path: Path, objects: Iterable[Row]) -> None:
    """Write objects as JSON Lines, gzipped where the path ends in `.gz`; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") if path.suffix == ".gz" else path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in objects)


def _object(line: str, name: str) -> Row:
    try:
        content = json.loads(line)
    except ValueError as problem:
        raise CorpusError(f"{name}: no JSON: {problem}") from problem
    if not isinstance(content, dict):
        raise CorpusError(f"{name}: an object such as {{...}} is expected, not {line[:40].strip()}")
    return content


def _our_names(row: Row) -> Row:
    renamed = dict(row)
    for name, others in _OTHER_NAMES.items():
        for other in others:
            if renamed.get(name) is None and other in row:
                renamed[name] = row[other]
    return renamed


def _is_code(language: object) -> bool:
    return not language or _CODE.fullmatch(str(language)) is not None


def _found(path: str, folders: Sequence[Path]) -> str:
    if uri.is_uri(path):
        return path
    places = [os.path.abspath(folder / path) for folder in folders]
    return next((place for place in places if os.path.isfile(place)), places[0])
