"""RAVDESS, the speech recordings: North American English, 24 actors, two sentences, eight emotions."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

CARD = CorpusCard(
    name="ravdess",
    title="RAVDESS",
    language=("en",),
    n_utterances=1440,
    n_speakers=24,
    emotions={
        "neutral": 96,
        "calm": 192,
        "happy": 192,
        "sad": 192,
        "angry": 192,
        "fearful": 192,
        "disgusted": 192,
        "surprised": 192,
    },
    layout="Audio_Speech_Actors_01-24/Actor_01/03-01-01-01-01-01-01.wav ...",
    licence="CC BY-NC-SA 4.0",
    home="https://zenodo.org/records/1188976",
    citation=(
        "Livingstone, Russo: The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS), "
        "PLoS ONE 13(5): e0196391, 2018, doi:10.1371/journal.pone.0196391"
    ),
    encoding=("03-01-06-02-01-02-12: sound alone, speech (02: song), emotion, intensity, statement, repetition, actor"),
    oddities=(
        "The sung recordings (03-02-...), which are an archive of their own, are left out.",
        "There are two sentences and all actors say both: every fold shares its texts with training.",
        "The two recordings 03-01-03-01-02-01-07 and 03-01-03-01-02-02-07 are one and the same sound.",
        "Neutral exists in normal intensity alone, so it has half as many utterances as the others.",
    ),
)

_EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgusted",
    "08": "surprised",
}

_SENTENCES = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}

_INTENSITIES = {"1": "0", "2": "1"}  # normal and strong: the weaker and the stronger of the two that there are

# modality 03 (sound alone), channel 01 (speech), emotion, intensity, statement, repetition, actor
_NAME = re.compile(
    r"03-01-(?P<emotion>0[1-8])-0(?P<intensity>[12])-(?P<text_id>0[12])-0[12]-(?P<speaker>[01]\d|2[0-4])"
)
_SUNG = re.compile(r"03-02(-\d\d){5}")


def prepare(folder: str | Path) -> Prepared:
    """Read the speech part of RAVDESS from any folder above the recordings.

    Raises:
        CorpusError: the folder holds something else, song alone, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return {} if _SUNG.fullmatch(name) else None
    return match.groupdict() | {
        "emotion": _EMOTIONS[match["emotion"]],
        "text": _SENTENCES[match["text_id"]],
        "intensity": _INTENSITIES[match["intensity"]],
    }
