"""Hume-Prosody as the ComParE 2023 challenge gave it out: how strongly listeners heard each of nine emotions.

The challenge's layout is `wav/` and `lab/train.csv`, `lab/devel.csv`, `lab/test.csv`, whose first column is `filename`
and whose others are named by an emotion each. That is what published programs of its participants read; we hold no
copy, and what could not be seen there is marked as not verified. A version with more columns (Hume's 48 dimensions)
is read alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sottovoce.corpora.card import CorpusCard, Prepared, departures
from sottovoce.corpora.names import LOSSLESS, wrong_folder
from sottovoce.errors import CorpusError
from sottovoce.speech import emotions
from sottovoce.speech.harmonisation import load_table
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.speech.rows import read_rows

CARD = CorpusCard(
    name="hume-prosody",
    title="Hume-Prosody",
    language=("en",),
    n_utterances=51_881,
    n_speakers=1_004,
    emotions={},
    layout="lab/train.csv, lab/devel.csv, lab/test.csv with the columns filename, Anger, Boredom, ...; wav/*.wav",
    licence="by agreement with the organisers of the challenge (not verified)",
    home="https://arxiv.org/abs/2304.14882",
    citation=(
        "Schuller et al.: The ACM Multimedia 2023 Computational Paralinguistics Challenge: Emotion Share & Requests, "
        "arXiv:2304.14882, 2023"
    ),
    oddities=(
        "Not verified on a copy: the counts here, that shares are from 0 to 1, and that all is English.",
        "The challenge's labels name no speakers. Without a column `speaker`, which we read where somebody has added "
        "it, every recording counts as a speaker of its own, and intervals are too narrow.",
        "The label is the emotion of the largest share; the shares are votes, and measures by their published names.",
        "The test part was published without labels and cannot be read.",
    ),
)

SHARES = (
    "anger",
    "boredom",
    "calmness",
    "concentration",
    "determination",
    "excitement",
    "interest",
    "sadness",
    "tiredness",
)
"""The nine emotions of the challenge, scored by Spearman's rho."""

PARTS = ("train", "devel")


def prepare(folder: str | Path, part: str | None = None) -> Prepared:
    """Read the labelled parts, or one of them.

    Args:
        folder: which holds `lab` and `wav`.
        part: `train` or `devel`; both if none is given.

    Raises:
        CorpusError: the folder holds something else, or labels cannot be read: all problems are listed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CorpusError(f"{folder}: there is no such folder")
    tables = [folder / "lab" / f"{each}.csv" for each in (PARTS if part is None else [part])]
    if not any(table.is_file() for table in tables):
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in LOSSLESS)
        raise wrong_folder(folder, CARD, [str(path.relative_to(folder)) for path in paths])
    recordings = {path.stem: path for path in (folder / "wav").glob("*") if path.suffix.lower() in LOSSLESS}
    rated = _rated(folder, tables)
    read = [_utterance(recordings[name], speaker, shares) for name, speaker, shares in rated if name in recordings]
    if not read:
        raise CorpusError(f"{folder}: not one recording of lab/*.csv lies in {folder / 'wav'}")
    manifest = Manifest(tuple(sorted(read, key=lambda u: u.id)))
    notes = [] if part else departures(CARD, manifest)
    if len(rated) > len(read):
        notes.append(f"{len(rated) - len(read)} recordings have labels and are not in wav/")
    return Prepared(manifest, tuple(notes))


def _rated(folder: Path, tables: Sequence[Path]) -> list[tuple[str, str, dict[str, float]]]:
    """Name, speaker and shares of every row."""
    known = frozenset(name.lower() for name in load_table().sets["hume-prosody"])
    rated = []
    problems = [f"lab/{table.name} is missing" for table in tables if not table.is_file()]
    for table in filter(Path.is_file, tables):
        for number, row in enumerate(read_rows(table), 1):
            name = Path(str(row.get("filename") or "")).stem
            if shares := _shares(row, known):
                rated.append((name, str(row.get("speaker") or name), shares))
            else:
                problems.append(f"lab/{table.name}, row {number}: no filename, or no shares from 0 to 1")
    if problems:
        raise CorpusError(f"{folder}: {len(problems)} problem(s) in the labels:", problems)
    return rated


def _shares(row: Mapping[str, Any], known: frozenset[str]) -> dict[str, float] | None:
    """By Hume's names in lower case; None where the row is not whole."""
    try:
        shares = {str(name).lower(): float(cell) for name, cell in row.items() if str(name).lower() in known}
    except (TypeError, ValueError):
        return None
    sound = shares and all(0 <= share <= 1 for share in shares.values()) and sum(shares.values()) > 0
    return shares if sound and row.get("filename") else None


def _utterance(path: Path, speaker: str, shares: Mapping[str, float]) -> Utterance:
    votes: dict[str, float] = {}
    for name, share in shares.items():  # fear and anxiety are one emotion of ours
        label = emotions.canonical(name) or name
        votes[label] = math.fsum([votes.get(label, 0.0), share])
    return Utterance(
        id=path.stem,
        path=str(path.absolute()),
        speaker=f"{CARD.name}-{speaker}",
        emotion=max(votes, key=lambda label: votes[label]),
        corpus=CARD.name,
        language="en",
        votes=votes,
        measures=shares,
    )
