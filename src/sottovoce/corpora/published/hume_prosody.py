"""Hume-Prosody as the ComParE 2023 challenge gave it out: how strongly listeners heard each of nine emotions.

The challenge's layout is `wav/` and `lab/train.csv`, `lab/devel.csv`, `lab/test.csv`, whose first column is `filename`
and whose others are named by an emotion each. That is what published programs of its participants read; we hold no
copy, and what could not be seen there is marked as not verified. A version with more columns (Hume's 48 dimensions)
is read alike.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.tables import find_tables, number, prepare_from_tables, read_table, refuse
from sottovoce.speech import emotions
from sottovoce.speech.harmonisation import load_table
from sottovoce.speech.manifest import Utterance

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

PARTS = ("train", "devel")


def prepare(folder: str | Path, part: str | None = None) -> Prepared:
    """Read the labelled parts, or one of them.

    Args:
        folder: any folder above `lab` and `wav`.
        part: `train` or `devel`; both if none is given.

    Raises:
        CorpusError: the folder holds something else, or labels cannot be read: all problems are listed.
    """
    names = [f"{each}.csv" for each in (PARTS if part is None else [part])]
    tables = find_tables(folder, CARD, names)
    problems = [f"lab/{name} is missing" for name in names if name not in tables]
    said = [utterance for table in tables.values() for utterance in _utterances(table, problems)]
    refuse(folder, problems)
    return prepare_from_tables(folder, CARD, said, whole=part is None)


def _utterances(table: Path, problems: list[str]) -> Iterator[Utterance]:
    """What the rows say; those that cannot be read are added to `problems`."""
    known = frozenset(name.lower() for name in load_table().sets["hume-prosody"])
    for i, row in enumerate(read_table(table, ["filename"]), 1):
        shares = {name.lower(): number(cell) for name, cell in row.items() if name.lower() in known}
        if not row["filename"] or not _are_shares(shares.values()):
            problems.append(f"lab/{table.name}, row {i}: no filename, or no shares from 0 to 1")
            continue
        name, votes = Path(row["filename"]).stem, _votes(shares)
        yield Utterance(
            id=name,
            path=name,
            speaker=row.get("speaker") or name,
            emotion=max(votes, key=lambda label: votes[label]),
            votes=votes,
            measures=shares,
        )


def _are_shares(shares: Collection[float]) -> bool:
    return all(0 <= share <= 1 for share in shares) and sum(shares) > 0


def _votes(shares: Mapping[str, float]) -> dict[str, float]:
    votes: dict[str, float] = {}
    for name, share in shares.items():  # fear and anxiety are one emotion of ours
        label = emotions.canonical(name) or name
        votes[label] = math.fsum([votes.get(label, 0.0), share])
    return votes
