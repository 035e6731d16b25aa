"""RESD, Russian Emotional Speech Dialogs: fifty acted dialogues, seven emotions, no speakers named."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {
    "a": "angry",
    "d": "disgusted",
    "e": "enthusiasm",
    "f": "fearful",
    "h": "happy",
    "n": "neutral",
    "s": "sad",
}

CARD = CorpusCard(
    name="resd",
    title="RESD",
    language=("ru",),
    n_utterances=1_396,
    n_speakers=50,
    emotions={
        "angry": 219,
        "disgusted": 185,
        "enthusiasm": 198,
        "fearful": 223,
        "happy": 218,
        "neutral": 191,
        "sad": 162,
    },
    layout="train/happiness_enthusiasm_32/32_happiness_enthusiasm_h_120.wav ..., test/... (and train.csv, test.csv)",
    licence="MIT",
    home="https://huggingface.co/datasets/Aniemore/resd",
    citation="Aniemore: RESD, Russian Emotional Speech Dialogs, Hugging Face, 2022 (paper: none known)",
    encoding="number of the dialogue, its two emotions, the first letter of the one that is heard, a time or number",
    oddities=(
        "No speaker is named. The dialogue is our speaker: two actors speak in each, and how many others the two spoke "
        "in is not verified. Results by 'speaker' are results by dialogue.",
        "The published train and test parts share all fifty dialogues; they are read as one corpus.",
        "Between the dialogue's emotions and the letter stands a blank or an underscore, and folder and file may name "
        "the emotions in another order (`11_disgust_anger/11_anger_disgust d_...`). The letter is the label; it agrees "
        "with the tables in all 1396 cases.",
        "Distributed as Parquet, too, which is not read here; texts are in the tables and are not read.",
    ),
    sources=(
        "https://github.com/emo-box/EmoBox, data/resd (all names and labels) and its preprocessing",
        "https://github.com/SuperKogito/SER-datasets (licence)",
    ),
)

_NAME = re.compile(r"(?P<speaker>\d\d)_[a-z]+_[a-z]+[ _](?P<emotion>[adefhns])_\d+")


def prepare(folder: str | Path) -> Prepared:
    """Read RESD from any folder above `train` and `test`; the dialogue stands for the speaker.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    return match and match.groupdict() | {"emotion": _EMOTIONS[match["emotion"]]}
