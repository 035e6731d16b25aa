"""The fold lists that EmoBox publishes, read and written (github.com/emo-box/EmoBox, arXiv 2406.07162).

A data set's folder holds `fold_N/NAME_train_fold_N.jsonl` and `NAME_test_fold_N.jsonl`; each line has a `key`
(`emodb-03a02Wb`) and the path of the recording, as `wav` or `audio`. Validation lists (of three data sets) only mark
their utterances as known: nothing here chooses on them.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from sottovoce.errors import SplitError
from sottovoce.judging.fold_plan import FoldPlan
from sottovoce.speech.manifest import Utterance
from sottovoce.store.atomic import write_atomically

_Name = TypeVar("_Name")
_NAME = re.compile(r"_(train|test|valid)_fold_(\d+)\.jsonl$")


@dataclass(frozen=True)
class Part:
    """One published fold, as utterance ids of the manifest."""

    number: int
    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class Listed:
    """The published folds, and the keys of their entries that the manifest lacks."""

    parts: tuple[Part, ...]
    not_in_manifest: tuple[str, ...]


@dataclass(frozen=True)
class _Entry:
    key: str
    recording: str

    @property
    def names(self) -> tuple[str, ...]:
        """The key as it is, and without the data set before the first hyphen."""
        return self.key, self.key.partition("-")[2]


def read(folder: str | Path, utterances: Sequence[Utterance]) -> Listed:
    """Read one data set's folds and match their entries to `utterances`, by id or by the recording's file name.

    Where several recordings have one name (CASIA), the folders above it decide. `folder` may also be the one above,
    `EmoBox/data`, for the data set that is named as the utterances' corpus.

    Raises:
        SplitError: no lists; or naming every line that is no entry, every entry that may mean several utterances,
            and every utterance that no list names.
    """
    problems: list[str] = []
    folder = _data_set(Path(folder), {utterance.corpus or "" for utterance in utterances})
    lists = {place: _entries(path, problems) for place, path in _files(folder).items()}
    match = _Matcher(utterances, [entry for entries in lists.values() for entry in entries], problems)
    found = {place: [match(entry) for entry in entries] for place, entries in lists.items()}
    named = {name for names in found.values() for name in names}
    problems += [f"no list names the utterance '{u.id}'" for u in utterances if u.id not in named]
    if problems:
        raise SplitError("\n  - ".join([f"{folder}: the lists do not fit the manifest:", *dict.fromkeys(problems)]))
    parts = tuple(
        Part(number, *(tuple(sorted(filter(None, found.get((number, side), ())))) for side in ("train", "test")))
        for number in sorted({number for number, _ in found})
    )
    absent = {e.key for place, entries in lists.items() for e, n in zip(entries, found[place], strict=True) if not n}
    return Listed(parts, tuple(sorted(absent)))


def write(folder: str | Path, plan: FoldPlan) -> list[Path]:
    """Write a plan's folds as EmoBox's lists, beside the data set's `NAME.jsonl` whose lines they repeat.

    Raises:
        SplitError: there is no such file, or it lacks utterances of the plan.
    """
    folder = Path(folder)
    name = folder.absolute().name
    try:
        lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
        by_id = {json.loads(line)["key"].removeprefix(f"{name}-"): line for line in lines if line.strip()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise SplitError(f"{folder}: its {name}.jsonl cannot be read as EmoBox's: {problem!r}") from problem
    lists = {(fold.number, side): getattr(fold, side) for fold in plan.folds for side in ("train", "test")}
    if missing := sorted({each for ids in lists.values() for each in ids} - set(by_id)):
        raise SplitError(f"{len(missing)} utterances of the folds are not in {name}.jsonl; the first is {missing[0]}")
    written = []
    for (number, side), ids in lists.items():
        path = folder / f"fold_{number}" / f"{name}_{side}_fold_{number}.jsonl"
        content = "".join(by_id[each] + "\n" for each in ids)
        write_atomically(path, lambda partial, content=content: partial.write_text(content, encoding="utf-8"))
        written.append(path)
    return written


def _data_set(folder: Path, corpora: set[str]) -> Path:
    """`folder`, or where it has no lists itself that of the one corpus in it; `jl-corpus` is `jlcorpus` there."""
    within = folder / "".join(corpora).replace("-", "").lower()
    return within if len(corpora) == 1 and within.is_dir() and not any(folder.glob("fold_*")) else folder


def _files(folder: Path) -> dict[tuple[int, str], Path]:
    found = {}
    for path in sorted(folder.glob("fold_*/*.jsonl")):
        if name := _NAME.search(path.name):
            found[int(name[2]), name[1]] = path
    missing = [
        f"fold {number} has no {side} list"
        for number in sorted({number for number, _ in found})
        for side in ("train", "test")
        if (number, side) not in found
    ]
    if missing or not found:
        reason = "; ".join(missing) or "there are no files fold_N/NAME_test_fold_N.jsonl"
        raise SplitError(
            f"{folder}: {reason}. Give one data set of a copy of EmoBox, e.g. EmoBox/data/emodb, or EmoBox/data where "
            "it has a data set named as the target's corpus"
        )
    return found


def _entries(path: Path, problems: list[str]) -> list[_Entry]:
    entries = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            content = json.loads(line)
            entries.append(_Entry(str(content["key"]), str(content.get("wav") or content["audio"])))
        except (ValueError, KeyError, TypeError, AttributeError):
            problems.append(f"{path.name}, line {number}: no JSON object with 'key' and 'wav'")
    return entries


class _Matcher:
    """From an entry to the id of the utterance it means, or None; notes entries that may mean several.

    By file, an entry and an utterance belong together if neither has a better partner of the same file name.
    """

    def __init__(self, utterances: Iterable[Utterance], entries: Iterable[_Entry], problems: list[str]) -> None:
        self._problems = problems
        self._paths = {utterance.id: _parts(utterance.path) for utterance in utterances}
        self._utterances: dict[str, set[str]] = defaultdict(set)
        self._recordings: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        for name, path in self._paths.items():
            self._utterances[path[0]].add(name)
        for entry in entries:
            parts = _parts(entry.recording)
            self._recordings[parts[0]].add(parts)

    def __call__(self, entry: _Entry) -> str | None:
        for name in entry.names:
            if name in self._paths:
                return name
        wanted = _parts(entry.recording)
        closest = [
            name
            for name in _most_alike(wanted, {name: self._paths[name] for name in self._utterances[wanted[0]]})
            if wanted in _most_alike(self._paths[name], {parts: parts for parts in self._recordings[wanted[0]]})
        ]
        if len(closest) > 1:
            self._problems.append(f"'{entry.key}' may mean {' or '.join(sorted(closest))}")
        return closest[0] if closest else None


def _most_alike(wanted: Sequence[str], candidates: Mapping[_Name, Sequence[str]]) -> list[_Name]:
    """Those of the candidates' names whose parts share most of the beginning of `wanted`."""
    shared = {name: _common(wanted, parts) for name, parts in candidates.items()}
    return [name for name, n in shared.items() if n == max(shared.values())]


def _parts(recording: str) -> tuple[str, ...]:
    """File name without its ending, then the folders above, nearest first."""
    return tuple(reversed(PurePosixPath(recording.replace("\\", "/")).with_suffix("").parts))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
