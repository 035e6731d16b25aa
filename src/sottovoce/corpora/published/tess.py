"""TESS: English of Toronto, two actresses, 200 words in one carrier phrase, each in seven emotions."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {
    "angry": "angry",
    "disgust": "disgusted",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "ps": "surprised",
    "sad": "sad",
}

CARD = CorpusCard(
    name="tess",
    title="TESS",
    language=("en",),
    n_utterances=2800,
    n_speakers=2,
    emotions=dict.fromkeys(_EMOTIONS.values(), 400),
    layout="OAF_angry/OAF_back_angry.wav ... YAF_sad/YAF_youth_sad.wav",
    licence="academic use; exact terms not verified",
    home="https://tspace.library.utoronto.ca/handle/1807/24487",
    citation="Dupuis, Pichora-Fuller: Toronto emotional speech set (TESS), University of Toronto, 2010",
    encoding="OAF_back_angry: actress (OAF 64 years old, YAF 26), word, emotion; ps is pleasant surprise",
    oddities=(
        "Two speakers, both women: leave-one-speaker-out trains on one voice, and no interval over speakers means "
        "much.",
        "Both say 'Say the word ...' with the same 200 words: folds share their texts.",
        "Surprise is pleasant surprise (our table of labels counts a quarter of it as happy).",
        "One recording is published as OA_bite_neutral: it is OAF's, and is read as OAF_bite_neutral.",
        "Some published recordings are AIFF under the name .wav (not verified which); they are read by their content.",
        "Some copies hold all recordings twice, in a folder of the same name; each is taken once.",
    ),
    sources=(
        "https://github.com/felixbur/nkululeko (data/tess: names, README)",
        "https://github.com/emo-box/EmoBox (data/tess: counts)",
    ),
)

_NAME = re.compile(r"(?P<speaker>OAF|YAF)_(?P<text_id>[A-Za-z]+)_(?P<emotion>[a-z]+)")


def prepare(folder: str | Path) -> Prepared:
    """Read TESS from any folder above the recordings.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name, name_of=lambda path: re.sub("^OA_", "OAF_", path.stem))


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    if match is None or match["emotion"] not in _EMOTIONS:
        return None
    return {
        "speaker": match["speaker"],
        "emotion": _EMOTIONS[match["emotion"]],
        "text_id": match["text_id"],
        "text": f"Say the word {match['text_id']}.",
    }
