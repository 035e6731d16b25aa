"""Lhotse's manifests (github.com/lhotse-speech/lhotse): recordings and what is said in them, as JSON Lines.

A supervision has fields for speaker, language and text; the emotion lies in its `custom`, as in Lhotse's own recipe of
DailyTalk. Lhotse itself is not needed.
"""

from __future__ import annotations

import math
from pathlib import Path

from sottovoce.corpora.interchange.format import (
    Foreign,
    Format,
    Row,
    json_lines,
    ours,
    path_from,
    probed,
    write_json_lines,
)
from sottovoce.errors import CorpusError
from sottovoce.speech.audio import SoundInfo
from sottovoce.speech.manifest import Manifest
from sottovoce.speech.utterance import Utterance

_RECORDINGS, _SUPERVISIONS = "recordings.jsonl.gz", "supervisions.jsonl.gz"

_TOLERANCE_S = 1e-3
"""A supervision that misses the ends of its recording by less than this is the whole recording."""

_DIGITS = 9
"""Of seconds: what remains of a difference of two floats is no time."""


def _read(place: Path, audio_to: Path) -> Foreign:
    folder = place if place.is_dir() else place.absolute().parent
    recordings, supervisions = (_files(folder, kind) for kind in ("recordings", "supervisions"))
    missing = [kind for kind, found in (("recordings", recordings), ("supervisions", supervisions)) if not found]
    if missing:
        raise CorpusError(f"{place}: there are no {' and no '.join(missing)}; {FORMAT.title} is {FORMAT.place}")
    known = {str(each.get("id")): each for path in recordings for _, each in json_lines(path)}
    rows = []
    for path in supervisions:
        for name, supervision in json_lines(path):
            recording = known.get(str(supervision.get("recording_id")))
            if recording is None:
                raise CorpusError(f"{name}: there is no recording '{supervision.get('recording_id')}' in {folder}")
            rows.append((name, _row(name, supervision, recording)))
    # Paths of Lhotse's recipes start wherever the recipe was run.
    return Foreign(rows, (folder.absolute(), Path.cwd(), *folder.absolute().parents[:2]))


def _files(folder: Path, kind: str) -> list[Path]:
    found = sorted(path for path in folder.glob(f"*{kind}*.jsonl*") if path.name.endswith((".jsonl", ".jsonl.gz")))
    plain = {path.name.removesuffix(".gz"): path for path in found}
    return list(plain.values())


def _row(name: str, supervision: Row, recording: Row) -> Row:
    try:
        source = next(each for each in recording["sources"] if each["type"] in ("file", "url"))["source"]
        whole_s = float(recording["duration"])
        start_s = float(supervision["start"])
        end_s = start_s + float(supervision["duration"])
        is_whole = abs(start_s) < _TOLERANCE_S and math.isclose(end_s, whole_s, abs_tol=_TOLERANCE_S)
        custom = dict(supervision.get("custom") or {})
    except (KeyError, TypeError, ValueError, StopIteration) as problem:
        kept = "a start, a duration and a recording with the source of type 'file' are expected"
        raise CorpusError(f"{name}: {kept}; found {problem!r}") from problem
    fields = {field: supervision.get(field) for field in ("id", "speaker", "language", "text")}
    times = {} if is_whole else {"start_s": round(start_s, _DIGITS), "end_s": round(end_s, _DIGITS)}
    return custom | fields | {"path": source} | times


def _write(manifest: Manifest, place: Path) -> list[str]:
    known, notes = probed(manifest)
    headers = {path_from(place, u): header for u, header in known}
    write_json_lines(place / _RECORDINGS, (_recording(path, header) for path, header in headers.items()))
    write_json_lines(place / _SUPERVISIONS, (_supervision(place, u, header) for u, header in known))
    return notes


def _recording(path: str, header: SoundInfo) -> Row:
    channels = list(range(header.channels))
    return {
        "id": path,
        "sources": [{"type": "file", "channels": channels, "source": path}],
        "sampling_rate": header.rate_hz,
        "num_samples": round(header.duration_s * header.rate_hz),
        "duration": header.duration_s,
        "channel_ids": channels,
    }


def _supervision(place: Path, utterance: Utterance, header: SoundInfo) -> Row:
    start_s, end_s = utterance.start_s or 0.0, min(utterance.end_s or header.duration_s, header.duration_s)
    supervision: Row = {
        "id": utterance.id,
        "recording_id": path_from(place, utterance),
        "start": start_s,
        "duration": round(end_s - start_s, _DIGITS),
        "channel": 0 if header.channels == 1 else list(range(header.channels)),
        "text": utterance.text,
        "language": utterance.language,
        "speaker": utterance.speaker,
        "custom": ours(utterance, "id", "path", "text", "language", "speaker", "start_s", "end_s"),
    }
    return {name: content for name, content in supervision.items() if content is not None}


FORMAT = Format(
    name="lhotse",
    title="a folder of Lhotse manifests",
    home="https://github.com/lhotse-speech/lhotse",
    place="a folder with recordings.jsonl.gz and supervisions.jsonl.gz, of whatever beginning, gzipped or not",
    read=_read,
    write=_write,
)
