"""ESD: ten speakers of English and ten of Mandarin, 350 sentences a language, each in five emotions."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_N_SENTENCES = 350

_EMOTIONS = ("neutral", "angry", "happy", "sad", "surprised")
"""In the order in which every speaker's recordings are numbered, 350 each."""

CARD = CorpusCard(
    name="esd",
    title="ESD",
    language=("en", "zh"),
    n_utterances=35_000,
    n_speakers=20,
    emotions=dict.fromkeys(_EMOTIONS, 7000),
    layout="0001/Neutral/0001_000001.wav, 0001/Angry/0001_000351.wav ... 0020/Surprise/0020_001750.wav",
    licence="research only, after a licence form sent to its makers",
    home="https://github.com/HLTSingapore/Emotional-Speech-Data",
    citation=(
        "Zhou, Sisman, Liu, Li: Emotional voice conversion: Theory, databases and ESD, Speech Communication 137, 2022"
    ),
    encoding=(
        "0001_000351: speaker (0001 to 0010 Mandarin, 0011 to 0020 English) and number: 1 to 350 neutral, then 350 "
        "each of angry, happy, sad, surprised. The sentence is the number within its 350."
    ),
    oddities=(
        "All speakers of a language say the same 350 sentences: every fold shares its texts with training.",
        "Texts lie beside the recordings (0001/0001.txt ...) and are not read.",
        "Use one language at a time, e.g. keep the manifest's rows whose language is zh.",
    ),
    sources=(
        "https://github.com/HLTSingapore/Emotional-Speech-Data (README)",
        "https://github.com/felixbur/nkululeko (data/esd: all 35,000 names and folders; languages by speaker)",
    ),
)

_NAME = re.compile(r"(?P<speaker>00(0[1-9]|1\d|20))_(?P<number>\d{6})")


def prepare(folder: str | Path) -> Prepared:
    """Read ESD from any folder above the recordings, or one speaker's or emotion's folder.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    if match is None or not 1 <= int(match["number"]) <= _N_SENTENCES * len(_EMOTIONS):
        return None
    emotion, sentence = divmod(int(match["number"]) - 1, _N_SENTENCES)
    language = "zh" if int(match["speaker"]) <= 10 else "en"
    return {
        "speaker": match["speaker"],
        "emotion": _EMOTIONS[emotion],
        "language": language,
        "text_id": f"{language}-{sentence + 1:03}",
    }
