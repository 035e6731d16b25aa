"""BAVED, the Basic Arabic Vocal Emotions Dataset: seven words in three levels of arousal, not in emotions."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_LEVELS = {"0": "tiredness", "1": "neutral", "2": "other"}

_WORDS = {
    "0": "اعجبني",
    "1": "لم يعجبني",
    "2": "هذا",
    "3": "الفيلم",
    "4": "رائع",
    "5": "مقول",
    "6": "سيئ",
}

CARD = CorpusCard(
    name="baved",
    title="BAVED",
    language=("ar",),
    n_utterances=1_935,
    n_speakers=60,
    emotions={"tiredness": 585, "neutral": 672, "other": 678},
    layout="0/1-m-20-0-0-1.wav ... 6/56-f-40-6-2-657.wav, a folder a word",
    licence="none named; its README advises against commercial use",
    home="https://github.com/40uf411/Basic-Arabic-Vocal-Emotions-Dataset",
    citation="Aouf: Basic Arabic Vocal Emotions Dataset (BAVED), GitHub, 2019",
    encoding="speaker-gender-age-word-level-recording: level 0 low, 1 as one speaks every day, 2 high",
    oddities=(
        "The levels are no emotions. Level 0 is published as 'similar to feeling tired or feeling down', 1 as neutral, "
        "2 as strong emotion of any kind (happiness, sadness, anger, ...). Our labels for them are tiredness, neutral "
        "and other; the measure `arousal` holds the level itself, 0 to 2, and is what to train on.",
        "Published as 61 speakers; 60 have recordings. Folder and name disagree once on the word, in "
        "0/49-m-23-6-1-201: the name is taken.",
        "All speakers say the same seven words: every fold shares its texts with training. The words are spelled as "
        "published.",
    ),
    sources=("https://github.com/40uf411/Basic-Arabic-Vocal-Emotions-Dataset (README, all names counted)",),
)

_NAME = re.compile(r"(?P<speaker>\d+)-[mfMF]-\d+-(?P<text_id>[0-6])-(?P<arousal>[012])-\d+")


def prepare(folder: str | Path) -> Prepared:
    """Read BAVED from any folder above the recordings.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    return match and match.groupdict() | {"emotion": _LEVELS[match["arousal"]], "text": _WORDS[match["text_id"]]}
