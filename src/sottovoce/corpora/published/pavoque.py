"""PAVOQUE: German, one actor, neutral and four characters: cheerful, gloomy, aggressive and a poker player."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.tables import find_tables, prepare_from_tables, refuse
from sottovoce.errors import CorpusError
from sottovoce.speech.manifest import Utterance

_STYLES = {"angry": "angry", "happy": "happy", "neutral": "neutral", "poker": "poker face", "sad": "sad"}

_TABLES = tuple(f"pavoque-{part}.yaml" for part in (*_STYLES, "outtakes"))

CARD = CorpusCard(
    name="pavoque",
    title="PAVOQUE",
    language=("de",),
    n_utterances=7_334,
    n_speakers=1,
    emotions={"neutral": 4_344, "poker face": 819, "happy": 746, "angry": 724, "sad": 701},
    layout="pavoque-angry.yaml, pavoque-angry.flac and so for happy, neutral, outtakes, poker and sad",
    licence="CC BY-NC-SA 4.0",
    home="https://github.com/marytts/pavoque-data",
    citation=(
        "DFKI: PAVOQUE Corpus of Expressive Speech, 2009; used in Steiner et al., SSW7, 2010, "
        "http://www.isca-speech.org/archive/ssw7/ssw7_114.html"
    ),
    encoding="one long recording a style; the YAML beside it has prompt, text, style, start and end of each utterance",
    oddities=(
        "One man speaks, the actor Stefan Röttig: no result by speaker can come from it. It is of use as a source.",
        "Utterances are parts of long recordings: start_s and end_s say which.",
        "Styles are characters: happy is Poppy, sad Obadiah, angry Spike; the poker player is cool, and his label is "
        "'poker face', which the shipped harmonisation counts as neutral.",
        "The outtakes (1892 of the 7334) are published with labels and are read as well.",
    ),
    sources=(
        "https://github.com/marytts/pavoque-data (README; all but the neutral list counted)",
        "https://github.com/emo-box/EmoBox, data/pavoque (counts)",
    ),
)

_PHONE = "- {lab:"
"""How the lines of the phones begin. They are most of a list, and reading them would take minutes."""


def prepare(folder: str | Path) -> Prepared:
    """Read PAVOQUE from any folder above the lists and the recordings.

    Raises:
        CorpusError: the folder holds something else, or a list cannot be read: all problems are listed.
    """
    tables = find_tables(folder, CARD, _TABLES)
    said: list[Utterance] = []
    problems: list[str] = []
    for name, table in tables.items():
        for number, entry in enumerate(_entries(table), 1):
            problem = _problem(entry)
            if problem:
                problems.append(f"{name}, entry {number}: {problem}")
            else:
                said.append(_utterance(entry, recording=table.stem))
    refuse(folder, problems)
    return prepare_from_tables(folder, CARD, said)


def _entries(table: Path) -> Iterator[Any]:
    try:
        lines = table.read_text(encoding="utf-8").splitlines()
        entries = yaml.safe_load("\n".join(line for line in lines if not line.lstrip().startswith(_PHONE)))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise CorpusError(f"{table}: cannot be read as YAML: {problem}") from problem
    if not isinstance(entries, list):
        raise CorpusError(f"{table}: must be a list of utterances")
    yield from entries


def _problem(entry: Any) -> str:
    """What is wrong with an entry, or nothing."""
    if not isinstance(entry, dict) or not {"prompt", "style", "start", "end"} <= set(entry):
        return "needs prompt, style, start and end"
    if entry["style"] not in _STYLES:
        return f"style '{entry['style']}' is none of {', '.join(_STYLES)}"
    start, end = entry["start"], entry["end"]
    if not isinstance(start, int | float) or not isinstance(end, int | float) or not 0 <= start < end:
        return f"start {start} and end {end} do not bound any sound"
    return ""


def _utterance(entry: dict[str, Any], recording: str) -> Utterance:
    return Utterance(
        id=f"{entry['prompt']}-{entry['style']}",
        path=recording,
        speaker="roettig",
        emotion=_STYLES[entry["style"]],
        text=entry.get("text"),
        text_id=str(entry["prompt"]),
        start_s=float(entry["start"]),
        end_s=float(entry["end"]),
    )
