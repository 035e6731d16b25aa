"""Thorsten-Voice, the emotional recordings: German, one speaker, 300 sentences in eight manners of speaking."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_STYLES = {
    "amused": "amusement",
    "angry": "angry",
    "disgusted": "disgusted",
    "drunk": "other",
    "neutral": "neutral",
    "sleepy": "tiredness",
    "surprised": "surprised",
    "whisper": "other",
}

CARD = CorpusCard(
    name="thorsten-emotional",
    title="Thorsten-Voice emotional",
    language=("de",),
    n_utterances=2_399,
    n_speakers=1,
    emotions={
        "amusement": 300,
        "angry": 300,
        "disgusted": 300,
        "neutral": 300,
        "tiredness": 300,
        "surprised": 300,
        "other": 599,
    },
    layout="thorsten-emotional_v02/amused/<32 hexadecimal digits>.wav ..., angry/, disgusted/, drunk/, neutral/, ...",
    licence="CC0",
    home="https://www.openslr.org/110/",
    citation="Müller: Thorsten-Voice Dataset 2021.06 emotional, Zenodo, 2021, doi:10.5281/zenodo.5525023",
    encoding="the folder is the manner of speaking; the file's name stands for the sentence",
    oddities=(
        "One man speaks: no result by speaker can come from it. It is of use as a source.",
        "File names occur once in every folder: they stand for the sentence, not for the recording.",
        "Drunk and whispered speech are no emotions; both are labelled `other` here.",
        "Announced as 2400 recordings; a list of version 2 has 2399 (299 whispered).",
        "The texts are not read.",
    ),
    sources=(
        "https://www.openslr.org/110/",
        "https://zenodo.org/record/5525023",
        "https://github.com/felixbur/nkululeko, data/thorsten-emotional (all names)",
    ),
)

_NAME = re.compile(rf"(?P<style>{'|'.join(_STYLES)})-(?P<text_id>[0-9a-f]{{32}})")


def prepare(folder: str | Path) -> Prepared:
    """Read the emotional recordings from any folder above those of the manners of speaking.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name, name_of=lambda path: f"{path.parent.name}-{path.stem}".lower())


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    return match and {"speaker": "thorsten", "emotion": _STYLES[match["style"]], "text_id": match["text_id"]}
