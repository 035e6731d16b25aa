"""eNTERFACE'05: English of people from many countries, five sentences for each of six emotions."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {
    "an": "angry",
    "di": "disgusted",
    "fe": "fearful",
    "ha": "happy",
    "sa": "sad",
    "su": "surprised",
}

CARD = CorpusCard(
    name="enterface",
    title="eNTERFACE'05",
    language=("en",),
    n_utterances=1293,
    n_speakers=44,
    emotions=dict.fromkeys(_EMOTIONS.values(), 216) | {"happy": 213},
    layout="subject 1/anger/sentence 1/s1_an_1.wav ... (published as .avi: take the sound out first)",
    licence="not verified",
    home="https://enterface.net/enterface05/main.php?frame=emotion",
    citation="Martin, Kotsia, Macq, Pitas: The eNTERFACE'05 Audio-Visual Emotion Database, ICDEW 2006",
    encoding="The folder names the subject; s1_an_1: subject, emotion (an, di, fe, ha, sa, su), its sentence",
    oddities=(
        "Take the sound out of the .avi first, e.g. for each: ffmpeg -i s1_an_1.avi -ac 1 s1_an_1.wav",
        "Subject 11's recordings are named s12 as subject 12's are: the folder is believed, not the name. Without its "
        "folders the one's recordings overwrite the other's.",
        "Other names depart too: s_3_ha_1 (subject 3), s16_su_3avi, s2_an_2 in 'sentence 1' (the name is believed), "
        "and subject 6 has one recording an emotion (s6_an).",
        "Each emotion has sentences of its own: text and emotion go together, for all subjects.",
        "EmoBox goes by the name alone, so its 1263 recordings lack subject 12 (30). The whole is as mcnDatasets "
        "counts it: 44 subjects, 1293 recordings. Its paper has 42 subjects and 1166 recordings.",
        "There is no neutral.",
    ),
    sources=(
        "https://github.com/emo-box/EmoBox (data/enterface: all paths but subject 12's; its preprocessing)",
        "https://github.com/albanie/mcnDatasets (enterface/README.md: subjects, recordings an emotion)",
        "https://github.com/Strong-AI-Lab/emotion (datasets/eNTERFACE: subject 11's names are another's, too)",
        "https://github.com/felixbur/nkululeko (data/enterface: names that depart)",
    ),
)

_NAME = re.compile(r"s_?(?P<speaker>\d+)_(?P<emotion>[a-z]{2})(_(?P<sentence>[1-5]))?(avi)?")
_SUBJECT = re.compile(r"subject[ _-]?(\d+)", re.IGNORECASE)


def prepare(folder: str | Path) -> Prepared:
    """Read eNTERFACE'05 from any folder above the subjects'.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name, name_of=_name_of)


def _name_of(path: Path) -> str:
    """The recording's name with the subject of its folder, and without what is wrong in some."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return path.stem
    above = filter(None, (_SUBJECT.fullmatch(parent.name) for parent in path.parents))
    subject = next((found[1] for found in above), match["speaker"])
    return "_".join(filter(None, (f"s{subject}", match["emotion"], match["sentence"])))


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    if match is None or match["emotion"] not in _EMOTIONS:
        return None
    read = {"speaker": match["speaker"], "emotion": _EMOTIONS[match["emotion"]]}
    return read | {"text_id": f"{match['emotion']}{match['sentence']}"} if match["sentence"] else read
