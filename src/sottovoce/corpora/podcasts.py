"""Podcasts labelled in the way of MSP-Podcast: a table of what raters agreed on, and one of what each of them said.

Both are read as CSV or JSON, whichever is there. What the releases from 1.6 on have in common and where they differ is
from programs that read them and from their readme files; the card of MSP-Podcast names these.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.tables import find_tables, nearest, number, prepare_from_tables, read_table, refuse
from sottovoce.errors import CorpusError
from sottovoce.speech import emotions
from sottovoce.speech.manifest import Utterance

PARTS = ("train", "development", "test1", "test2")
"""Those with labels, by the names of the later releases."""

_SETS = {"validation": "development"}  # as the releases up to 1.9 call it

_CODES = {
    "A": "angry",
    "S": "sad",
    "H": "happy",
    "U": "surprised",
    "F": "fearful",
    "D": "disgusted",
    "C": "contempt",
    "N": "neutral",
    "O": "other",
    "X": "other",  # no emotion has more votes than every other
}

_ATTRIBUTES = {"valence": "EmoVal", "arousal": "EmoAct", "dominance": "EmoDom"}

# The releases up to 1.9 misspell it; a later one that brings their labels along has its own beside them.
_CONSENSUS = ("labels_consensus.csv", "labels_consensus.json", "labels_concensus.csv", "labels_concensus.json")
_DETAILED = ("labels_detailed.csv", "labels_detailed.json")
_SPEAKERS = "Speaker_ids.txt"
_PARTITIONS = "Partitions.txt"


def prepare_podcasts(folder: str | Path, card: CorpusCard, part: str | None = None) -> Prepared:
    """Read a corpus of podcasts, or one of its `PARTS`.

    The label is the code of the consensus; votes are the raters' primary emotions. A speaker whom nobody identified
    is one for each podcast, so that no podcast is on both sides of a fold for want of a name.

    Args:
        folder: which holds `Labels` and `Audios`, or any folder above.
        card: of the corpus.
        part: all parts with labels if none is given.

    Raises:
        CorpusError: the folder holds something else, or labels that cannot be read: all problems are listed.
    """
    folder = Path(folder)
    found = find_tables(folder, card, _CONSENSUS)
    consensus = next(found[name] for name in _CONSENSUS if name in found)
    speakers, sets = _listed(consensus, folder, _SPEAKERS), _listed(consensus, folder, _PARTITIONS)
    votes = _votes(consensus.parent)
    said, problems, n_unlabelled = [], [], 0
    for row in _rows(consensus):
        name = Path(str(row["FileName"])).stem
        place = _set(row.get("Split_Set") or sets.get(name, ""))
        if not row["EmoClass"]:
            n_unlabelled += part in (None, place)
            continue
        emotion = _CODES.get(str(row["EmoClass"])) or emotions.canonical(str(row["EmoClass"]))
        if emotion is None:
            problems.append(f"{consensus.name}: {name} has the unknown class '{row['EmoClass']}'")
        elif part in (None, place):
            utterance = Utterance(
                id=name,
                path=name,
                speaker=_speaker(row, name, speakers),
                emotion=emotion,
                text=_text(consensus.parent.parent / "Transcripts" / f"{name}.txt"),
                votes=votes.get(name, {}),
                measures={measure: number(row.get(column)) for measure, column in _ATTRIBUTES.items()},
            )
            said.append(utterance)
    refuse(folder, problems)
    if not said:
        raise CorpusError(f"{consensus}: no recording of the part '{part}'")
    prepared = prepare_from_tables(folder, card, said, whole=part is None)
    n_without = sum(not u.votes for u in prepared.manifest)
    notes = {
        f"utterances have no raters' votes: they are not in {' or '.join(_DETAILED)} beside the labels": n_without,
        f"rows have no class in {consensus.name}, and were left out": n_unlabelled,
    }
    return Prepared(prepared.manifest, (*prepared.notes, *(f"{n} {what}" for what, n in notes.items() if n)))


def _primary(said: str) -> list[str]:
    """One rater's primary emotion as a ballot; what was typed in words of one's own (`Other-confused`) is other."""
    name = said.strip().lower()
    return [emotions.canonical(name) or "other"] if name else []


def _rows(table: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a consensus, whichever way it is written."""
    if table.suffix == ".csv":
        yield from read_table(table, ["FileName", "EmoClass"])
        return
    for name, fields in _content(table).items():
        if not isinstance(fields, Mapping) or "EmoClass" not in fields:
            raise CorpusError(f"{table}: {name} has no EmoClass")
        yield {**fields, "FileName": name}


def _content(table: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(table.read_text(encoding="utf-8-sig"))
    except ValueError as problem:
        raise CorpusError(f"{table}: cannot be read as JSON: {problem}") from problem
    if not isinstance(content, Mapping):
        raise CorpusError(f"{table}: must hold an object with an entry a recording")
    return content


def _votes(folder: Path) -> dict[str, dict[str, float]]:
    """By recording, from the table of single answers; empty where there is none."""
    table = next((folder / name for name in _DETAILED if (folder / name).is_file()), None)
    ballots: dict[str, list[list[str]]] = defaultdict(list)
    for name, said in _answers(table) if table else ():
        ballots[name].append(_primary(said))
    return {Path(name).stem: emotions.count_votes(each) for name, each in ballots.items()}


def _answers(table: Path) -> Iterator[tuple[str, str]]:
    """Recording and primary emotion of every rater's answer."""
    if table.suffix == ".json":
        for name, raters in _content(table).items():
            if not isinstance(raters, Mapping) or not all("EmoClass_Major" in each for each in raters.values()):
                raise CorpusError(f"{table}: {name} has answers without EmoClass_Major")
            yield from ((name, str(answer["EmoClass_Major"])) for answer in raters.values())
        return
    for i, row in enumerate(read_table(table, ["FileName"]), 1):
        # A column of its own, or the second field of `WORKER00000001; Neutral; Neutral,Sad; A:1.0; V:4.0; D:2.0;`
        fields = row.get("EmoDetail", "").split(";")
        if "EmoClass_Major" not in row and len(fields) < 2:
            raise CorpusError(f"{table}, row {i}: neither EmoClass_Major nor a list of fields in EmoDetail")
        yield row["FileName"], row["EmoClass_Major"] if "EmoClass_Major" in row else fields[1]


def _listed(consensus: Path, folder: Path, table: str) -> dict[str, str]:
    """By recording, from lines such as `MSP-PODCAST_0001_0008.wav;30` or `Train; MSP-PODCAST_0001_0008.wav`.

    From the table of the same release, which lies beside the labels or a folder higher; else any below `folder`; empty
    where there is none.
    """
    own = (place / table for place in consensus.parents[:2])
    path = next((path for path in own if path.is_file()), None) or nearest(folder, table)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path else []
    pairs = [[cell.strip() for cell in line.split(";")] for line in lines if line.count(";") > 0]
    pairs = [pair if pair[0].lower().endswith(".wav") else pair[1::-1] for pair in pairs]
    return {Path(name).stem: said for name, said, *_ in pairs if name.lower().endswith(".wav")}


def _speaker(row: Mapping[str, Any], name: str, listed: Mapping[str, str]) -> str:
    for speaker in (str(row.get("SpkrID") or "").strip(), listed.get(name, "")):
        if _is_known(speaker):
            return speaker
    # MSP-PODCAST_0001_0008: corpus, podcast, turn
    return "unknown-" + "_".join(name.split("_")[1:2])


def _is_known(speaker: str) -> bool:
    return speaker.lower() not in ("", "unknown", "nan", "none")


def _set(said: object) -> str:
    name = str(said).strip().lower()
    return _SETS.get(name, name)


def _text(transcript: Path) -> str | None:
    return transcript.read_text(encoding="utf-8", errors="replace").strip() or None if transcript.is_file() else None
