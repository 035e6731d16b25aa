"""EmoV-DB: English, two women and two men read sentences of CMU Arctic in up to five emotions."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {
    "amused": "amusement",
    "anger": "angry",
    "disgust": "disgusted",
    "neutral": "neutral",
    "sleepiness": "tiredness",
}

_SPEAKERS = ("bea", "jenie", "josh", "sam")

CARD = CorpusCard(
    name="emov-db",
    title="EmoV-DB",
    language=("en",),
    n_utterances=6893,
    n_speakers=4,
    emotions={"neutral": 1568, "amusement": 1317, "angry": 1268, "disgusted": 1019, "tiredness": 1721},
    layout="bea_Amused/amused_57-84_0057.wav ... or sorted: bea/Amused/amused_57-84_0057.wav",
    licence="its own, non-commercial: research, teaching, scientific publication, personal experimentation",
    home="https://github.com/numediart/EmoV-DB",
    citation=(
        "Adigwe, Tits, El Haddad, Ostadabbas, Dutoit: The Emotional Voices Database: Towards Controlling the Emotion "
        "Dimension in Voice Generation Systems, arXiv:1806.09514, 2018"
    ),
    encoding=(
        "The folder names the speaker. anger_1-28_0011: emotion, range of an annotation, number of the sentence. "
        "Capital letters, and an underscore for the hyphen, occur."
    ),
    oddities=(
        "josh has neither angry nor disgusted: emotion and speaker go together.",
        "There is no happy and no sad: amused and sleepy are finer labels.",
        "Its README announces 7036 recordings, more for jenie and bea; both copies that others list hold 6893.",
        "Others list CC BY 4.0 (nkululeko); its repository's LICENSE.md, quoted here, forbids commercial use.",
        "Speakers share sentences: folds share texts with training. Six sentences are there twice in one emotion.",
    ),
    sources=(
        "https://github.com/numediart/EmoV-DB (README, LICENSE.md)",
        "https://github.com/felixbur/nkululeko (data/emov-db: all names of the sorted version)",
        "https://github.com/emo-box/EmoBox (data/emovdb: folders; 6887 without sentences that are there twice)",
    ),
)

_NAME = re.compile(rf"(?P<speaker>{'|'.join(_SPEAKERS)})/(?P<emotion>[a-z]+)_\d+[-_]\d+_(?P<text_id>\d{{4}})")


def prepare(folder: str | Path) -> Prepared:
    """Read EmoV-DB from any folder above the speakers'.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name, name_of=_name_of)


def _name_of(path: Path) -> str:
    above = (parent.name.lower().split("_")[0] for parent in path.parents)
    return f"{next((name for name in above if name in _SPEAKERS), '')}/{path.stem}"


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name.lower())
    if match is None or match["emotion"] not in _EMOTIONS:
        return None
    return match.groupdict() | {"emotion": _EMOTIONS[match["emotion"]]}
