"""Corpora whose tables say what their recordings are: find both below a folder and bring them together."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from sottovoce.corpora.card import CorpusCard, Prepared, departures
from sottovoce.corpora.names import LOSSLESS, files_below, recordings, wrong_folder
from sottovoce.errors import CorpusError
from sottovoce.speech.manifest import Manifest, Utterance

Rows = list[dict[str, str]]


def find_tables(folder: str | Path, card: CorpusCard, names: Sequence[str]) -> dict[str, Path]:
    """The tables called `names` (in any case) that lie in `folder` or anywhere below it.

    Of several with one name the one nearest to `folder` is taken.

    Raises:
        CorpusError: there is no such folder, or none of the tables, with what was expected and what is there.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CorpusError(f"{folder}: there is no such folder")
    found = _nearest(files_below(folder), names)
    if not found:
        sounds = recordings(folder, LOSSLESS)
        raise wrong_folder(folder, card, [str(path.relative_to(folder.absolute())) for path in sounds])
    return found


def nearest(folder: Path, name: str, *beside: Path) -> Path | None:
    """A table that a corpus can be read without: at any depth of `folder`, or else in one of the folders `beside`."""
    for paths in (files_below(folder), *(place.glob("*") for place in beside)):
        if found := _nearest(paths, [name]):
            return found[name]
    return None


def read_table(path: Path, columns: Sequence[str], *, numbers: Sequence[str] = (), delimiter: str = ",") -> Rows:
    """The rows of a delimited table with a header, cells stripped; a cell that a short row lacks is empty.

    Args:
        path: the table.
        columns: that it must have.
        numbers: columns whose every cell must be a finite number, too.
        delimiter: between cells.

    Raises:
        CorpusError: it cannot be read, lacks columns, or has cells that are no numbers: all of them are listed.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, delimiter=delimiter, restval="", skipinitialspace=True)
            rows = [{str(name): str(cell).strip() for name, cell in row.items() if name is not None} for row in reader]
    except (OSError, ValueError, csv.Error) as problem:
        raise CorpusError(f"{path}: cannot be read as a table: {problem}") from problem
    header = [str(name) for name in reader.fieldnames or ()]
    if missing := [name for name in (*columns, *numbers) if name not in header]:
        raise CorpusError(f"{path}: column(s) {', '.join(missing)} are missing; it has: {', '.join(header) or 'none'}")
    wrong = [(i, name) for i, row in enumerate(rows, 1) for name in numbers if not math.isfinite(number(row[name]))]
    refuse(path, [f"row {i}: {name} is not a number: {rows[i - 1][name]!r}" for i, name in wrong])
    return rows


def number(cell: object) -> float:
    """What a cell holds; NaN where that is no number."""
    try:
        return float(str(cell))
    except ValueError:
        return math.nan


def refuse(folder: str | Path, problems: Sequence[str]) -> None:
    """Refuse a corpus whose labels have `problems`; do nothing where there are none.

    Raises:
        CorpusError: with all of them.
    """
    if problems:
        raise CorpusError(f"{folder}: {len(problems)} problem(s) in the labels:", problems)


def prepare_from_tables(
    folder: str | Path,
    card: CorpusCard,
    said: Iterable[Utterance],
    *,
    whole: bool = True,
    apart: Callable[[Path], bool] = lambda path: False,
) -> Prepared:
    """Bring what tables say together with the recordings below `folder`.

    Args:
        folder: the corpus, at any level above the recordings.
        card: what the corpus should hold.
        said: an utterance for each row, as the table has it: `path` is the end of the recording's path, with or without
            an ending (`dia0_utt0.mp4`, `train/dia0_utt0`), and `speaker` has no prefix. The corpus, and the language
            where the corpus has one, are filled in here.
        whole: whether all of the corpus was asked for and not a part, so that what is there can be compared with it.
        apart: whether a file is none of the recordings that are read, and no word is to be said of it.

    Returns:
        The utterances whose recordings are there, sorted by id, and notes on labels without recordings, recordings
        without labels, and recordings that lie there twice.

    Raises:
        CorpusError: not one of the recordings is there.
    """
    folder, said = Path(folder).absolute(), list(said)
    there = _by_stem(path for path in recordings(folder, LOSSLESS) if not apart(path))
    places = {name: _ending_in(name, there) for name in dict.fromkeys(u.path for u in said)}
    read = [_completed(u, places[u.path][0], card) for u in said if places[u.path]]
    if not read:
        raise CorpusError(
            f"{folder}: none of the {len(said)} recordings that the tables of {card.title} name lies below it. "
            f"Expected: {card.layout}"
        )
    manifest = Manifest(tuple(sorted(read, key=lambda u: u.id)))
    taken = {place for found in places.values() for place in found}
    unlabelled = [str(path.relative_to(folder)) for paths in there.values() for path in paths if path not in taken]
    odd = {
        "recordings have labels and are not there": [name for name in places if not places[name]],
        # Those of other parts have labels elsewhere.
        "recordings have no labels that can be read, and were left out": unlabelled if whole else [],
        "recordings lie there more than once; each was taken once": [name for name in places if len(places[name]) > 1],
    }
    notes = departures(card, manifest) if whole else []
    return Prepared(manifest, (*notes, *(f"{len(of)} {what}; the first: {min(of)}" for what, of in odd.items() if of)))


def _nearest(paths: Iterable[Path], names: Sequence[str]) -> dict[str, Path]:
    wanted = {name.lower(): name for name in names}
    found: dict[str, Path] = {}
    tables = [path for path in paths if path.name.lower() in wanted and path.is_file()]
    for path in sorted(tables, key=lambda path: (len(path.parts), path)):
        found.setdefault(wanted[path.name.lower()], path)
    return found


def _by_stem(paths: Iterable[Path]) -> dict[str, list[Path]]:
    by_stem: dict[str, list[Path]] = {}
    for path in paths:
        by_stem.setdefault(path.stem.lower(), []).append(path)
    return by_stem


def _ending_in(name: str, there: Mapping[str, list[Path]]) -> list[Path]:
    """The recordings whose paths end in `name`, whichever ending either has."""
    *parents, last = PurePosixPath(name.lower()).parts
    # A stem may hold a dot of its own, so `a.b` is looked for before `a`.
    candidates = there.get(last) or there.get(PurePosixPath(last).stem, [])
    return [path for path in candidates if not parents or _parents(path, len(parents)) == parents]


def _parents(path: Path, n: int) -> list[str]:
    return [part.lower() for part in path.parts[-1 - n : -1]]


def _completed(utterance: Utterance, path: Path, card: CorpusCard) -> Utterance:
    language = utterance.language or (card.language[0] if len(card.language) == 1 else None)
    speaker = f"{card.name}-{utterance.speaker}"
    return replace(utterance, path=str(path), speaker=speaker, corpus=card.name, language=language)
