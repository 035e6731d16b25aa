"""ShEMO, the Sharif Emotional Speech Database: Persian from radio plays, 87 speakers, six emotions."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {"A": "angry", "F": "fearful", "H": "happy", "N": "neutral", "S": "sad", "W": "surprised"}

CARD = CorpusCard(
    name="shemo",
    title="ShEMO",
    language=("fa",),
    n_utterances=3_000,
    n_speakers=87,
    emotions={"angry": 1_059, "fearful": 38, "happy": 201, "neutral": 1_028, "sad": 449, "surprised": 225},
    layout="female/F01A01.wav ..., male/M01A01.wav ...",
    licence="free of charge for academic purposes; exact terms not verified",
    home="https://github.com/mansourehk/ShEMO",
    citation=(
        "Mohamad Nezami, Jamshid Lou, Karami: ShEMO: a large-scale validated database for Persian speech emotion "
        "detection, Language Resources and Evaluation 53(1), 2019, doi:10.1007/s10579-018-9427-x"
    ),
    encoding="speaker (F or M and a number), emotion (A anger, F fear, H happiness, N neutral, S sadness, W surprise), "
    "number of the recording",
    oddities=(
        "Labels are the majority of twelve annotators; their votes are not published with the recordings.",
        "Fear has 38 recordings, and anger and neutral 70 % of all: report class recalls.",
        "EmoBox lists 2838 of the 3000, those of a later list `shemo.json`; its labels agree with the names.",
        "Cut from radio plays: no sentence is said by several speakers on purpose. The transcripts that come with the "
        "recordings are not read.",
    ),
    sources=(
        "https://doi.org/10.1007/s10579-018-9427-x",
        "https://github.com/felixbur/nkululeko, data/shemo (all 3000 names)",
        "https://github.com/emo-box/EmoBox, data/shemo",
    ),
)

_NAME = re.compile(r"(?P<speaker>[FM]\d\d)(?P<emotion>[AFHNSW])\d+")


def prepare(folder: str | Path) -> Prepared:
    """Read ShEMO from any folder above `female` and `male`.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    return match and match.groupdict() | {"emotion": _EMOTIONS[match["emotion"]]}
