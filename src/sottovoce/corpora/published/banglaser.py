"""BanglaSER: Bangla, 34 speakers, three sentences, five emotions, recorded with telephones and laptops."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {"01": "happy", "02": "sad", "03": "angry", "04": "surprised", "05": "neutral"}

_SENTENCES = {"01": "১২ টা বেজে গেছে", "02": "আমি জানতাম এমন কিছু হবে", "03": "এ কেমন উপহার"}

CARD = CorpusCard(
    name="banglaser",
    title="BanglaSER",
    language=("bn",),
    n_utterances=1_467,
    n_speakers=34,
    emotions={"happy": 306, "sad": 306, "angry": 306, "surprised": 306, "neutral": 243},
    layout="BanglaSER/ (folders by actor): 03-01-01-01-01-01-01.wav ... 03-01-05-01-03-03-34.wav",
    licence="CC BY 4.0",
    home="https://data.mendeley.com/datasets/t9h6p943xy/5",
    citation=(
        "Das, Islam, Ahmed, Islam, Shatabda, Islam: BanglaSER: A speech emotion recognition dataset for the Bangla "
        "language, Data in Brief 42:108091, 2022, doi:10.1016/j.dib.2022.108091"
    ),
    encoding="as RAVDESS: 03-01-emotion-intensity-sentence-repetition-actor; 01 happy, 02 sad, 03 angry, 04 surprise, "
    "05 neutral; odd actors are men",
    oddities=(
        "The names look like RAVDESS's and mean other emotions: 03 is happy there and angry here.",
        "Intensity is not read: it follows from the emotion (happy and sad normal, angry and surprise strong).",
        "27 of the 34 speakers have neutral recordings.",
        "All speakers say the same three sentences: every fold shares its texts with training.",
    ),
    sources=(
        "https://data.mendeley.com/datasets/t9h6p943xy/5 and version 2 (counts, sentences, intensities)",
        "https://github.com/felixbur/nkululeko, data/banglaser (names)",
    ),
)

_NAME = re.compile(r"03-01-(?P<emotion>0[1-5])-0[12]-(?P<text_id>0[1-3])-0[1-3]-(?P<speaker>0[1-9]|[12]\d|3[0-4])")


def prepare(folder: str | Path) -> Prepared:
    """Read BanglaSER from any folder above the recordings.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    return match and match.groupdict() | {
        "emotion": _EMOTIONS[match["emotion"]],
        "text": _SENTENCES[match["text_id"]],
    }
