"""CASIA's Chinese emotional corpus, the part in circulation: Mandarin, four speakers, fifty sentences, six emotions."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {
    "angry": "angry",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "surprise": "surprised",
}

CARD = CorpusCard(
    name="casia",
    title="CASIA",
    language=("zh",),
    n_utterances=1_200,
    n_speakers=4,
    emotions=dict.fromkeys(_EMOTIONS.values(), 200),
    layout="liuchanhg/angry/201.wav ... zhaozuoxiang/surprise/250.wav",
    licence="not verified",
    home="http://www.chineseldc.org/resource_info.php?rid=76",
    citation="CASIA Chinese emotional corpus, Institute of Automation, Chinese Academy of Sciences (no paper known)",
    encoding="the folders are speaker and emotion, the file's name is the number of the sentence",
    oddities=(
        "The same fifty numbers stand in every folder, so the file's name alone says neither who nor what.",
        "All speakers say the same fifty sentences in every emotion: every fold shares its texts with training.",
        "The whole corpus is said to hold 9600 recordings; 1200 are in circulation, and these are meant here.",
    ),
    sources=("https://github.com/emo-box/EmoBox, data/casia (all names)",),
)

_NAME = re.compile(rf"(?P<speaker>[a-z]+)-(?P<emotion>{'|'.join(_EMOTIONS)})-(?P<text_id>\d+)")


def prepare(folder: str | Path) -> Prepared:
    """Read CASIA from any folder above those of the speakers.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name, name_of=_name_of)


def _name_of(path: Path) -> str:
    return f"{path.parent.parent.name}-{path.parent.name}-{path.stem}".lower()


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    return match and match.groupdict() | {"emotion": _EMOTIONS[match["emotion"]]}
