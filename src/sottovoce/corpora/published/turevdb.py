"""TurEV-DB: single words of Turkish, six speakers, four emotions: calm, and no neutral."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name, within

_ORIGINALS = "Sound Source"

_EMOTIONS = {"kz": "angry", "mt": "happy", "hl": "sad", "sk": "calm"}

CARD = CorpusCard(
    name="turevdb",
    title="TurEV-DB",
    language=("tr",),
    n_utterances=1_735,
    n_speakers=6,
    emotions={"angry": 487, "happy": 357, "sad": 483, "calm": 408},
    layout=f"{_ORIGINALS}/Angry/1157_kz_acik.wav ..., {_ORIGINALS}/Calm/1234_sk_eger.wav ..., Happy/, Sad/",
    licence="CC BY-NC-ND 4.0",
    home="https://github.com/Xeonen/TurEV-DB",
    citation="Canpolat, Ormanoğlu, Zeyrek: Turkish Emotion Voice Database (TurEV-DB), SLTU-CCURL 2020, 2020.sltu-1.52",
    encoding="speaker_emotion_word: kz angry, mt happy, hl sad, sk calm, as the folders say in English",
    oddities=(
        "There is calm and no neutral: with the four usual classes, three are left. In the shipped harmonisation its "
        "calm weighs as neutral.",
        "The repository also holds 698 filtered copies of recordings under the same names, below `Model Output for "
        "Test Data`. They are passed over where `Sound Source` is there.",
        "Four speakers have 328 recordings each, 1157 has 150 and 7895 has 273.",
        "All speakers say the same 82 words, written without Turkish letters (so no text is given). One name has a "
        "digit after its word: `7895_hl_ogul1`.",
    ),
    sources=(
        "https://github.com/Xeonen/TurEV-DB (names, licence)",
        "https://aclanthology.org/2020.sltu-1.52/",
        "https://github.com/emo-box/EmoBox, data/turevdb (all names)",
    ),
)

_NAME = re.compile(r"(?P<speaker>\d{4})_(?P<emotion>kz|mt|hl|sk)_(?P<text_id>[a-z]+)\d?")


def prepare(folder: str | Path) -> Prepared:
    """Read TurEV-DB from any folder above the recordings; of the whole repository, `Sound Source` alone.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(within(folder, _ORIGINALS), CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    return match and match.groupdict() | {"emotion": _EMOTIONS[match["emotion"]]}
