"""M3ED: Mandarin dialogues from 56 television series, seven emotions, three annotators who may name several."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.tables import find_tables, prepare_from_tables, refuse
from sottovoce.errors import CorpusError
from sottovoce.speech import emotions
from sottovoce.speech.manifest import Utterance

_TABLE = "annotation.json"

_EMOTIONS = {
    "Anger": "angry",
    "Disgust": "disgusted",
    "Fear": "fearful",
    "Happy": "happy",
    "Neutral": "neutral",
    "Sad": "sad",
    "Surprise": "surprised",
}

_ANNOTATORS = ("EmoAnnotator1", "EmoAnnotator2", "EmoAnnotator3")

_SERIES = {
    "val": (
        "bianchengnidenayitian",
        "humamaoba",
        "nishiwodeyan",
        "renmindemingyi",
        "yijiarenzhiming",
        "yueguangbianzouqu",
        "zhiwomendanchundexiaomeihao",
    ),
    "test": (
        "guainiguofenmeili",
        "huanlesong",
        "jiayouernv",
        "liujinsuiyue",
        "luohunshidai",
        "rucikeaidewomen",
        "wanmeiguanxi",
        "woju",
        "xiangjianni",
        "xiaohuanxi",
        "xiayizhanshixingfu",
    ),
}
"""Television series by part, as splitInfo/movie_list_*.txt have them; the other 38 are train."""

PARTS = ("train", *_SERIES)

CARD = CorpusCard(
    name="m3ed",
    title="M3ED",
    language=("zh",),
    n_utterances=24_437,
    n_speakers=635,
    emotions={
        "angry": 5_231,
        "disgusted": 1_497,
        "fearful": 395,
        "happy": 2_286,
        "neutral": 10_021,
        "sad": 3_957,
        "surprised": 1_050,
    },
    layout=f"{_TABLE} and modality_speech/A_shaonianpai_1_1.wav, B_shaonianpai_1_2.wav ...",
    licence="not verified",
    home="https://github.com/AIM3-RUC/RUCM3ED",
    citation=(
        "Zhao et al.: M3ED: Multi-modal Multi-scene Multi-label Emotional Dialogue Database, ACL 2022, "
        "doi:10.18653/v1/2022.acl-long.391"
    ),
    encoding=(
        f"{_TABLE}: series, dialogue, utterance; the recording is the speaker's letter, an underscore and the "
        "utterance's id; the letter is a person's name in SpeakerInfo"
    ),
    oddities=(
        "Announced as 24449 utterances; sound is there for 24437, which are counted here.",
        "A and B are other people in every dialogue. A speaker is a name within a series (635): an actor who plays in "
        "two series counts twice.",
        "Three annotators name one emotion or more each; their ballots are the votes, one for each annotator. The "
        "label is the published main emotion.",
        "The parts train (38 series), val (7) and test (11) share no series; the parts are the publisher's.",
        "Cut from television: music and other voices lie under the speech.",
    ),
    sources=(
        "https://github.com/AIM3-RUC/RUCM3ED (splitInfo: parts)",
        "https://aclanthology.org/2022.acl-long.391",
        "https://github.com/emo-box/EmoBox, data/m3ed (all names, labels, speakers) and its preprocessing",
    ),
)


def prepare(folder: str | Path, part: str | None = None) -> Prepared:
    """Read M3ED, or one of its parts, from any folder above `annotation.json` and the recordings.

    Raises:
        CorpusError: the folder holds something else, or the annotation cannot be read: all problems are listed.
    """
    table = find_tables(folder, CARD, [_TABLE])[_TABLE]
    said: list[Utterance] = []
    problems: list[str] = []
    for series, name, speakers, entry in _dialogues(table):
        if part not in (None, _part(series)):
            continue
        try:
            said.append(_utterance(series, name, speakers, entry))
        except (KeyError, TypeError, AttributeError) as problem:
            problems.append(f"{name}: {problem} is missing or none of {', '.join(_EMOTIONS)}")
    refuse(table, problems)
    if part and not said:
        raise CorpusError(f"{table}: no utterance of the part '{part}'")
    return prepare_from_tables(folder, CARD, said, whole=part is None)


def _part(series: str) -> str:
    return next((part for part, names in _SERIES.items() if series in names), "train")


def _dialogues(table: Path) -> Iterator[tuple[str, str, Any, Any]]:
    """Series, utterance, who speaks in its dialogue, and what is said of it."""
    try:
        tree = json.loads(table.read_text(encoding="utf-8-sig"))
        for series, dialogues in tree.items():
            for dialogue in dialogues.values():
                for name, entry in dialogue["Dialog"].items():
                    yield series, name, dialogue["SpeakerInfo"], entry
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise CorpusError(f"{table}: is no annotation of {CARD.title}: {problem!r}") from problem


def _utterance(series: str, name: str, speakers: Any, entry: Any) -> Utterance:
    letter, labels = entry["Speaker"], entry["EmoAnnotation"]
    ballots = [[_EMOTIONS[each.strip()] for each in labels[who].split(",")] for who in _ANNOTATORS if labels.get(who)]
    return Utterance(
        id=name,
        path=f"{letter}_{name}",
        speaker=f"{series}_{speakers[letter]['Name']}",
        emotion=_EMOTIONS[labels["final_main_emo"].strip()],
        text=entry.get("Text"),
        votes=emotions.count_votes(ballots),
    )
