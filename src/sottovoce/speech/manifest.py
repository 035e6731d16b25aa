"""Utterances and manifests: what is known of a collection of recordings, and where each one came from.

A manifest is immutable. It is read from and written to Parquet, CSV and JSON Lines with the same columns:

=============  ==========================================================================================
`path`         the recording: a path or a URI; a relative path is relative to the folder of the manifest file. In
               memory it is absolute; written, it is relative where the recording lies below that folder
`speaker`      who speaks; never shared between the two sides of a fold
`emotion`      the label, in the names of `speech.emotions`
`id`           unique; made from the path where it is absent
`language`     ISO 639-1 code (`it`, `de`, ...)
`text`         what is said;  `text_id` names a sentence that several speakers say
`translation`  `text` in the target language, for translators that need it
`start_s`, `end_s`  a part of the recording, in seconds
`votes_*`      one column an emotion: how many listeners chose it (any positive scale)
`translated_from`, `translator`  provenance: the id of the natural utterance this one was made from
`measure_*`    figures measured on this utterance, e.g. prosody correlations
=============  ==========================================================================================
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from sottovoce.errors import ManifestError, StoreError
from sottovoce.speech import rows as row_files
from sottovoce.speech import uri
from sottovoce.speech.utterance import COLUMNS, Utterance, is_number

__all__ = ["Manifest", "Utterance", "from_rows"]


@dataclass(frozen=True)
class Manifest:
    """An ordered, immutable collection of utterances with unique ids."""

    utterances: tuple[Utterance, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "utterances", tuple(self.utterances))
        repeated = sorted(i for i, n in Counter(u.id for u in self.utterances).items() if n > 1)
        if repeated:
            raise ManifestError(f"{len(repeated)} utterance ids occur more than once; ids must be unique:", repeated)

    def __len__(self) -> int:
        return len(self.utterances)

    def __iter__(self) -> Iterator[Utterance]:
        return iter(self.utterances)

    def __getitem__(self, position: int) -> Utterance:
        return self.utterances[position]

    def filter(self, keep: Callable[[Utterance], bool]) -> Manifest:
        """The utterances for which `keep` is true, in the same order."""
        return Manifest(tuple(u for u in self.utterances if keep(u)))

    def with_emotions(self, classes: Sequence[str]) -> Manifest:
        """The utterances whose label is one of `classes`."""
        return self.filter(lambda u: u.emotion in classes)

    def people_apart(self) -> Manifest:
        """A name in several corpora is several people's: there each becomes `corpus/name`, where a corpus is known."""
        homes: dict[str, set[str | None]] = {}
        for u in self.utterances:
            homes.setdefault(u.speaker, set()).add(u.corpus)
        shared = {name for name, corpora in homes.items() if len(corpora) > 1}

        def told(u: Utterance) -> Utterance:
            return replace(u, speaker=f"{u.corpus}/{u.speaker}") if u.corpus and u.speaker in shared else u

        return Manifest(tuple(map(told, self.utterances)))

    @property
    def speakers(self) -> list[str]:
        """Speaker names, sorted."""
        return sorted({u.speaker for u in self.utterances})

    @property
    def languages(self) -> list[str]:
        """Language codes, sorted; unknown ones are left out."""
        return sorted({u.language for u in self.utterances if u.language})

    @property
    def has_votes(self) -> bool:
        """Whether any utterance carries listeners' votes."""
        return any(u.votes for u in self.utterances)

    def fingerprint(self) -> str:
        """SHA-256 over every field of every utterance in order, the paths apart (a corpus may move)."""
        digest = hashlib.sha256()
        for utterance in self.utterances:
            row = {name: content for name, content in utterance.to_row().items() if name != "path"}
            digest.update(json.dumps(row, sort_keys=True).encode())
        return digest.hexdigest()

    def to_table(self) -> pa.Table:
        """Arrow table with the module's columns; optional columns appear where any utterance fills them."""
        rows = [u.to_row() for u in self.utterances]
        present = {name for row in rows for name in row}
        always = ("id", "path", "speaker", "emotion")
        order = [name for name in COLUMNS if name in present or name in always]
        order += sorted(present - set(COLUMNS))
        columns = {
            name: pa.array([row.get(name) for row in rows], pa.float64() if is_number(name) else pa.string())
            for name in order
        }
        return pa.table(columns)

    def write(self, path: str | Path) -> str | Path:
        """Write as `.parquet`, `.csv` or `.jsonl` to a file, atomically, or to a URI. Returns where it was written.

        Raises:
            ManifestError: the ending is none of these, or the URI cannot be reached.
        """
        place = uri.localised(path)
        folder = place.parent if isinstance(place, Path) else uri.parent(place)
        movable = Manifest(tuple(replace(u, path=relative(u.path, folder)) for u in self.utterances))
        content = movable._encoded(place)
        if isinstance(place, Path):
            place.parent.mkdir(parents=True, exist_ok=True)
            partial = place.with_name(f".{place.name}.partial")
            partial.write_bytes(content)
            return partial.replace(place)
        try:
            uri.write_bytes(place, content)
        except StoreError as problem:
            raise ManifestError(str(problem)) from problem
        return place

    def _encoded(self, place: str | Path) -> bytes:
        encoded = io.BytesIO()
        match uri.name_of(place).suffix.lower():
            case ".parquet":
                pq.write_table(self.to_table(), encoded)
            case ".csv":
                arrow_csv.write_csv(self.to_table(), encoded)
            case ".jsonl":
                lines = (json.dumps(u.to_row(), ensure_ascii=False) + "\n" for u in self)
                encoded.write("".join(lines).encode())
            case other:
                raise ManifestError(f"{place}: cannot write '{other}'; use .parquet, .csv or .jsonl")
        return encoded.getvalue()

    @classmethod
    def read(cls, path: str | Path, *, language: str | None = None, corpus: str | None = None) -> Manifest:
        """Read `.parquet`, `.csv` or `.jsonl`, a file or a URI. `language` and `corpus` fill what it leaves empty.

        Raises:
            ManifestError: with every problem of the file: missing columns, speakers, local recordings, unknown
                emotions, ids that occur twice, times that make no sense; or the URI cannot be reached.
        """
        place = uri.localised(path)
        if isinstance(place, Path) and place.is_dir():
            raise ManifestError(
                f"{place} is a folder, not a manifest; make one first: "
                f"sottovoce prepare folder {place} --pattern '{{speaker}}_{{text_id}}_{{emotion}}' -o manifest.parquet"
            )
        rows = row_files.read_rows(place)
        return from_rows(rows, place, language=language, corpus=corpus or uri.name_of(place).stem)


def from_rows(
    rows: Iterable[Mapping[str, Any]], path: str | Path, *, language: str | None = None, corpus: str = ""
) -> Manifest:
    """Build a manifest from loosely typed rows, gathering every problem before raising.

    Args:
        rows: one mapping an utterance, with the columns of the module's table.
        path: the file or URI they came from: named in messages, and relative paths are relative to its folder.
        language: for the rows that name none; `corpus` likewise.

    Raises:
        ManifestError: with every problem of every row.
    """
    rows = list(rows)
    if not rows:
        raise ManifestError(f"{path}: the manifest has no rows")
    missing = [name for name in row_files.REQUIRED if not any(name in row for row in rows)]
    if missing:
        raise ManifestError(
            f"{path}: column(s) {', '.join(missing)} missing; a manifest needs path, speaker and emotion. "
            f"Found: {', '.join(sorted({name for row in rows for name in row}))}"
        )
    names = [f"row {number}" for number in range(1, len(rows) + 1)]
    folder = path.parent if isinstance(path, Path) else uri.parent(path)
    utterances, problems = row_files.parse(rows, names, folder, language=language, corpus=corpus)
    if problems:
        raise ManifestError(f"{path}: {len(problems)} problem(s); mend them all and run again:", problems)
    return Manifest(tuple(utterances))


def relative(path: str, folder: str | Path) -> str:
    """`path` as seen from `folder` where it lies below it, else absolute: a manifest moves with its recordings."""
    if uri.is_uri(path) or isinstance(folder, str):
        return path.removeprefix(f"{folder}/")
    absolute, root = os.path.abspath(path), os.path.abspath(folder)
    return os.path.relpath(absolute, root) if os.path.commonpath([absolute, root]) == root else absolute
