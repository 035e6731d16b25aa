"""URDU: Urdu from television talk shows, four emotions, no texts."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {"A": "angry", "H": "happy", "N": "neutral", "S": "sad"}

CARD = CorpusCard(
    name="urdu",
    title="URDU",
    language=("ur",),
    n_utterances=400,
    n_speakers=29,
    emotions=dict.fromkeys(_EMOTIONS.values(), 100),
    layout="Angry/SM1_F1_A01.wav, Happy/ ..., Neutral/ ..., Sad/ ...",
    licence='"only for research purposes" (the README of its repository); no licence file',
    home="https://github.com/siddiquelatif/URDU-Dataset",
    citation=(
        "Latif, Qayyum, Usman, Qadir: Cross Lingual Speech Emotion Recognition: Urdu vs. Western Languages, "
        "FIT 2018, arXiv:1812.10411"
    ),
    oddities=(
        "Published as 38 speakers (27 men, 11 women); the file names hold 29 (18 and 11): SM8 to SM16 do not occur.",
        "Speaker and emotion go together: SM5 alone has 72 of the 100 neutral utterances, many speakers have two "
        "utterances in all. Results by speaker are noisy.",
        "Cut from broadcasts: the room, the channel and other voices differ between speakers.",
        "Measured on a 16 kHz copy: 156 of the 400 have a mean further than 0.02 from zero, 20 are clipped.",
    ),
)

_NAME = re.compile(r"(?P<speaker>S[MF]\d+)_F\d+_(?P<emotion>[AHNS])\d+")


def prepare(folder: str | Path) -> Prepared:
    """Read URDU from any folder above the recordings; the name says the emotion, not the folder.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return {"speaker": match["speaker"], "emotion": _EMOTIONS[match["emotion"]]}
