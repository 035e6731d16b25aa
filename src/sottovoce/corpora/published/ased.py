"""ASED: Amharic, 65 speakers of four dialects, five emotions."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {"n": "neutral", "f": "fearful", "h": "happy", "s": "sad", "a": "angry"}

_SHARED_SENTENCES = ("01", "02")

CARD = CorpusCard(
    name="ased",
    title="ASED",
    language=("am",),
    n_utterances=2_474,
    n_speakers=65,
    emotions={"neutral": 522, "fearful": 510, "happy": 486, "sad": 470, "angry": 486},
    layout="01Neutral/n1-01-01-01-01.wav ..., 02Fearful/f2-01-01-01-01.wav ..., 03Happy/, 04Sad/, 05Angry/",
    licence="none named in its repository",
    home="https://github.com/Ethio2021/ASED_V1",
    citation=(
        "Retta, Almekhlafi, Sutcliffe, Mhamed, Ali, Feng: A New Amharic Speech Emotion Dataset and Classification "
        "Benchmark, ACM TALLIP 22(1), 2023, arXiv:2201.02710"
    ),
    encoding="letter and number of the emotion-sentence-repetition-gender (01 woman, 02 man)-speaker",
    oddities=(
        "One name has a capital letter: `S4-04-02-01-29`.",
        "Sentences 01 and 02 are said in every emotion; 03 to 07 are other sentences for each, so we number them with "
        "the emotion's letter, and what is said gives the emotion away. The texts are not published.",
        "Of 4550 recordings those are published that at least five of eight judges accepted: an easy selection.",
        "Five speakers (09, 15, 21, 23, 25) have one recording each that names the other gender.",
        "The dialect of a speaker is not in the names.",
    ),
    sources=(
        "https://github.com/Ethio2021/ASED_V1 (README, all names counted)",
        "https://arxiv.org/abs/2201.02710",
    ),
)

_NAME = re.compile(r"(?P<emotion>[nfhsa])[1-5]-(?P<text_id>0[1-7])-0[12]-0[12]-(?P<speaker>\d\d)")


def prepare(folder: str | Path) -> Prepared:
    """Read ASED from any folder above the recordings.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name.lower())
    if match is None:
        return None
    letter, sentence = match["emotion"], match["text_id"]
    return {
        "speaker": match["speaker"],
        "emotion": _EMOTIONS[letter],
        "text_id": sentence if sentence in _SHARED_SENTENCES else letter + sentence,
    }
