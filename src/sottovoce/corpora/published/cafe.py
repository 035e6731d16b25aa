"""CaFE: Canadian French, twelve actors, six sentences, six emotions in two intensities and neutral."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {
    "C": "angry",
    "D": "disgusted",
    "J": "happy",
    "N": "neutral",
    "P": "fearful",
    "S": "surprised",
    "T": "sad",
}

_SENTENCES = {
    "1": "Un cheval fou dans mon jardin",
    "2": "Deux ânes aigris au pelage brun",
    "3": "Trois cygnes aveugles au bord du lac",
    "4": "Quatre vieilles truies éléphantesques",
    "5": "Cinq pumas fiers et passionnés",
    "6": "Six ours aimants domestiqués",
}

_INTENSITIES = {"1": "0", "2": "1"}  # faible and fort: the weaker and the stronger of the two that there are

CARD = CorpusCard(
    name="cafe",
    title="CaFE",
    language=("fr",),
    n_utterances=936,
    n_speakers=12,
    emotions=dict.fromkeys(sorted(_EMOTIONS.values()), 144) | {"neutral": 72},
    layout="CaFE_48k/Colère/Faible/01-C-1-1.wav ... CaFE_48k/Neutre/12-N-1-6.wav",
    licence="CC BY-NC-SA 4.0",
    home="https://zenodo.org/record/1478765",
    citation=(
        "Gournay, Lahaie, Lefebvre: A Canadian French Emotional Speech Dataset, ACM Multimedia Systems 2018, "
        "pages 399 to 402"
    ),
    encoding=(
        "speaker-emotion-intensity-sentence; C colère, D dégoût, J joie, N neutre, P peur, S surprise, T tristesse; "
        "1 faible, 2 fort"
    ),
    oddities=(
        "All speakers say the same six sentences: every fold shares its texts with training.",
        "Emotions come weak (faible) and strong (fort), neutral once: it has half as many utterances as the others, "
        "under the code of the weak ones.",
        "Odd speakers are men, even ones women.",
        "Folders with accents are often unpacked with garbled names; the file names say everything.",
        "The 192 kHz version is AIFF and is not read: take CaFE_48k.",
    ),
    sources=(
        "https://zenodo.org/record/1478765",
        "https://github.com/emo-box/EmoBox, data/cafe (all names) and its preprocessing (sentences)",
        "https://github.com/Strong-AI-Lab/emotion, datasets/CaFE",
    ),
)

_NAME = re.compile(r"(?P<speaker>0[1-9]|1[0-2])-(?P<emotion>[CDJNPST])-(?P<intensity>[12])-(?P<text_id>[1-6])")


def prepare(folder: str | Path) -> Prepared:
    """Read CaFE from any folder above the recordings; the name says emotion and intensity, not the folder.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name.upper())
    return match and match.groupdict() | {
        "emotion": _EMOTIONS[match["emotion"]],
        "text": _SENTENCES[match["text_id"]],
        "intensity": _INTENSITIES[match["intensity"]],
    }
