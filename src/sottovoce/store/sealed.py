"""Folders that appear whole or not at all, with a seal that tells damage; and their copies at a URI.

A store at a URI is worked on in a mirror on this machine. A finished folder is copied there file by file, its seal
last: what has a seal is whole. What other machines made is fetched when it is wanted, file by file.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sottovoce.errors import StoreError
from sottovoce.speech import uri
from sottovoce.store.atomic import full_disk_or, read_json, write_json

_log = logging.getLogger(__name__)

SEAL = "seal.json"


@dataclass(frozen=True)
class SealedFolder:
    """One finished folder, or the room for it; `place` is a path or a URI."""

    place: str | Path

    @property
    def folder(self) -> Path:
        """The folder on this machine: the place itself, or its mirror."""
        return uri.mirror(self.place)

    @property
    def unfinished(self) -> Path:
        """Room for checkpoints of what will fill the folder; gone once it is made."""
        return self.folder.with_name(f".{self.folder.name}")

    def make(self, write: Callable[[Path], Any]) -> None:
        """Let `write` fill a hidden folder, seal it, rename it into place, share it, and drop what was unfinished.

        Raises:
            StoreError: the disk is full or may not be written, or the URI cannot be reached.
        """
        final = self.folder
        partial = final.with_name(f".{final.name}.{uuid.uuid4().hex[:8]}.{os.getpid()}")
        try:
            partial.mkdir(parents=True)
            write(partial)
            write_json(partial / SEAL, {p.name: seal_of(p) for p in sorted(partial.iterdir())})
            try:
                partial.rename(final)
            except OSError:
                if not final.exists():  # else another process was faster; both hold the same
                    raise
        except OSError as problem:
            raise full_disk_or(problem, final) from problem
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        self.share()
        shutil.rmtree(self.unfinished, ignore_errors=True)

    def is_whole(self) -> bool:
        """Whether this machine has the folder, undamaged; a damaged one is set aside with a warning."""
        if not self.folder.is_dir():
            return False
        fault = self._fault()
        if fault is not None:
            _log.warning("%s is damaged (%s): it is set aside and computed again", self.folder, fault)
            shutil.rmtree(self.folder, ignore_errors=True)
        return fault is None

    def is_shared(self) -> bool:
        """Whether the folder is whole at its URI."""
        return isinstance(self.place, str) and uri.exists(f"{self.place}/{SEAL}")

    def share(self) -> bool:
        """Copy the folder to its URI, if it has one, unless it is there.

        Returns:
            False where the URI has lost the folder and this machine has a part of it only, which is set aside.

        Raises:
            StoreError: the URI cannot be reached.
        """
        if isinstance(self.place, Path) or self.is_shared():
            return True
        if self._lacking():
            shutil.rmtree(self.folder, ignore_errors=True)
            return False
        place, names = self.place, [p.name for p in self.folder.iterdir() if p.name != SEAL]
        with ThreadPoolExecutor(uri.AT_ONCE) as pool:
            list(pool.map(lambda name: uri.send(self.folder / name, f"{place}/{name}"), names))
        uri.send(self.folder / SEAL, f"{place}/{SEAL}")
        return True

    def fetch(self, names: Iterable[str] | None = None) -> None:
        """Have files of a folder that is whole at its URI on this machine: the named ones, or all.

        Raises:
            StoreError: the URI cannot be reached, or what is there is damaged.
        """
        if isinstance(self.place, Path):
            return
        try:
            seal = read_json(uri.fetch(f"{self.place}/{SEAL}"), {})
            for name in self._lacking() if names is None else names:
                path = self.folder / name
                if not path.exists() and seal_of(uri.fetch(f"{self.place}/{name}")) != seal.get(name):
                    raise FileNotFoundError(name)
        except FileNotFoundError as problem:
            shutil.rmtree(self.folder, ignore_errors=True)
            uri.remove(f"{self.place}/{SEAL}")
            raise StoreError(f"{self.place} is damaged. Run the same command: it is made again.") from problem

    def _lacking(self) -> list[str]:
        return [name for name in read_json(self.folder / SEAL, {}) if not (self.folder / name).exists()]

    def _fault(self) -> str | None:
        seal = read_json(self.folder / SEAL, None)
        if not isinstance(seal, dict) or not seal:
            return "its seal is missing or unreadable"
        for name, expected in seal.items():
            path = self.folder / name
            if isinstance(self.place, str) and not path.exists():
                continue  # fetched when it is wanted
            if not path.is_file() or path.stat().st_size != expected[0] or seal_of(path) != expected:
                return f"{name} is missing or changed"
        return None


class Single:
    """One thing made whole or not at all, in a folder of its own with a seal; `unfinished` is room for checkpoints."""

    def __init__(self, place: str | Path) -> None:
        self._sealed = SealedFolder(place)
        self.folder = self._sealed.folder
        self.unfinished = self._sealed.unfinished

    def find(self) -> Path | None:
        """The finished folder, fetched if need be, or None. A damaged one is set aside with a warning."""
        found = self._sealed.share() if self._sealed.is_whole() else self._sealed.is_shared()
        if found:
            self._sealed.fetch()
        return self.folder if found else None

    def keep(self, write: Callable[[Path], Any]) -> Path:
        """Let `write` fill a folder, seal it, put it in place, and drop what was unfinished.

        Raises:
            StoreError: the disk is full or may not be written, or the URI of the store cannot be reached.
        """
        self._sealed.make(write)
        return self.folder


def seal_of(path: Path) -> list[Any]:
    """Size and digest of a file, as a seal names them."""
    with path.open("rb") as stream:
        return [path.stat().st_size, hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()]
