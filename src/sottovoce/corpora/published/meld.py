"""MELD: English from the television series Friends, dialogues of many characters, seven emotions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
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

_PART_OF = {name: part for part, names in _FOLDERS.items() for name in names}

_CUT_ANEW = "final_videos_test"
"""Before the names of test recordings that were cut a second time."""

_NAME = re.compile(rf"({_CUT_ANEW})?dia\d+_utt\d+", re.IGNORECASE)

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
        f"Where test has {_CUT_ANEW}dia0_utt0 beside dia0_utt0 it is taken in its place, and a note counts these. "
        "Public programs disagree: three prefer it (one says that MELD cut 132 clips anew and their plain twins are "
        "wrong), EmoBox and others use the plain one, and an author of MELD called the further files safe to ignore. "
        "113 of test's 2610 plain clips (lengths as in EmoBox) are over 0.5 s longer than the times in the table, 2 of "
        "train's 9988, none of dev's. Not verified by ear. Scores with the plain clips are of other sounds; EmoBox's "
        f"lists fit a copy without the {_CUT_ANEW} files.",
        "Test's dia38_utt4 (305 s) and dia220_utt0 (235 s) are cut wrongly, and the times in the table are as long.",
        "Of the 13,708 rows dev's dia110_utt7 has no recording and train's dia125_utt3 a broken one (EmoBox).",
    ),
    sources=(
        "https://github.com/declare-lab/MELD (README, LICENSE, data/MELD/*.csv: all rows counted)",
        "https://github.com/declare-lab/MELD/issues/20 and /22 (clips cut wrongly; files without rows)",
        "https://github.com/emo-box/EmoBox (data/meld: folders, recordings that exist, their lengths)",
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
    found = [path for path in recordings(folder, LOSSLESS) if _NAME.fullmatch(path.stem)]
    places = _places(folder, found)
    said, problems = [], []
    for each in wanted:
        if _table(each) not in tables:
            problems.append(f"{_table(each)} is missing")
        elif each in places:
            said += _utterances(tables[_table(each)], each, places[each], problems)
    refuse(folder, problems)
    if not said:
        expected = ", ".join(name for each in wanted for name in _FOLDERS[each])
        raise CorpusError(f"{folder}: no folder of recordings called {expected}. Expected: {CARD.layout}")
    anew = _cut_anew(path for path in found if path.parent == places.get("test"))
    said = [replace(u, path=anew.get(u.path, u.path)) for u in said]
    twins = {path for path in found if _without_ending(path) in anew}
    prepared = prepare_from_tables(folder, CARD, said, whole=part is None, apart=twins.__contains__)
    n_anew = sum(Path(u.path).name.startswith(_CUT_ANEW) for u in prepared.manifest)
    note = f"{n_anew} recordings of test are those called {_CUT_ANEW}..., in place of the plain ones: see the card"
    return Prepared(prepared.manifest, (*prepared.notes, note)) if n_anew else prepared


def _table(part: str) -> str:
    return f"{part}_sent_emo.csv"


def _places(folder: Path, found: Iterable[Path]) -> dict[str, Path]:
    """The folder with the recordings of each part that is there: of several the one that holds most."""
    held = Counter(path.parent for path in found)
    places: dict[str, Path] = {}
    for place in sorted(held, key=lambda place: (-held[place], place)):
        if part := _part(place.relative_to(folder.absolute().parent)):
            places.setdefault(part, place)
    return places


def _part(place: Path) -> str | None:
    """Whose recordings a folder holds: it, or the nearest above it up to the corpus's own, is called so."""
    return next((_PART_OF[name.lower()] for name in reversed(place.parts) if name.lower() in _PART_OF), None)


def _cut_anew(found: Iterable[Path]) -> dict[str, str]:
    """By the plain recording the one that was cut anew, both without endings."""
    anew = (path.with_suffix("") for path in found if path.name.startswith(_CUT_ANEW))
    return {str(path.with_name(path.name.removeprefix(_CUT_ANEW))): str(path) for path in anew}


def _without_ending(path: Path) -> str:
    return str(path.with_suffix(""))


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
