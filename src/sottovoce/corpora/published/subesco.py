"""SUBESCO, the SUST Bangla Emotional Speech Corpus: twenty actors, ten sentences, seven emotions, five takes."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {
    "ANGRY": "angry",
    "DISGUST": "disgusted",
    "FEAR": "fearful",
    "HAPPY": "happy",
    "NEUTRAL": "neutral",
    "SAD": "sad",
    "SURPRISE": "surprised",
}

CARD = CorpusCard(
    name="subesco",
    title="SUBESCO",
    language=("bn",),
    n_utterances=7_000,
    n_speakers=20,
    emotions=dict.fromkeys(_EMOTIONS.values(), 1_000),
    layout="SUBESCO/F_01_OISHI_S_1_ANGRY_1.wav ... M_10_EVAN_S_10_SURPRISE_5.wav",
    licence="CC BY 4.0",
    home="https://zenodo.org/record/4526477",
    citation=(
        "Sultana, Rahman, Selim, Iqbal: SUST Bangla Emotional Speech Corpus (SUBESCO): An audio-only emotional speech "
        "corpus for Bangla, PLoS ONE 16(4): e0250173, 2021, doi:10.1371/journal.pone.0250173"
    ),
    encoding="gender_number_name_S_sentence_EMOTION_take: number and gender together are the speaker",
    oddities=(
        "Women and men are both numbered from 01 to 10: the number alone is two people.",
        "All speakers say the same ten sentences: every fold shares its texts with training.",
        "One published name ends in a stray bracket: `F_02_MONIKA_S_2_SURPRISE_3]`.",
    ),
    sources=(
        "https://huggingface.co/datasets/sustcsenlp/bn_emotion_speech_corpus (its README: naming, licence)",
        "https://github.com/emo-box/EmoBox, data/subesco (all names)",
    ),
)

_NAME = re.compile(
    rf"(?P<speaker>[FM]_(?:0[1-9]|10))_[A-Z]+_S_(?P<text_id>\d+)_(?P<emotion>{'|'.join(_EMOTIONS)})_[1-5]\]?"
)


def prepare(folder: str | Path) -> Prepared:
    """Read SUBESCO from any folder above the recordings.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    return match and match.groupdict() | {"emotion": _EMOTIONS[match["emotion"]]}
