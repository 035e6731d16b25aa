"""MEAD: English, actors filmed in eight emotions at three intensities; the sound alone is read."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {
    "angry": "angry",
    "contempt": "contempt",
    "disgusted": "disgusted",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "surprised": "surprised",
}

_INTENSITIES = {"1": "0", "2": "0.5", "3": "1"}

CARD = CorpusCard(
    name="mead",
    title="MEAD",
    language=("en",),
    n_utterances=31_729,
    n_speakers=48,
    emotions={
        "angry": 4193,
        "contempt": 4215,
        "disgusted": 4284,
        "fearful": 4251,
        "happy": 4294,
        "neutral": 1916,
        "sad": 4306,
        "surprised": 4270,
    },
    layout="M003/audio/angry/level_1/001.wav ... (published as .m4a: convert them first)",
    licence="not verified",
    home="https://github.com/uniBruce/Mead",
    citation=(
        "Wang, Wu, Song, Yang, Wu, Qian, He, Qiao, Loy: MEAD: A Large-scale Audio-visual Dataset for Emotional "
        "Talking-face Generation, ECCV 2020"
    ),
    encoding="M003/audio/angry/level_1/001: actor (M or W), emotion, intensity (1 to 3), number of the recording",
    oddities=(
        "Convert the .m4a first, e.g. for each: ffmpeg -i 001.m4a 001.wav. The videos are not read.",
        "The paper has 60 actors; 48 were published, as EmoBox counts them.",
        "Neutral exists at level 1 alone. Numbers mean other sentences from emotion to emotion (not verified): none is "
        "given.",
    ),
    sources=(
        "https://github.com/uniBruce/Mead (README)",
        "https://github.com/emo-box/EmoBox (data/mead/data.seg.audmap: all names counted)",
    ),
)

_ACTOR, _TAKE = r"(?P<speaker>[MW]\d{3})", rf"(?P<emotion>{'|'.join(_EMOTIONS)})/level_(?P<intensity>[123])/\d{{3}}"
_NAME, _PLACE = re.compile(f"{_ACTOR}/{_TAKE}"), re.compile(f"/{_ACTOR}(/audio)?/(?P<take>{_TAKE})$")


def prepare(folder: str | Path) -> Prepared:
    """Read MEAD from any folder: an actor's own recordings may lie in `audio` or not.

    Raises:
        CorpusError: the folder holds something else, or paths that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name, name_of=_name_of)


def _name_of(path: Path) -> str:
    place = path.with_suffix("").as_posix()
    match = _PLACE.search(place)
    return f"{match['speaker']}/{match['take']}" if match else place


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return match.groupdict() | {
        "emotion": _EMOTIONS[match["emotion"]],
        "intensity": _INTENSITIES[match["intensity"]],
    }
