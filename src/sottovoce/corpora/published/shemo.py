"""ShEMO, the Sharif Emotional Speech Database: Persian from radio plays, 87 speakers, six emotions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name
from sottovoce.corpora.tables import nearest
from sottovoce.errors import CorpusError

_EMOTIONS = {"A": "angry", "F": "fearful", "H": "happy", "N": "neutral", "S": "sad", "W": "surprised"}

_TRANSCRIPTS = "shemo.json"

CARD = CorpusCard(
    name="shemo",
    title="ShEMO",
    language=("fa",),
    n_utterances=3_000,
    n_speakers=87,
    emotions={"angry": 1_059, "fearful": 38, "happy": 201, "neutral": 1_028, "sad": 449, "surprised": 225},
    layout=f"female/F01A01.wav ..., male/M01A01.wav ... and, for the texts, {_TRANSCRIPTS}",
    licence="free of charge for academic purposes; exact terms not verified",
    home="https://github.com/pariajm/sharif-emotional-speech-dataset",
    citation=(
        "Mohamad Nezami, Jamshid Lou, Karami: ShEMO: a large-scale validated database for Persian speech emotion "
        "detection, Language Resources and Evaluation 53(1), 2019, doi:10.1007/s10579-018-9427-x"
    ),
    encoding="speaker (F or M and a number), emotion (A anger, F fear, H happiness, N neutral, S sadness, W surprise), "
    "number of the recording",
    oddities=(
        "Labels are the majority of twelve annotators; their votes are not published with the recordings.",
        "Fear has 38 recordings, and anger and neutral 70 % of all: report class recalls.",
        "Cut from radio plays: no sentence is said by several speakers on purpose.",
        "Texts come from `shemo.json`, which its authors publish apart; without it there are none. It has 3000 "
        "entries, too, but 162 of its names are others than the recordings' (more neutral, less sad): it seems to hold "
        "corrected labels. EmoBox lists the 2838 that both have.",
    ),
    sources=(
        "https://doi.org/10.1007/s10579-018-9427-x",
        "https://github.com/pariajm/sharif-emotional-speech-dataset (all 3000 names, labels and texts)",
        "https://github.com/felixbur/nkululeko, data/shemo (all names)",
        "https://github.com/emo-box/EmoBox, data/shemo",
    ),
)

_NAME = re.compile(r"(?P<speaker>[FM]\d\d)(?P<emotion>[AFHNSW])\d+")


def prepare(folder: str | Path) -> Prepared:
    """Read ShEMO from any folder above `female` and `male`, with texts where `shemo.json` lies in or beside it.

    Raises:
        CorpusError: the folder holds something else, names that cannot be read, or texts that cannot.
    """
    texts = _texts(Path(folder))
    return prepare_by_name(folder, CARD, lambda name: _read_name(name, texts))


def _read_name(name: str, texts: Mapping[str, str]) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    read = match.groupdict() | {"emotion": _EMOTIONS[match["emotion"]]}
    return read | {"text": texts[name]} if name in texts else read


def _texts(folder: Path) -> dict[str, str]:
    """By recording; empty where the list is absent."""
    table = nearest(folder, _TRANSCRIPTS, folder.absolute().parent)
    if table is None:
        return {}
    try:
        entries = json.loads(table.read_text(encoding="utf-8-sig"))
        return {name: str(entry["transcript"]) for name, entry in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise CorpusError(f"{table}: is no list of {CARD.title}'s texts: {problem!r}") from problem
