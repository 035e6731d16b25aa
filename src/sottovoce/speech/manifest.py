"""Utterances and manifests: what is known of a collection of recordings, and where each one came from.

A manifest is immutable. It is read from and written to Parquet, CSV and JSON Lines with the same columns:

=============  ==========================================================================================
`path`         the recording; a relative path is relative to the folder of the manifest file
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

import csv
import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from sottovoce.errors import ManifestError
from sottovoce.speech import emotions as emotion_names


@dataclass(frozen=True)
class Utterance:
    """One stretch of speech by one speaker. See the module's table for the fields."""

    id: str
    path: str
    speaker: str
    emotion: str
    corpus: str = ""
    language: str | None = None
    text: str | None = None
    text_id: str | None = None
    translation: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    translated_from: str | None = None
    translator: str | None = None
    votes: Mapping[str, float] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "votes", MappingProxyType(dict(self.votes)))
        object.__setattr__(self, "measures", MappingProxyType(dict(self.measures)))

    def __getstate__(self) -> dict[str, Any]:  # a mapping proxy cannot be sent to a worker process
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, content in state.items():
            object.__setattr__(self, name, content)
        self.__post_init__()

    @property
    def is_synthetic(self) -> bool:
        """Whether a machine made this utterance from a natural one."""
        return self.translated_from is not None

    def soft_label(self, classes: Sequence[str], epsilon: float) -> list[float]:
        """Distribution over `classes`: `(1 - eps) n_k / N + eps / K` (arXiv 2409.10985, section II-D).

        Votes for emotions outside `classes` are left out; an utterance without votes for any of them
        counts its label once.
        """
        return emotion_names.soft_label(self.votes or {self.emotion: 1.0}, self.emotion, classes, epsilon)


_SCALARS = tuple(f.name for f in fields(Utterance) if f.name not in ("votes", "measures"))
_NUMBERS = ("start_s", "end_s")
_VOTES, _MEASURES = "votes_", "measure_"


def _plain(content: Any) -> Any:
    return dict(content) if isinstance(content, Mapping) else content


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
            row = {name: content for name, content in _row(utterance).items() if name != "path"}
            digest.update(json.dumps(row, sort_keys=True).encode())
        return digest.hexdigest()

    def to_table(self) -> pa.Table:
        """Arrow table with the module's columns; optional columns appear where any utterance fills them."""
        rows = [_row(u) for u in self.utterances]
        present = {name for row in rows for name in row}
        always = ("id", "path", "speaker", "emotion")
        order = [name for name in _SCALARS if name in present or name in always]
        order += sorted(present - set(_SCALARS))
        columns = {
            name: pa.array([row.get(name) for row in rows], pa.float64() if _is_number(name) else pa.string())
            for name in order
        }
        return pa.table(columns)

    def write(self, path: str | Path) -> Path:
        """Write as `.parquet`, `.csv` or `.jsonl`, atomically.

        Raises:
            ManifestError: the ending is none of these.
        """
        path = Path(path)
        table = self.to_table()
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        match path.suffix.lower():
            case ".parquet":
                pq.write_table(table, partial)
            case ".csv":
                pa.csv.write_csv(table, partial)
            case ".jsonl":
                lines = (json.dumps(_row(u), ensure_ascii=False) + "\n" for u in self.utterances)
                partial.write_text("".join(lines), encoding="utf-8")
            case other:
                raise ManifestError(f"{path}: cannot write '{other}'; use .parquet, .csv or .jsonl")
        partial.replace(path)
        return path

    @classmethod
    def read(cls, path: str | Path, *, language: str | None = None, corpus: str | None = None) -> Manifest:
        """Read `.parquet`, `.csv` or `.jsonl`. `language` and `corpus` fill what the file leaves empty.

        Raises:
            ManifestError: with every problem of the file: missing columns, speakers, recordings, unknown
                emotions, ids that occur twice, times that make no sense.
        """
        path = Path(path)
        if not path.exists():
            raise ManifestError(f"{path}: there is no such manifest")
        if path.is_dir():
            raise ManifestError(
                f"{path} is a folder, not a manifest; make one first: "
                f"sottovoce prepare folder {path} --pattern '{{speaker}}_{{text_id}}_{{emotion}}' -o manifest.parquet"
            )
        return from_rows(_read_rows(path), path, language=language, corpus=corpus or path.stem)


def from_rows(
    rows: Iterable[Mapping[str, Any]], path: Path, *, language: str | None = None, corpus: str = ""
) -> Manifest:
    """Build a manifest from loosely typed rows, gathering every problem before raising. `path` names the file."""
    rows = list(rows)
    if not rows:
        raise ManifestError(f"{path}: the manifest has no rows")
    missing = [name for name in ("path", "speaker", "emotion") if not any(name in row for row in rows)]
    if missing:
        raise ManifestError(
            f"{path}: column(s) {', '.join(missing)} missing; a manifest needs path, speaker and emotion. "
            f"Found: {', '.join(sorted({name for row in rows for name in row}))}"
        )
    problems: list[str] = []
    utterances = []
    for number, row in enumerate(rows, start=1):
        utterance = _utterance(row, f"row {number}", path.parent, language, corpus, problems)
        if utterance is not None:
            utterances.append(utterance)
    count = Counter(u.id for u in utterances)
    problems += [f"id '{i}' occurs {n} times" for i, n in count.items() if n > 1]
    if problems:
        raise ManifestError(f"{path}: {len(problems)} problem(s); mend them all and run again:", problems)
    return Manifest(tuple(utterances))


def _utterance(
    row: Mapping[str, Any],
    where: str,
    folder: Path,
    language: str | None,
    corpus: str,
    problems: list[str],
) -> Utterance | None:
    cells = {name: content for name, content in row.items() if not _empty(content)}
    before = len(problems)
    for name in ("path", "speaker", "emotion"):
        if name not in cells:
            problems.append(f"{where}: {name} is empty")
    emotion = str(cells.get("emotion", ""))
    if emotion and (canonical := emotion_names.canonical(emotion)) is None:
        problems.append(f"{where}: unknown emotion '{emotion}' (known: {', '.join(emotion_names.NAMES)})")
    elif emotion:
        emotion = canonical or emotion
    recording = folder / str(cells.get("path", ""))
    if "path" in cells and not recording.exists():
        problems.append(f"{where}: no such recording: {cells['path']}")
    numbers = {name: _number(cells, name, where, problems) for name in _NUMBERS}
    start_s, end_s = numbers["start_s"], numbers["end_s"]
    if (start_s is not None and start_s < 0) or (end_s is not None and end_s <= (start_s or 0.0)):
        problems.append(f"{where}: start_s {start_s} and end_s {end_s} do not bound any sound")
    votes = {}
    for name in cells:
        if str(name).startswith(_VOTES):
            voted = emotion_names.canonical(str(name)[len(_VOTES) :])
            count = _number(cells, name, where, problems)
            if voted is None:
                problems.append(f"{where}: column '{name}' names an unknown emotion")
            elif count is not None and count < 0:
                problems.append(f"{where}: {name} is negative")
            elif count:
                votes[voted] = votes.get(voted, 0.0) + count
    measures = {
        str(name)[len(_MEASURES) :]: figure
        for name in cells
        if str(name).startswith(_MEASURES) and (figure := _number(cells, name, where, problems)) is not None
    }
    if len(problems) > before:
        return None
    part = "" if start_s is None and end_s is None else f"@{start_s or 0:g}-{'' if end_s is None else f'{end_s:g}'}"
    strings = {name: str(cells[name]) for name in _SCALARS if name in cells and name not in _NUMBERS}
    strings |= {"path": str(recording), "emotion": emotion}
    strings.setdefault("id", str(Path(str(cells["path"])).with_suffix("").as_posix()) + part)
    strings.setdefault("corpus", corpus)
    if language:
        strings.setdefault("language", language)
    return Utterance(**strings, start_s=start_s, end_s=end_s, votes=votes, measures=measures)  # type: ignore[arg-type]


def _number(cells: Mapping[str, Any], name: str, where: str, problems: list[str]) -> float | None:
    if name not in cells:
        return None
    try:
        number = float(cells[name])
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        problems.append(f"{where}: {name} is not a number: {cells[name]!r}")
        return None
    return number


def _empty(content: Any) -> bool:
    return content is None or (isinstance(content, str) and not content.strip()) or content != content


def _is_number(column: str) -> bool:
    return column in _NUMBERS or column.startswith((_VOTES, _MEASURES))


def _row(utterance: Utterance) -> dict[str, Any]:
    row = {name: getattr(utterance, name) for name in _SCALARS}
    row = {name: content for name, content in row.items() if content is not None and content != ""}
    row |= {f"{_VOTES}{emotion}": float(n) for emotion, n in utterance.votes.items()}
    return row | {f"{_MEASURES}{name}": float(figure) for name, figure in utterance.measures.items()}


def _read_rows(path: Path) -> list[dict[str, Any]]:
    try:
        match path.suffix.lower():
            case ".parquet":
                return pq.read_table(path).to_pylist()
            case ".csv":
                with path.open(encoding="utf-8-sig", newline="") as lines:
                    return list(csv.DictReader(lines, restkey="(more cells than columns)"))
            case ".jsonl":
                return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError, pa.ArrowInvalid, UnicodeDecodeError) as problem:
        raise ManifestError(f"{path}: cannot be read as {path.suffix[1:]}: {problem}") from problem
    raise ManifestError(f"{path}: a manifest is a .parquet, .csv or .jsonl file")
