"""MER2023: Mandarin from films and series, a challenge's labelled parts, six emotions and valence."""

from __future__ import annotations

from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.tables import Rows, find_tables, number, prepare_from_tables, read_table, refuse
from sottovoce.errors import CorpusError
from sottovoce.speech.manifest import Utterance

_EMOTIONS = {
    "angry": "angry",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "surprise": "surprised",
    "worried": "worry",
}

PARTS = ("train", "test1", "test2", "test3")

_WITHOUT_VALENCE = ("test3",)

CARD = CorpusCard(
    name="mer2023",
    title="MER2023",
    language=("zh",),
    n_utterances=5_030,
    n_speakers=None,
    emotions={"angry": 1_208, "happy": 1_038, "neutral": 1_248, "sad": 730, "surprised": 190, "worry": 616},
    layout=(
        "train-label.csv, test1-label.csv, test2-label.csv, test3-label.csv with the columns name, discrete, valence, "
        "and the sound of the videos as WAV or FLAC under the videos' names: train/sample_00000000.wav ..."
    ),
    licence="academic research under a signed agreement, not to be passed on",
    home="https://huggingface.co/datasets/MERChallenge/MER2023",
    citation=(
        "Lian et al.: MER 2023: Multi-label Learning, Modality Robustness, and Semi-Supervised Learning, "
        "ACM Multimedia 2023, doi:10.1145/3581783.3612836"
    ),
    encoding="the tables name each clip's emotion and valence",
    oddities=(
        "Published as videos (.avi, .mp4): take their sound out under the same names first (ffmpeg does).",
        "No speaker is named: every clip counts as a speaker of its own, and intervals are too narrow.",
        "The challenge added noise to the clips of one test part, test2 (which one: not verified).",
        "The measure `valence` is the table's own, in units whose range is not verified; test3 has none.",
        "'worried' is our 'worry', a finer emotion than fear; the usual four classes leave it out.",
    ),
    sources=(
        "https://arxiv.org/abs/2304.08981",
        "https://github.com/emo-box/EmoBox, data/mer2023 (counts) and its preprocessing (tables)",
        "https://github.com/zeroQiaoba/MERTools (tables)",
    ),
)


def prepare(folder: str | Path, part: str | None = None) -> Prepared:
    """Read the labelled parts, or one of them, from any folder above the tables and the sounds.

    Raises:
        CorpusError: the folder holds something else, or the tables cannot be read: all problems are listed.
    """
    tables = find_tables(folder, CARD, [_table(each) for each in PARTS])
    wanted = [each for each in PARTS if part in (None, each) and _table(each) in tables]
    if not wanted:
        raise CorpusError(f"{folder}: {_table(part or '')} is missing; there are: {', '.join(tables)}")
    rows = [row for each in wanted for row in _rows(tables[_table(each)], each)]
    unknown = sorted({row["discrete"] for row in rows} - set(_EMOTIONS))
    refuse(folder, [f"'{label}' is none of {', '.join(_EMOTIONS)}" for label in unknown])
    once = {row["name"]: row for row in reversed(rows)}  # a clip of two tables is that of the first
    return prepare_from_tables(folder, CARD, map(_utterance, once.values()), whole=part is None)


def _table(part: str) -> str:
    return f"{part}-label.csv"


def _rows(table: Path, part: str) -> Rows:
    if part in _WITHOUT_VALENCE:
        return [row | {"valence": ""} for row in read_table(table, ["name", "discrete"])]
    return read_table(table, ["name", "discrete"], numbers=["valence"])


def _utterance(row: dict[str, str]) -> Utterance:
    name = row["name"]
    valence = {"valence": number(row["valence"])}
    return Utterance(id=name, path=name, speaker=name, emotion=_EMOTIONS[row["discrete"]], measures=valence)
