"""EMO-SUPERB's CSV: what share of the raters heard each emotion (github.com/EMOsuperb/EMO-SUPERB-submission).

As published, `CORPUS/Primary` holds `config.json`, which names the emotions, and `labels_consensus_N.csv`, one for each
fold with the same labels, and `CORPUS/Audios` the recordings. A row is the file's name, a share for each emotion,
sometimes EmoAct, EmoVal and EmoDom, `SpkrID`, `Gender` and last `Split_Set`. There is no single label. The man and the
woman of one session of IEMOCAP and MSP-IMPROV have the same `SpkrID`: only with `Gender` does it name a speaker.

The shares `p` of K emotions are published smoothed (measured in the files of CREMA-D, IEMOCAP and MSP-IMPROV): with
`e = 0.05 / (K - 1)`, `y = (1 - K e) p + e`, so that an emotion that nobody heard has `e` and one that all heard 0.95.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from sottovoce.corpora.interchange.format import Foreign, Format, Row, ours, path_from
from sottovoce.corpora.tables import number, read_table
from sottovoce.errors import CorpusError
from sottovoce.speech import emotions
from sottovoce.speech.manifest import Manifest
from sottovoce.speech.utterance import VOTES, Utterance

_CONFIG, _SOUNDS, _RATERS = "config.json", "Audios", "n_raters"
_SMOOTHING = 0.05
_ROUNDING = 1e-5
"""Shares are published with six digits."""

_MEASURES = {"EmoAct": "arousal", "EmoVal": "valence", "EmoDom": "dominance"}


def _read(place: Path, audio_to: Path) -> Foreign:
    folder = (place if place.is_dir() else place.parent).absolute()
    tables = [place] if place.is_file() else sorted(folder.glob("labels_consensus_*.csv"))
    if not tables:
        raise CorpusError(f"{place}: there is no labels_consensus_N.csv; {FORMAT.title} is {FORMAT.place}")
    classes = _classes(folder / _CONFIG)
    table = read_table(tables[0], ["SpkrID"], numbers=classes)
    shares = [[number(row[name]) for name in classes] for row in table]
    floor = _SMOOTHING / (len(classes) - 1)
    if all(share >= floor - _ROUNDING for row in shares for share in row):
        scale = 1 - len(classes) * floor
        shares = [[max((share - floor) / scale, 0.0) for share in row] for row in shares]
    names = [emotions.canonical(name) or "other" for name in classes]
    rows = [
        (f"row {n}", _row(row, names, each)) for n, (row, each) in enumerate(zip(table, shares, strict=True), start=1)
    ]
    tied = sum(sorted(each)[-1] - sorted(each)[-2] < _ROUNDING for each in shares)
    notes = [f"{tied} utterances have no single most heard emotion: their label is the first of them"] if tied else []
    unknown = [name for name in classes if emotions.canonical(name) is None]
    if unknown:
        notes.append(f"counted as 'other': {', '.join(unknown)}")
    if any(name in row for row in table[:1] for name in _MEASURES):
        notes.append("arousal, valence and dominance are on the corpus's own scale")
    return Foreign(rows, (folder, folder / _SOUNDS, folder.parent / _SOUNDS), tuple(notes))


def _classes(path: Path) -> list[str]:
    try:
        names = [str(name) for name in json.loads(path.read_text(encoding="utf-8"))["categorical"]["emo_type"]]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise CorpusError(f"{path}: the emotions cannot be read ({problem!r}); it lies beside the labels") from problem
    if len(names) < 2:
        raise CorpusError(f"{path}: at least two emotions are needed, not {names}")
    return names


def _row(row: Row, classes: Sequence[str], shares: Sequence[float]) -> Row:
    n_raters = number(row.get(_RATERS, "1"))
    votes = dict.fromkeys((f"{VOTES}{name}" for name in classes), 0.0)
    for name, share in zip(classes, shares, strict=True):  # `happy` and `excited` are one emotion here
        votes[f"{VOTES}{name}"] += round(share * n_raters, 4)
    measures = {f"measure_{ours}": row[theirs] for theirs, ours in _MEASURES.items() if row.get(theirs)}
    heard = next(name for name, share in zip(classes, shares, strict=True) if share > max(shares) - _ROUNDING)
    speaker = "-".join(filter(None, (row["SpkrID"], row.get("Gender"))))
    path = row.get("FileName") or row.get("")  # NNIME's first column has no name
    return row | votes | measures | {"path": path, "speaker": speaker, "emotion": row.get("emotion") or heard}


def _write(manifest: Manifest, place: Path) -> list[str]:
    parts = [u.id for u in manifest if u.start_s is not None or u.end_s is not None]
    if parts:
        raise CorpusError(f"{FORMAT.title} labels whole recordings; {len(parts)} utterances are parts of one:", parts)
    classes = sorted({name for u in manifest for name in (u.votes or {u.emotion: 1.0})})
    if len(classes) < 2:
        raise CorpusError(f"{FORMAT.title} needs at least two emotions, not {', '.join(classes)} alone")
    place.mkdir(parents=True, exist_ok=True)
    splits = {"train": "Train", "dev": "Development", "test": "Test"}
    config = {"data_split_type": splits, "categorical": {"emo_type": classes}}
    (place / _CONFIG).write_text(json.dumps(config, indent=4) + "\n", encoding="utf-8")
    rows = [_cells(place, u, classes) for u in manifest]
    first, last = ["FileName", *classes, "SpkrID", _RATERS], "Split_Set"
    columns = [*first, *sorted({name for row in rows for name in row} - {*first, last}), last]
    with (place / "labels_consensus_1.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    without = sum(not u.votes for u in manifest)
    notes = ["every Split_Set is Train: this file has one fold, which you choose"]
    if without:
        notes.append(f"{without} utterances have no votes: their label stands as what their one rater heard")
    return notes


def _cells(place: Path, utterance: Utterance, classes: Sequence[str]) -> Row:
    votes = utterance.votes or {utterance.emotion: 1.0}
    n_raters, floor = sum(votes.values()), _SMOOTHING / (len(classes) - 1)
    shares = {name: (1 - len(classes) * floor) * votes.get(name, 0.0) / n_raters + floor for name in classes}
    others = {name: each for name, each in ours(utterance, "path", "speaker").items() if not name.startswith(VOTES)}
    fixed = {"FileName": path_from(place, utterance), "SpkrID": utterance.speaker, "Split_Set": "Train"}
    return others | shares | fixed | {_RATERS: f"{n_raters:g}"}


FORMAT = Format(
    name="emo-superb",
    title="EMO-SUPERB",
    home="https://github.com/EMOsuperb/EMO-SUPERB-submission",
    place="a folder with config.json and labels_consensus_1.csv, and its recordings in it or in Audios beside it",
    read=_read,
    write=_write,
)
