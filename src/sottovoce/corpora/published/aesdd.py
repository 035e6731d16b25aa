"""AESDD, the Acted Emotional Speech Dynamic Database: Greek, six actors, five emotions and no neutral."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {"a": "angry", "d": "disgusted", "f": "fearful", "h": "happy", "s": "sad"}

_EMPTY = "s05 (3)"

CARD = CorpusCard(
    name="aesdd",
    title="AESDD",
    language=("el",),
    n_utterances=604,
    n_speakers=6,
    emotions={"angry": 121, "disgusted": 122, "fearful": 120, "happy": 119, "sad": 122},
    layout="anger/a01 (1).wav ..., disgust/d01 (1).wav ..., fear/ ..., happiness/ ..., sadness/ ...",
    licence="not verified (a copy on Hugging Face says CC BY 4.0)",
    home="http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition/",
    citation=(
        "Vryzas, Kotsakis, Liatsou, Dimoulas, Kalliris: Speech Emotion Recognition for Performance Interaction, "
        "Journal of the Audio Engineering Society 66(6), 2018"
    ),
    encoding="first letter of the emotion, number of the utterance (01 to 20), number of the speaker in brackets",
    oddities=(
        "There is no neutral.",
        "`s05 (3).wav` holds no sound; without it 604 are left, and that is what is counted here.",
        "Speaker 1 is written (01) in five names, which fill the gaps of (1).",
        "A letter after the bracket, as in `a06 (5)b`, is a further take.",
        "Speakers say the same 19 sentences, and one that each improvises; which number that has is not verified.",
        "Its own description has five actors in version 1 and says that more were added; the names hold six.",
        "The recordings are said to be in floating point (not verified); a reader of 16-bit WAV alone fails on those.",
    ),
    sources=(
        "http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition/",
        "https://huggingface.co/datasets/EdwardLin2023/AESDD (its README)",
        "https://github.com/emo-box/EmoBox, data/aesdd (all names)",
        "https://github.com/Strong-AI-Lab/emotion, datasets/AESDD (the empty file)",
    ),
)

_NAME = re.compile(r"(?P<emotion>[adfhs])(?P<text_id>\d\d) \(0?(?P<speaker>\d)\)[ab]?")


def prepare(folder: str | Path) -> Prepared:
    """Read AESDD from any folder above the recordings, without the one that is empty.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    if name == _EMPTY:
        return {}
    match = _NAME.fullmatch(name)
    return match and match.groupdict() | {"emotion": _EMOTIONS[match["emotion"]]}
