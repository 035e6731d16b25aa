"""SAVEE: British English, four men, fifteen sentences an emotion and thirty neutral ones."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {
    "a": "angry",
    "d": "disgusted",
    "f": "fearful",
    "h": "happy",
    "n": "neutral",
    "sa": "sad",
    "su": "surprised",
}

CARD = CorpusCard(
    name="savee",
    title="SAVEE",
    language=("en",),
    n_utterances=480,
    n_speakers=4,
    emotions=dict.fromkeys(_EMOTIONS.values(), 60) | {"neutral": 120},
    layout="AudioData/DC/a01.wav ... AudioData/KL/su15.wav (some copies: DC_a01.wav)",
    licence="research, after registration; exact terms not verified",
    home="http://personal.ee.surrey.ac.uk/Personal/P.Jackson/SAVEE/Register.html",
    citation=(
        "Haq, Jackson: Multimodal Emotion Recognition, in: Machine Audition: Principles, Algorithms and Systems, 2010"
    ),
    encoding="DC/sa05: speaker (DC, JE, JK, KL), emotion (a, d, f, h, n, sa, su), number of the sentence in it",
    oddities=(
        "Four speakers, all men.",
        "Sentences are of TIMIT. A sentence's name is emotion and number; whether two names are one text is not "
        "verified.",
    ),
    sources=(
        "Info.txt of the corpus, as https://gitea.tonaspace.com/lzc/yuyinfenxi (SAVEE/AudioData) shows it",
        "https://github.com/felixbur/nkululeko (data/savee: names, README)",
        "https://github.com/emo-box/EmoBox (data/savee: counts)",
    ),
)

_NAME = re.compile(r"(?P<speaker>DC|JE|JK|KL)_(?P<text_id>(?P<emotion>a|d|f|h|n|sa|su)\d\d)")


def prepare(folder: str | Path) -> Prepared:
    """Read SAVEE from any folder above the recordings.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name, name_of=_name_of)


def _name_of(path: Path) -> str:
    return path.stem if "_" in path.stem else f"{path.parent.name}_{path.stem}"


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    return match and match.groupdict() | {"emotion": _EMOTIONS[match["emotion"]]}
