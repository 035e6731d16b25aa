"""ASVP-ESD: speech in several languages from films, television and the web; its sounds without words are left out."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {
    "01": "bored",
    "02": "neutral",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgusted",
    "08": "surprised",
    "09": "happy",  # excited
    "10": "pleasure",
    "11": "pain",
    "12": "disappointment",
    "13": "other",  # breath
    "17": "other",  # said nowhere; it occurs once
}

_INTENSITIES = {"01": "0", "02": "1"}

CARD = CorpusCard(
    name="asvp-esd",
    title="ASVP-ESD",
    language=("zh", "en", "fr", "ru"),
    n_utterances=5140,
    n_speakers=129,
    emotions={
        "bored": 98,
        "neutral": 1314,
        "happy": 883,
        "sad": 551,
        "angry": 1064,
        "fearful": 170,
        "disgusted": 190,
        "surprised": 492,
        "pleasure": 35,
        "pain": 54,
        "disappointment": 288,
        "other": 1,
    },
    layout="Audio/actor_36/03-01-09-01-06-36-02-02-01-39.wav ... Bonus/actor_50/...",
    licence="research and academic use, with citation; exact terms not verified",
    home="https://zenodo.org/record/7132783",
    citation=(
        "Landry, He, Xie: Audio, Speech and Vision Processing Lab Emotional Sound database (ASVP-ESD), Zenodo "
        "(year not verified)"
    ),
    encoding=(
        "03-01-09-01-06-36-02-02-01-39: modality, 01 speech or 02 other sounds, emotion, intensity (01, 02), "
        "statement, actor, then age, source and language where they are given"
    ),
    oddities=(
        "8,824 of the 13,964 recordings are laughter, cries and other sounds without words (02 in second place): they "
        "are left out.",
        "Names have 8 to 12 numbers, and which one is the language differs: no utterance says its language.",
        "The speaker is the folder, for the number in the name departs from it now and then; older copies have all "
        "recordings in one folder, and there the name is believed (one of the 5140 changes its speaker). An 'actor' "
        "can be a source with several voices (not verified).",
        "Labels were voted by annotators; the votes are not published. 09 (excited) is happy here, 13 (breath) and 17 "
        "are other.",
    ),
    sources=(
        "https://github.com/emo-box/EmoBox (data/asvpesd: all names counted; emotions)",
        "https://github.com/felixbur/nkululeko (data/asvp-esd: codes, README)",
        "https://zenodo.org/records/5573185 (how it was labelled)",
        "public programs that read ASVP-ESD-Update/Audio/*.wav (the copies without folders)",
    ),
)

_SPEECH = re.compile(r"actor_(?P<speaker>\d+)/03-01-(?P<emotion>\d\d)-(?P<intensity>\d\d)-[\d-]+")
_ACTOR = re.compile(r"(?:\d+-){5}(\d+)")
_OTHER_SOUND = re.compile(r"actor_\d*/03-02-[\d -]+")


def prepare(folder: str | Path) -> Prepared:
    """Read the speech of ASVP-ESD from any folder above the actors', or without their folders.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name, name_of=_name_of)


def _name_of(path: Path) -> str:
    """The recording's name with its actor's folder, or with the one that it should have."""
    if path.parent.name.startswith("actor_"):
        return f"{path.parent.name}/{path.stem}"
    actor = _ACTOR.match(path.stem)
    return f"actor_{actor[1]}/{path.stem}" if actor else path.stem


def _read_name(name: str) -> dict[str, str] | None:
    if _OTHER_SOUND.fullmatch(name):
        return {}
    match = _SPEECH.fullmatch(name)
    if match is None or match["emotion"] not in _EMOTIONS:
        return None
    read = {"speaker": match["speaker"], "emotion": _EMOTIONS[match["emotion"]]}
    intensity = _INTENSITIES.get(match["intensity"])
    return read if intensity is None else read | {"intensity": intensity}
