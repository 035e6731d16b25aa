"""MELD: English from the television series Friends, dialogues of many characters, seven emotions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import LOSSLESS, recordings
from sottovoce.corpora.tables import find_tables, prepare_from_tables, read_table, refuse
from sottovoce.errors import CorpusError
from sottovoce.speech import emotions
from sottovoce.speech.manifest import Utterance

# Where the recordings of each part lie: as published, and as many people name it who take the sound out.
_FOLDERS = {
    "train": ("train_splits", "train"),
    "dev": ("dev_splits_complete", "dev"),
    "test": ("output_repeated_splits_test", "test"),
}

PARTS = tuple(_FOLDERS)

_SPELLINGS = {
    "Dr. Leedbetter": "Dr. Ledbetter",
    "Phoebe Sr": "Phoebe Sr.",
    "Ross and Joey": "Joey and Ross",
    "Rachel and Phoebe": "Phoebe and Rachel",
}

CARD = CorpusCard(
    name="meld",
    title="MELD",
    language=("en",),
    n_utterances=13_706,
    n_speakers=300,
    emotions={
        "neutral": 6434,
        "happy": 2308,
        "surprised": 1636,
        "angry": 1607,
        "sad": 1002,
        "disgusted": 361,
        "fearful": 358,
    },
    layout=(
        "train_sent_emo.csv, dev_sent_emo.csv, test_sent_emo.csv; train/train_splits/dia0_utt0.wav, "
        "dev_splits_complete/*.wav, output_repeated_splits_test/*.wav (published as .mp4: take the sound out first)"
    ),
    licence="GPL-3.0 for the annotations; the recordings are a television broadcaster's",
    home="https://github.com/declare-lab/MELD",
    citation=(
        "Poria, Hazarika, Majumder, Naik, Cambria, Mihalcea: MELD: A Multimodal Multi-Party Dataset for Emotion "
        "Recognition in Conversations, ACL 2019"
    ),
    encoding=(
        "A row for each utterance: Speaker, Emotion, Utterance, and Dialogue_ID and Utterance_ID, which name the "
        "recording (dia0_utt0). The names begin anew in each part: only the folder tells them apart."
    ),
    oddities=(
        "Sound must be taken out of the .mp4, e.g. for each: ffmpeg -i dia0_utt0.mp4 -ac 1 -ar 16000 dia0_utt0.wav",
        "Speakers are characters: the six friends say five sixths of all. They are in every part as published. Four "
        "names that are spelled in two ways are one here.",
        "69 utterances are said by several ('All', 'Both', 'Joey and Chandler'): such a name is a speaker of its own, "
        "though its people speak elsewhere too.",
        "Of the 13,708 rows dev's dia110_utt7 has no recording and train's dia125_utt3 a broken one (EmoBox).",
    ),
    sources=(
        "https://github.com/declare-lab/MELD (README, LICENSE, data/MELD/*.csv: all rows counted)",
        "https://github.com/emo-box/EmoBox (data/meld: folders, recordings that exist)",
    ),
)

_COLUMNS = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")


def prepare(folder: str | Path, part: str | None = None) -> Prepared:
    """Read MELD, or one of its parts, from any folder above its tables and recordings.

    Raises:
        CorpusError: the folder holds something else, or tables that cannot be read: all problems are listed.
    """
    folder = Path(folder)
    wanted = PARTS if part is None else (part,)
    tables = find_tables(folder, CARD, [_table(each) for each in wanted])
    places = sorted({path.parent for path in recordings(folder, LOSSLESS)})
    said, problems = [], []
    for each in wanted:
        if _table(each) not in tables:
            problems.append(f"{_table(each)} is missing")
            continue
        place = next((place for place in places if _holds(folder, place, each)), None)
        if place is not None:
            said += _utterances(tables[_table(each)], each, place, problems)
    refuse(folder, problems)
    if not said:
        expected = ", ".join(name for each in wanted for name in _FOLDERS[each])
        raise CorpusError(f"{folder}: no folder of recordings called {expected}. Expected: {CARD.layout}")
    return prepare_from_tables(folder, CARD, said, whole=part is None)


def _table(part: str) -> str:
    return f"{part}_sent_emo.csv"


def _holds(folder: Path, place: Path, part: str) -> bool:
    """Whether a folder of recordings is a part's: it or one above it, up to the corpus, is called so."""
    names = {name.lower() for name in place.relative_to(folder.absolute().parent).parts}
    return not names.isdisjoint(_FOLDERS[part])


def _utterances(table: Path, part: str, place: Path, problems: list[str]) -> Iterator[Utterance]:
    """What a table says; `place` is the folder of its recordings. What cannot be read is added to `problems`."""
    for i, row in enumerate(read_table(table, _COLUMNS), 1):
        name = f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}"
        emotion = emotions.canonical(row["Emotion"])
        if emotion is None or not row["Speaker"]:
            problems.append(f"{table.name}, row {i}: no speaker, or the unknown emotion '{row['Emotion']}'")
            continue
        yield Utterance(
            id=f"{part}/{name}",
            path=str(place / name),
            speaker=_SPELLINGS.get(row["Speaker"], row["Speaker"]),
            emotion=emotion,
            text=row["Utterance"] or None,
        )
