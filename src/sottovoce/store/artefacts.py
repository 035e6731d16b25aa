"""What is kept between runs, addressed by what it depends on.

    STORE/<stage>/<key of the stage's settings>/settings.json
                                               /<shard>/index.parquet   one row an utterance, failures included
                                               /<shard>/...             what the stage made
                                               /<shard>/seal.json       size and digest of every file of the shard

A shard appears whole or not at all: it is written into a hidden folder and renamed. An utterance is found again by
its *task key* (the digest of its sound and of whatever else the stage reads of it), not by its name or place, so a
corpus may move or grow and nothing is computed twice, and a recording that changed is never served stale.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sottovoce.errors import StoreError
from sottovoce.speech import audio
from sottovoce.speech.manifest import Utterance

_log = logging.getLogger(__name__)

STALE_S = 86_400.0

INDEX, SEAL = "index.parquet", "seal.json"


def key_of(*parts: Any) -> str:
    """A short digest of JSON-able parts, the same on every machine."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically: a reader sees the old file or the new one, never a part."""
    write_atomically(path, lambda partial: partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8"))


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` fill a hidden file beside `path`, then rename it into place.

    Raises:
        StoreError: the disk is full or may not be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        partial.replace(path)
    except OSError as problem:
        raise full_disk_or(problem, path) from problem
    finally:
        with suppress(OSError):
            partial.unlink()


def full_disk_or(problem: OSError, path: Path) -> Exception:
    """The error a user can act on where the disk is full or read-only, else the problem itself."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreError(f"no space left on the disk of {path}. Free some and run the same command: it continues.")
    if problem.errno in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EEXIST):
        return StoreError(f"{path} cannot be written ({problem.strerror}). Choose another place with --out or --store.")
    return problem


@dataclass(frozen=True)
class Task:
    """One utterance of a long map, and the key under which its result is kept."""

    key: str
    utterance: Utterance


@dataclass(frozen=True)
class Kept:
    """One finished task: the folder of its shard and its row in the shard's index (with `key`, `id`, `error`)."""

    folder: Path
    row: Mapping[str, Any]

    @property
    def error(self) -> str | None:
        """Why there is no result, or None."""
        return self.row["error"]


class Store:
    """The folder that holds all shelves. Safe to delete: everything in it can be computed again."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def shelf(self, stage: str, settings: Mapping[str, Any]) -> Shelf:
        """The place of one stage with one choice of settings."""
        folder = self.root / stage / key_of(stage, settings)
        if not (folder / "settings.json").exists():
            write_json(folder / "settings.json", {"stage": stage, "settings": settings})
        return Shelf(folder)

    def single(self, stage: str, key: str) -> Single:
        """The place of one thing that is made whole, such as a trained bank."""
        return Single(self.root / stage / key)

    def sound_digests(self, utterances: Iterable[Utterance]) -> dict[str, str | None]:
        """Digest of each utterance's recording by utterance id; None where the file cannot be read.

        The bytes are read once: digests are remembered by path, size and time of change.
        """
        memory_path = self.root / "digests.json"
        memory: dict[str, list[Any]] = _read_json(memory_path, {})
        found: dict[str, str | None] = {}
        changed = False
        for utterance in utterances:
            try:
                stat = os.stat(utterance.path)
                known = memory.get(utterance.path)
                if known is None or known[:2] != [stat.st_size, stat.st_mtime_ns]:
                    known = [stat.st_size, stat.st_mtime_ns, audio.digest(utterance.path)]
                    memory[utterance.path] = known
                    changed = True
                found[utterance.id] = known[2]
            except (OSError, audio.AudioError):
                found[utterance.id] = None
        if changed:
            write_json(memory_path, memory)
        return found

    def tasks(self, utterances: Sequence[Utterance], *fields: str) -> list[Task]:
        """Tasks keyed by each recording's digest, its part in seconds, and the named fields of the utterance.

        An unreadable recording is keyed by its path: the stage will refuse it and say why.
        """
        digests = self.sound_digests(utterances)
        return [
            Task(
                key_of(digests[u.id] or f"unreadable:{u.path}", u.start_s, u.end_s, *(getattr(u, f) for f in fields)), u
            )
            for u in utterances
        ]


class Single:
    """One thing made whole or not at all, in a folder of its own with a seal; `unfinished` is room for checkpoints."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.unfinished = folder.with_name(f".{folder.name}")

    def find(self) -> Path | None:
        """The finished folder, or None. A damaged one is set aside with a warning."""
        if not self.folder.is_dir():
            return None
        if (fault := _fault(self.folder)) is None:
            return self.folder
        _set_aside(self.folder, fault)
        return None

    def keep(self, write: Callable[[Path], Any]) -> Path:
        """Let `write` fill a folder, seal it, put it in place, and drop what was unfinished.

        Raises:
            StoreError: the disk is full or may not be written.
        """
        _put_in_place(self.folder, write)
        shutil.rmtree(self.unfinished, ignore_errors=True)
        return self.folder


class Shelf:
    """The finished shards of one stage with one choice of settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sound: set[Path] = set()

    def finished(self, wanted: Iterable[str] | None = None) -> dict[str, Kept]:
        """Every finished task by key, limited to `wanted` where given. A damaged shard is set aside with a warning."""
        keys = None if wanted is None else set(wanted)
        kept: dict[str, Kept] = {}
        for shard in sorted(p for p in self.folder.glob("*") if p.is_dir() and not p.name.startswith(".")):
            if shard not in self._sound:
                if (fault := _fault(shard)) is not None:
                    _set_aside(shard, fault)
                    continue
                self._sound.add(shard)
            for row in pq.read_table(shard / INDEX).to_pylist():
                if keys is None or row["key"] in keys:
                    kept[row["key"]] = Kept(shard, row)
        return kept

    def add(self, tasks: Sequence[Task], work: Callable[[Sequence[Task], Path], list[dict[str, Any]]]) -> Path:
        """Make one shard: `work` writes files into a folder and returns one row a task, in order.

        Each row may hold any plain columns; `error` is None or the reason of a refusal.

        Raises:
            StoreError: the disk is full or may not be written.
        """

        def write(folder: Path) -> None:
            rows = work(tasks, folder)
            if len(rows) != len(tasks):
                raise AssertionError(f"{len(rows)} rows for {len(tasks)} tasks")
            whole = [{"key": t.key, "id": t.utterance.id, "error": None} | r for t, r in zip(tasks, rows, strict=True)]
            pq.write_table(pa.Table.from_pylist(_same_columns(whole)), folder / INDEX)

        final = self._place(tasks)
        _put_in_place(final, write)
        return final

    def holds(self, tasks: Sequence[Task]) -> bool:
        """Whether the shard of exactly these tasks is there, whole."""
        return self._place(tasks).is_dir() and _fault(self._place(tasks)) is None

    def _place(self, tasks: Sequence[Task]) -> Path:
        return self.folder / key_of([task.key for task in tasks])

    def sweep(self, process: int | None = None) -> None:
        """Remove half-written shards: those of one process, or those older than a day, whose process is long gone."""
        for partial in self.folder.glob(".*" if process is None else f".*.{process}"):
            if partial.is_dir() and (process is not None or time() - partial.stat().st_mtime > STALE_S):
                shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(final: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` fill a hidden folder, seal it, and rename it to `final`: whole or not at all."""
    partial = final.with_name(f".{final.name}.{uuid.uuid4().hex[:8]}.{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        write(partial)
        write_json(partial / SEAL, {p.name: _seal(p) for p in sorted(partial.iterdir())})
        try:
            partial.rename(final)
        except OSError:
            if not final.exists():  # else another process was faster; both hold the same
                raise
    except OSError as problem:
        raise full_disk_or(problem, final) from problem
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _set_aside(folder: Path, fault: str) -> None:
    _log.warning("%s is damaged (%s): it is set aside and computed again", folder, fault)
    shutil.rmtree(folder, ignore_errors=True)


def _same_columns(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name) for name in names} for row in rows]


def _seal(path: Path) -> list[Any]:
    with path.open("rb") as stream:
        return [path.stat().st_size, hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()]


def _fault(shard: Path) -> str | None:
    seal = _read_json(shard / SEAL, None)
    if not isinstance(seal, dict) or not seal:
        return "its seal is missing or unreadable"
    for name, expected in seal.items():
        path = shard / name
        if not path.is_file() or path.stat().st_size != expected[0] or _seal(path) != expected:
            return f"{name} is missing or changed"
    return None


def _read_json(path: Path, otherwise: Any) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return otherwise
