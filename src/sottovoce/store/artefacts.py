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

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any, Protocol, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from sottovoce.speech import audio, uri
from sottovoce.speech.manifest import Utterance
from sottovoce.store.atomic import read_json, write_json
from sottovoce.store.memory import give_back_freed_memory
from sottovoce.store.sealed import SEAL, SealedFolder, Single

STALE_S = 86_400.0

INDEX, SETTINGS = "index.parquet", "settings.json"


def key_of(*parts: Any) -> str:
    """A short digest of JSON-able parts, the same on every machine."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


class Keyed(Protocol):
    """What is made one by one: the key under which its result is kept, and a name that a reader of the index knows."""

    @property
    def key(self) -> str: ...
    @property
    def id(self) -> str: ...


K = TypeVar("K", bound=Keyed)


@dataclass(frozen=True)
class Task:
    """One utterance of a long map, and the key under which its result is kept."""

    key: str
    utterance: Utterance

    @property
    def id(self) -> str:
        """The utterance's."""
        return self.utterance.id


@dataclass(frozen=True)
class Kept:
    """One finished task: its shard and its row in the shard's index (with `key`, `id`, `error`)."""

    shard: SealedFolder
    row: Mapping[str, Any]

    @property
    def error(self) -> str | None:
        """Why there is no result, or None."""
        return self.row["error"]

    @property
    def folder(self) -> Path:
        """The shard's folder on this machine, which of a store at a URI may lack files: see `file`."""
        return self.shard.folder

    def file(self, name: str) -> Path:
        """A file of the shard on this machine, fetched if need be. Raises `StoreError` as `SealedFolder.fetch`."""
        path = self.folder / name
        if not path.exists():
            self.shard.fetch([name])
        return path

    def place(self, name: str) -> str:
        """Path or URI of a file of the shard: what other machines find it under too."""
        return f"{self.shard.place}/{name}"


class Store:
    """The folder or URI that holds all shelves. Safe to delete: everything in it can be computed again."""

    def __init__(self, place: str | Path) -> None:
        local = uri.localised(place)
        self.place = local if isinstance(local, Path) else local.rstrip("/")
        self._shelves: dict[tuple[str, str], Shelf] = {}

    @property
    def root(self) -> Path:
        """The folder on this machine: the store itself, or the mirror of a URI."""
        return uri.mirror(self.place)

    def shelf(self, stage: str, settings: Mapping[str, Any]) -> Shelf:
        """The place of one stage with one choice of settings; the same object each time, which knows what is whole."""
        key = key_of(stage, settings)
        shelf = self._shelves.setdefault((stage, key), Shelf(uri.below(self.place, stage, key)))
        if not (shelf.folder / SETTINGS).exists():
            content = {"stage": stage, "settings": settings}
            if isinstance(shelf.place, str):
                uri.write_bytes(f"{shelf.place}/{SETTINGS}", json.dumps(content, indent=1).encode())
            write_json(shelf.folder / SETTINGS, content)
        return shelf

    def single(self, stage: str, key: str) -> Single:
        """The place of one thing that is made whole, such as a trained generalist."""
        return Single(uri.below(self.place, stage, key))

    def sound_digests(self, utterances: Iterable[Utterance]) -> dict[str, str | None]:
        """Digest of each utterance's recording by utterance id; None where the file cannot be read.

        The bytes of a local file are read once: digests are remembered by path, size and time of change. For a URI its
        size and ETag or time of change stand for the bytes; for a sound of this very store, its shard's seal does.
        """
        paths = {u.id: u.path for u in utterances}
        remote = [path for path in paths.values() if uri.is_uri(path)]
        ours = {path: self._sealed_digest(path) for path in remote}
        stamps = uri.stamps(path for path in remote if ours[path] is None)
        found = {path: digest or (key_of(stamps[path]) if stamps[path] else None) for path, digest in ours.items()}
        found |= self._local_digests(path for path in paths.values() if path not in ours)
        return {i: found[path] for i, path in paths.items()}

    def _sealed_digest(self, path: str) -> str | None:
        if not path.startswith(f"{self.place}/"):
            return None
        folder, _, name = path.rpartition("/")
        try:
            return read_json(uri.fetch(f"{folder}/{SEAL}"), {}).get(name, [0, None])[1]
        except FileNotFoundError:
            return None

    def _local_digests(self, paths: Iterable[str]) -> dict[str, str | None]:
        memory_path = self.root / "digests.json"
        memory: dict[str, list[Any]] = read_json(memory_path, {})
        found: dict[str, str | None] = {}
        changed = False
        for path in paths:
            try:
                stat = os.stat(path)
                known = memory.get(path)
                if known is None or known[:2] != [stat.st_size, stat.st_mtime_ns]:
                    known = [stat.st_size, stat.st_mtime_ns, audio.digest(path)]
                    memory[path] = known
                    changed = True
                found[path] = known[2]
            except (OSError, audio.AudioError):
                found[path] = None
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


class Shelf:
    """The finished shards of one stage with one choice of settings."""

    def __init__(self, place: str | Path) -> None:
        self.place = place
        self._sound: set[str] = set()
        self._elsewhere: dict[str, frozenset[str]] = {}

    @property
    def folder(self) -> Path:
        """The folder on this machine: the shelf itself, or the mirror of a URI."""
        return uri.mirror(self.place)

    def finished(self, wanted: Iterable[str] | None = None) -> dict[str, Kept]:
        """Every finished task by key, limited to `wanted` where given. A damaged shard is set aside with a warning.

        Of a store at a URI, what this machine has and the URI lacks is shared; what it lacks is fetched if wanted.

        Raises:
            StoreError: the URI of the store cannot be reached.
        """
        keys = None if wanted is None else set(wanted)
        here = [name for name in self._names() if name in self._sound or self._shard(name).is_whole()]
        if isinstance(self.place, str):
            here = self._exchanged(self.place, here, keys)
        self._sound.update(here)
        kept: dict[str, Kept] = {}
        for name in sorted(here):
            shard = self._shard(name)
            for row in pq.read_table(shard.folder / INDEX).to_pylist():
                if keys is None or row["key"] in keys:
                    kept[row["key"]] = Kept(shard, row)
        return kept

    def _names(self) -> list[str]:
        return [p.name for p in self.folder.glob("*") if p.is_dir() and not p.name.startswith(".")]

    def _shard(self, name: str) -> SealedFolder:
        return SealedFolder(uri.below(self.place, name))

    def _exchanged(self, place: str, here: list[str], keys: set[str] | None) -> list[str]:
        """Share and fetch; returns the names of the shards whose index this machine has."""
        there = uri.folders_with(SEAL, place)
        kept = [name for name in here if name in there or self._shard(name).share()]

        def held(name: str) -> frozenset[str]:
            content = pa.BufferReader(uri.read_bytes(f"{place}/{name}/{INDEX}"))
            return frozenset(pq.read_table(content, columns=["key"])["key"].to_pylist())

        unread = [name for name in there if name not in kept and name not in self._elsewhere]
        with ThreadPoolExecutor(uri.AT_ONCE) as pool:
            self._elsewhere.update(zip(unread, pool.map(held, unread), strict=True))
            wanted = [n for n in there if n not in kept and (keys is None or not keys.isdisjoint(self._elsewhere[n]))]
            list(pool.map(lambda name: self._shard(name).fetch([INDEX]), kept + wanted))
        return kept + wanted

    def add(self, tasks: Sequence[K], work: Callable[[Sequence[K], Path], list[dict[str, Any]]]) -> Path:
        """Make one shard: `work` writes files into a folder and returns one row a task, in order.

        Each row may hold any plain columns; `error` is None or the reason of a refusal. Returns
        the folder of the shard on this machine.

        Raises:
            StoreError: the disk is full or may not be written, or the URI of the store cannot be reached.
        """

        def write(folder: Path) -> None:
            rows = work(tasks, folder)
            if len(rows) != len(tasks):
                raise AssertionError(f"{len(rows)} rows for {len(tasks)} tasks")
            whole = [{"key": t.key, "id": t.id, "error": None} | r for t, r in zip(tasks, rows, strict=True)]
            pq.write_table(pa.Table.from_pylist(_same_columns(whole)), folder / INDEX)

        shard = self._of(tasks)
        shard.make(write)
        give_back_freed_memory()
        return shard.folder

    def unfinished(self, tasks: Sequence[Keyed]) -> Path:
        """Room for a checkpoint of the shard of exactly these tasks; gone once they are kept."""
        return self._of(tasks).unfinished

    def holds(self, tasks: Sequence[Keyed]) -> bool:
        """Whether the shard of exactly these tasks is there, whole, on this machine or at the URI of the store."""
        return self._of(tasks).is_whole() or self._of(tasks).is_shared()

    def _of(self, tasks: Sequence[Keyed]) -> SealedFolder:
        return self._shard(key_of([task.key for task in tasks]))

    def sweep(self, process: int | None = None) -> None:
        """Remove half-written shards: those of one process, or those older than a day, whose process is long gone."""
        for partial in self.folder.glob(".*" if process is None else f".*.{process}"):
            if partial.is_dir() and (process is not None or time() - partial.stat().st_mtime > STALE_S):
                shutil.rmtree(partial, ignore_errors=True)


def _same_columns(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name) for name in names} for row in rows]
