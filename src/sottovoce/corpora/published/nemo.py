"""nEMO: Polish, nine actors, ninety sentences, six emotions."""

from __future__ import annotations

from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.tables import find_tables, prepare_from_tables, read_table, refuse
from sottovoce.speech import emotions
from sottovoce.speech.manifest import Utterance

_TABLE = "data.tsv"

CARD = CorpusCard(
    name="nemo",
    title="nEMO",
    language=("pl",),
    n_utterances=4_481,
    n_speakers=9,
    emotions={"angry": 749, "fearful": 736, "happy": 749, "neutral": 809, "sad": 769, "surprised": 669},
    layout=f"{_TABLE} and samples/WR0_surprised_64.wav ...",
    licence="CC BY-NC-SA 4.0",
    home="https://github.com/amu-cai/nEMO",
    citation="Christop: nEMO: Dataset of Emotional Speech in Polish, LREC-COLING 2024, 2024.lrec-main.1059",
    encoding=f"{_TABLE}: file_id, emotion, raw_text, speaker_id; the file's name is speaker_emotion_sentence",
    oddities=(
        "All actors say the same ninety sentences: every fold shares its texts with training.",
        "Speaker ids have blanks before them in the table; they are cut off.",
        "Seven speakers have about 540 recordings each, MK0 has 450 and MP0 256.",
        "The name has nothing to do with NVIDIA's NeMo.",
    ),
    sources=("https://github.com/amu-cai/nEMO (README and data.tsv, counted)",),
)


def prepare(folder: str | Path) -> Prepared:
    """Read nEMO from any folder above `data.tsv` and the recordings.

    Raises:
        CorpusError: the folder holds something else, or the table cannot be read.
    """
    table = find_tables(folder, CARD, [_TABLE])[_TABLE]
    rows = read_table(table, ["file_id", "emotion", "raw_text", "speaker_id"], delimiter="\t")
    unknown = sorted({row["emotion"] for row in rows if emotions.canonical(row["emotion"]) is None})
    refuse(folder, [f"{_TABLE}: '{label}' is no emotion that we know" for label in unknown])
    return prepare_from_tables(folder, CARD, map(_utterance, rows))


def _utterance(row: dict[str, str]) -> Utterance:
    name = row["file_id"].removesuffix(".wav")
    return Utterance(
        id=name,
        path=row["file_id"],
        speaker=row["speaker_id"],
        emotion=emotions.canonical(row["emotion"]) or row["emotion"],
        text=row["raw_text"],
        text_id=name.rsplit("_", 1)[-1],
    )
