"""Dusha: Russian spoken by crowd workers (and podcasts, without their sound), four emotions, votes of annotators."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.tables import find_tables, prepare_from_tables, refuse
from sottovoce.errors import CorpusError
from sottovoce.speech import emotions
from sottovoce.speech.manifest import Utterance

_EMOTIONS = {"angry": "angry", "neutral": "neutral", "other": "other", "positive": "happy", "sad": "sad"}

_COLUMNS = ("hash_id", "audio_path", "annotator_emo", "source_id", "annotator_id")

PARTS = ("crowd_train", "crowd_test", "podcast_train", "podcast_test")

CARD = CorpusCard(
    name="dusha",
    title="Dusha",
    language=("ru",),
    n_utterances=201_850,
    n_speakers=2_068,
    emotions={},
    layout="crowd_train/raw_crowd_train.jsonl (or .tsv), crowd_train/wavs/<hash>.wav ..., crowd_test/ alike",
    licence="its own public licence with attribution: see the repository's `license` folder",
    home="https://github.com/salute-developers/golos/tree/master/dusha",
    citation=(
        "Kondratenko, Sokolov, Karpov, Kutuzov, Savushkin, Minkin: Large Raw Emotional Dataset with Aggregation "
        "Mechanism, arXiv:2212.12266, 2022"
    ),
    encoding="a row for each answer of an annotator: " + ", ".join(_COLUMNS) + ", speaker_text and more",
    oddities=(
        "The counts are published for the crowd part; podcasts (102113 clips) come as features and links, without "
        "sound. Where somebody has cut them, they are read as well.",
        "Label and votes are the annotators', each once a recording: the emotion that most of them chose. Where two "
        "have the most the label is 'other', for there is no agreement. Dusha's own labels weigh annotators by Dawid "
        "and Skene's model and drop what stays doubtful, so they differ; counts by emotion are not verified.",
        "`positive` is our happy. What the crowd worker was asked to act (speaker_emo) is not used.",
        "Recordings with a golden answer were control questions; Dusha's own experiments leave them out, we do not.",
        "The speaker is source_id: not verified for podcasts.",
    ),
    sources=(
        "https://github.com/salute-developers/golos, dusha/README.md and dusha/data_processing",
        "https://arxiv.org/abs/2212.12266",
    ),
)


@dataclass
class _Clip:
    """What the rows say of one recording; `ballots` by annotator."""

    path: str
    speaker: str
    text: str | None
    ballots: dict[str, tuple[str]] = field(default_factory=dict)


def prepare(folder: str | Path, part: str | None = None) -> Prepared:
    """Read the parts that are there, or one of them, from any folder above them.

    Raises:
        CorpusError: the folder holds something else, or a table cannot be read: all problems are listed.
    """
    names = [f"raw_{each}{ending}" for each in ([part] if part else PARTS) for ending in (".jsonl", ".tsv")]
    tables = find_tables(folder, CARD, names)
    clips: dict[str, _Clip] = {}
    problems: Counter[str] = Counter()  # by kind, not by row: a wrong column is wrong a million times
    for each in PARTS:
        table = tables.get(f"raw_{each}.jsonl", tables.get(f"raw_{each}.tsv"))
        for row in _rows(table) if table else ():
            if problem := _problem(row):
                problems[f"{each}: {problem}"] += 1
            else:
                path, text = f"{each}/{row['audio_path']}", row.get("speaker_text") or None
                clip = clips.setdefault(str(row["hash_id"]), _Clip(path, str(row["source_id"]), text))
                clip.ballots[str(row["annotator_id"])] = (_EMOTIONS[row["annotator_emo"]],)
    refuse(folder, [f"{problem} ({n} rows)" for problem, n in problems.items()])
    said = (_utterance(name, clip) for name, clip in clips.items())
    whole = part is None and not any(name.startswith("raw_podcast") for name in tables)
    return prepare_from_tables(folder, CARD, said, whole=whole)


def _rows(table: Path) -> Iterator[Mapping[str, Any]]:
    """One at a time: there are more than a million."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            if table.suffix.lower() == ".tsv":
                yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            else:
                yield from (row if isinstance(row := json.loads(line), dict) else {} for line in lines)
    except (OSError, ValueError, csv.Error) as problem:
        raise CorpusError(f"{table}: cannot be read as {table.suffix[1:]}: {problem}") from problem


def _problem(row: Mapping[str, Any]) -> str:
    """What is wrong with a row, or nothing."""
    if missing := [column for column in _COLUMNS if not row.get(column)]:
        return f"without {', '.join(missing)}"
    label = row["annotator_emo"]
    return "" if label in _EMOTIONS else f"'{label}' is none of {', '.join(_EMOTIONS)}"


def _utterance(name: str, clip: _Clip) -> Utterance:
    votes = emotions.count_votes(clip.ballots.values())
    most = [emotion for emotion, count in votes.items() if count == max(votes.values())]
    return Utterance(
        id=name,
        path=clip.path,
        speaker=clip.speaker,
        emotion=most[0] if len(most) == 1 else "other",
        text=clip.text,
        votes=votes,
    )
