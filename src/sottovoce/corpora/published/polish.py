"""Emotions in Polish speech recordings (EmoBox's "Polish"): five young men, six words, three emotions."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {"a": "angry", "n": "neutral", "s": "fearful"}

CARD = CorpusCard(
    name="polish",
    title="Emotions in Polish speech recordings",
    language=("pl",),
    n_utterances=450,
    n_speakers=5,
    emotions=dict.fromkeys(sorted(_EMOTIONS.values()), 150),
    layout="m1.a_nie_1.wav ... m5.s_trzymaj_5.wav",
    licence="not verified",
    home="https://mostwiedzy.pl/en/open-research-data/emotions-in-polish-speech-recordings,11190523461146169-0",
    citation=(
        "Mięsikowska, Świsulski: Emotions in Polish speech recordings [dataset], Gdańsk University of Technology, "
        "2020, doi:10.34808/h46c-hb44"
    ),
    encoding="speaker.emotion_word_take: a anger, n neutral, s fear",
    oddities=(
        "`s` is fear (strach), not sadness.",
        "All speakers are men of 21 to 23; each says six words five times in each emotion: every fold shares its "
        "texts with training.",
    ),
    sources=(
        "https://github.com/felixbur/nkululeko, data/polish",
        "https://github.com/emo-box/EmoBox, data/polish (all names)",
    ),
)

_NAME = re.compile(r"(?P<speaker>m[1-5])\.(?P<emotion>[ans])_(?P<text_id>nie|oddaj|podaj|stop|tak|trzymaj)_[1-5]")


def prepare(folder: str | Path) -> Prepared:
    """Read the corpus from any folder above the recordings.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    return match and match.groupdict() | {"emotion": _EMOTIONS[match["emotion"]], "text": match["text_id"]}
