"""Oréau: French as it may be spoken in a classroom, 32 speakers, seven emotions, each with its own sentences."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name, within

_EMOTIONS = {
    "C": "angry",
    "D": "disgusted",
    "J": "happy",
    "N": "neutral",
    "P": "fearful",
    "S": "surprised",
    "T": "sad",
}

CARD = CorpusCard(
    name="oreau",
    title="Oréau",
    language=("fr",),
    n_utterances=434,
    n_speakers=32,
    emotions={
        "angry": 67,
        "disgusted": 67,
        "happy": 62,
        "neutral": 70,
        "fearful": 51,
        "surprised": 62,
        "sad": 55,
    },
    layout="OréauFR_02/f/sessc/08a01Ca.wav ... OréauFR_02/m/sesst/42a11Ta.wav",
    licence="CC BY 4.0",
    home="https://zenodo.org/record/4405783",
    citation="French Emotional Speech Database - Oréau, Zenodo, 2020, record 4405783 (authors not verified)",
    encoding=(
        "speaker, utterance and emotion (C colère, D dégoût, J joie, N neutre, P peur, S surprise, T tristesse): "
        "25a09Na"
    ),
    oddities=(
        "There are two versions side by side. The first has 502 recordings; the second, read here, keeps the 434 that "
        "listeners recognised: an easy selection. A folder with the first alone is read, too.",
        "Each emotion has sentences of its own (79 in all), so what is said gives the emotion away. Utterance a02 of "
        "joy is another sentence than a02 of anger: our text ids have the emotion's letter before them.",
        "Two names have z in place of a: 07z03Sa and 07z04Sa.",
        "Two speakers (07 and 11) have 37 recordings each, the others 7 to 14; 25 speakers are men, 7 women.",
    ),
    sources=(
        "https://github.com/felixbur/nkululeko, data/oreau2",
        "https://github.com/emo-box/EmoBox, data/oreau (all names of the second version)",
        "https://github.com/Strong-AI-Lab/emotion, datasets/Oréau (the two versions)",
    ),
)

_NAME = re.compile(r"(?P<speaker>\d\d)(?P<text_id>[az]\d\d)(?P<emotion>[CDJNPST])a")
_SECOND_VERSION = "*FR_02"  # without its é, which may be one character or two


def prepare(folder: str | Path) -> Prepared:
    """Read Oréau from any folder above the recordings; where both versions lie below, the second.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(within(folder, _SECOND_VERSION), CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    return match and match.groupdict() | {
        "emotion": _EMOTIONS[match["emotion"]],
        "text_id": match["emotion"] + match["text_id"],
    }
