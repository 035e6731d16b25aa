"""JL-Corpus: New Zealand English, two women and two men, five primary and five secondary emotions."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name
from sottovoce.speech import emotions

_EMOTIONS = (
    "angry",
    "anxious",
    "apologetic",
    "assertive",
    "concerned",
    "encouraging",
    "excited",
    "happy",
    "neutral",
    "sad",
)

CARD = CorpusCard(
    name="jl-corpus",
    title="JL-Corpus",
    language=("en",),
    n_utterances=2400,
    n_speakers=4,
    emotions={
        "angry": 240,
        "fearful": 240,
        "apology": 240,
        "assertiveness": 240,
        "concern": 240,
        "encouragement": 240,
        "happy": 480,
        "neutral": 240,
        "sad": 240,
    },
    layout="Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/female1_angry_10a_1.wav ...",
    licence="ODC-By (as nkululeko lists it; not verified)",
    home="https://www.kaggle.com/datasets/tli725/jl-corpus",
    citation="James, Tian, Watson: An Open Source Emotional Speech Corpus for Human Robot Interaction Applications, "
    "Interspeech 2018",
    encoding="female1_angry_10a_1: speaker, emotion, sentence, repetition",
    oddities=(
        "Happy holds 240 'happy' and 240 'excited'; fearful is 'anxious' (ours).",
        "Five of the ten are secondary emotions; apologetic, assertive, concerned and encouraging are finer than the "
        "usual labels.",
        "All speakers say the same sentences, twice: every fold shares its texts with training. What the letter in the "
        "sentence's name says is not verified.",
        "Texts lie beside the recordings as .txt and are not read.",
    ),
    sources=(
        "https://github.com/felixbur/nkululeko (data/jl: all names, README)",
        "https://github.com/emo-box/EmoBox (data/jlcorpus: counts)",
    ),
)

_NAME = re.compile(rf"(?P<speaker>(?:fe)?male[12])_(?P<emotion>{'|'.join(_EMOTIONS)})_(?P<text_id>\d+[ab])_[12]")


def prepare(folder: str | Path) -> Prepared:
    """Read JL-Corpus from any folder above the recordings.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    return match and match.groupdict() | {"emotion": emotions.canonical(match["emotion"]) or match["emotion"]}
