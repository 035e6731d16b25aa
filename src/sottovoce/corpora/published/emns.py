"""EMNS: British English, one woman tells stories in eight emotions, each at a level of expressiveness."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.tables import find_tables, prepare_from_tables, read_table, refuse
from sottovoce.speech import emotions
from sottovoce.speech.harmonisation import INTENSITY
from sottovoce.speech.manifest import Utterance

_TABLE = "metadata.csv"

_HIGHEST_LEVEL = 10

CARD = CorpusCard(
    name="emns",
    title="EMNS",
    language=("en",),
    n_utterances=1181,
    n_speakers=1,
    emotions={
        "neutral": 149,
        "happy": 307,
        "sad": 147,
        "angry": 126,
        "disgusted": 162,
        "surprised": 151,
        "sarcasm": 139,
    },
    layout=f"{_TABLE} with the columns utterance|emotion|...|level|audio_recording; cleaned_webm/recorded_audio_*.wav "
    "(published as .webm: convert them first)",
    licence="CC BY 4.0 (as nkululeko lists it)",
    home="https://www.openslr.org/136/",
    citation=(
        "Noriy, Yang, Zhang: EMNS /Imz/ Corpus: An emotive single-speaker dataset for narrative storytelling in games, "
        "television and graphic novels, 2023"
    ),
    encoding="A row for each recording, cells parted by |: user_id, emotion, level (0 to 10), status, audio_recording",
    oddities=(
        "One speaker: it can be a source, but no fold over speakers can be made of it.",
        "Convert the .webm first, e.g. for each: ffmpeg -i recorded_audio_RF6OuQ4.webm recorded_audio_RF6OuQ4.wav",
        "Happy holds 157 'happy' and 150 'excited'. Sarcasm is a finer label.",
        "The intensity is the level of expressiveness out of ten; neutral has 0, and so have some of the others.",
        "24 rows whose status is not Complete are left out, as EmoBox does.",
    ),
    sources=(
        "https://github.com/felixbur/nkululeko (data/emns: columns, all 1205 rows)",
        "https://github.com/emo-box/EmoBox (data/emns: 1181 names and their labels)",
    ),
)


def prepare(folder: str | Path) -> Prepared:
    """Read EMNS from any folder above its table and recordings.

    Raises:
        CorpusError: the folder holds something else, or a table that cannot be read: all problems are listed.
    """
    table = find_tables(folder, CARD, [_TABLE])[_TABLE]
    problems: list[str] = []
    said = list(_utterances(table, problems))
    refuse(folder, problems)
    return prepare_from_tables(folder, CARD, said)


def _utterances(table: Path, problems: list[str]) -> Iterator[Utterance]:
    """What the rows say; those that cannot be read are added to `problems`."""
    columns = ["user_id", "utterance", "emotion", "status", "audio_recording"]
    for i, row in enumerate(read_table(table, columns, numbers=["level"], delimiter="|"), 1):
        if row["status"] != "Complete":
            continue
        emotion, name = emotions.canonical(row["emotion"]), Path(row["audio_recording"]).stem
        if emotion is None or not name:
            problems.append(f"{table.name}, row {i}: no recording, or the unknown emotion '{row['emotion']}'")
            continue
        yield Utterance(
            id=name,
            path=name,
            speaker=row["user_id"],
            emotion=emotion,
            text=row["utterance"] or None,
            measures={INTENSITY: float(row["level"]) / _HIGHEST_LEVEL},
        )
