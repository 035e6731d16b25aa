"""EmoBox: a line of JSON an utterance (github.com/emo-box/EmoBox, arXiv 2406.07162).

A data set's folder holds `NAME.jsonl` with `key` (`emodb-03a02Wb`), `wav` (relative to the folder that holds `data`),
`emo` and, for a part of a recording, `start_time` and `end_time`; `label_map.json` from its labels to EmoBox's; and
`data.seg.wrd.stm`, which alone says who speaks. There `lang` is `en` whatever is spoken, so it is not read. The lists
of its folds are in `judging.emobox_lists`.
"""

from __future__ import annotations

import json
import re
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

_LABELS, _SPEAKERS = ("label_map.json", "label_dict.json"), "data.seg.wrd.stm"
"""EMOVO's map alone has the second name."""

_TAGS = re.compile(r"<id=(.+?),lang=.*?,spk=(.+),emotion=.*>")

_THEIR_LABELS = {"fearful": "Fear", "disgusted": "Disgust", "surprised": "Surprise", "bored": "Boredom"}
"""Where EmoBox's name of an emotion is not ours with a capital."""


def _read(place: Path, audio_to: Path) -> Foreign:
    lines = place if place.is_file() else place / f"{place.absolute().name}.jsonl"
    if not lines.is_file():
        raise CorpusError(f"{place}: there is no {lines.name}; {FORMAT.title} is {FORMAT.place}")
    folder = lines.absolute().parent
    speakers, labels = _speakers(folder / _SPEAKERS), _labels(folder)
    rows = [(name, _row(line, speakers, labels)) for name, line in json_lines(lines)]
    named = {row["speaker"] for _, row in rows if row.get("speaker")}
    note = "every recording has a speaker of its own: it is not known who speaks, so folds may share speakers"
    return Foreign(rows, (folder, *folder.parents[:2]), (note,) if len(rows) > 1 and len(named) == len(rows) else ())


def _row(line: Row, speakers: dict[str, str], labels: dict[str, str]) -> Row:
    key, label = str(line.get("key", "")), str(line.get("emo", ""))
    return line | {
        "id": key.removeprefix(f"{line.get('dataset')}-"),
        "path": line.get("wav") or line.get("audio"),
        "emotion": labels.get(label, label),
        "speaker": line.get("speaker") or speakers.get(key),
        "corpus": line.get("corpus") or line.get("dataset"),
        "start_s": line.get("start_time"),
        "end_s": line.get("end_time"),
    }


def _speakers(path: Path) -> dict[str, str]:
    """Who speaks, by key; empty where the file is absent."""
    if not path.is_file():
        return {}
    try:
        return dict(_TAGS.findall(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as problem:
        raise CorpusError(f"{path}: cannot be read: {problem}") from problem


def _labels(folder: Path) -> dict[str, str]:
    """EmoBox's name of each label; empty where the map is absent."""
    path = next((folder / name for name in _LABELS if (folder / name).is_file()), None)
    if path is None:
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(label): str(name) for label, name in content.items()}
    except (OSError, ValueError, AttributeError) as problem:
        raise CorpusError(f"{path}: a map such as {{'W': 'Angry'}} is expected: {problem}") from problem


def _write(manifest: Manifest, place: Path) -> list[str]:
    known, notes = probed(manifest)
    name = place.absolute().name
    write_json_lines(place / f"{name}.jsonl", (_line(name, place, u, header) for u, header in known))
    labels = {label: _THEIR_LABELS.get(label, label.capitalize()) for label in sorted({u.emotion for u, _ in known})}
    (place / _LABELS[0]).write_text(json.dumps(labels, indent=4) + "\n", encoding="utf-8")
    return notes


def _line(name: str, place: Path, utterance: Utterance, header: SoundInfo) -> Row:
    start_s, end_s = utterance.start_s or 0.0, utterance.end_s or header.duration_s
    line: Row = {
        "key": f"{name}-{utterance.id}",
        "dataset": name,
        "wav": path_from(place, utterance),
        "type": "raw",
        "sample_rate": header.rate_hz,
        "num_frame": (end_s - start_s) * header.rate_hz,
        "task": "category",
        "length": end_s - start_s,
        "emo": utterance.emotion,
        "channel": header.channels,
    }
    if utterance.start_s is not None or utterance.end_s is not None:
        line |= {"start_time": start_s, "end_time": end_s}
    return line | ours(utterance, "id", "path", "emotion", "start_s", "end_s")


FORMAT = Format(
    name="emobox",
    title="EmoBox",
    home="https://github.com/emo-box/EmoBox",
    place="a folder NAME with NAME.jsonl, e.g. EmoBox/data/emodb",
    read=_read,
    write=_write,
)
