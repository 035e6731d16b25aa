"""MESD, the Mexican Emotional Speech Database: single words of Mexican Spanish, six emotions, no speakers named."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {
    "Anger": "angry",
    "Disgust": "disgusted",
    "Fear": "fearful",
    "Happiness": "happy",
    "Neutral": "neutral",
    "Sadness": "sad",
}

CARD = CorpusCard(
    name="mesd",
    title="MESD",
    language=("es",),
    n_utterances=862,
    n_speakers=3,
    emotions={"angry": 143, "disgusted": 144, "fearful": 144, "happy": 144, "neutral": 143, "sad": 144},
    layout="Mexican Emotional Speech Database (MESD)/Anger_C_A_abajo.wav ... Sadness_M_B_tristeza.wav",
    licence="CC BY 4.0",
    home="https://data.mendeley.com/datasets/cy34mh68j9",
    citation=(
        "Duville, Alonso-Valerdi, Ibarra-Zarate: Mexican Emotional Speech Database Based on Semantic, Frequency, "
        "Familiarity, Concreteness, and Cultural Shaping of Affective Prosody, Data 6(12):130, 2021, "
        "doi:10.3390/data6120130"
    ),
    encoding="Emotion_Voice_List_word: the voice is F, M or C (a child), the list of words A or B; no speaker",
    oddities=(
        "No speaker is named. 3 women, 2 men and 6 children speak, and all that the names say is F, M or C: the voice "
        "type is our speaker, and leaving one out is the only split that keeps speakers apart. Three folds, then.",
        "Announced as 864 recordings; 862 are there: the children's words `hoy` (anger) and `tarde` (neutral) lack.",
        "List A is said in every emotion; list B has other words for each, so emotion and word go together there.",
        "Words are written without accents, so no text is given. `Happiness_C_A_lento_dentro` stands where `lento` "
        "would and `Sadness_M_A_afuera` where `fuera` would; which was said is not verified.",
    ),
    sources=(
        "https://data.mendeley.com/datasets/cy34mh68j9",
        "https://github.com/emo-box/EmoBox, data/mesd (all names)",
        "https://github.com/felixbur/nkululeko, data/mesd",
    ),
)

_NAME = re.compile(rf"(?P<emotion>{'|'.join(_EMOTIONS)})_(?P<speaker>[FMC])_[AB]_(?P<text_id>[a-z_]+)")


def prepare(folder: str | Path) -> Prepared:
    """Read MESD from any folder above the recordings; the voice type stands for the speaker.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    return match and match.groupdict() | {"emotion": _EMOTIONS[match["emotion"]]}
