"""Fetch a corpus that may be had without a form: resumed where it was cut, checked before anything is unpacked."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pooch
import requests
import yaml

from sottovoce.corpora.unpacking import unpack
from sottovoce.errors import CorpusError

FACTS = Path(__file__).with_name("downloads.yaml")

_TIMEOUT_S = (10.0, 30.0)
"""To be answered, and between two pieces of what is sent."""

_PAUSES_S = (1.0, 5.0, 15.0)
"""Before each further try of a server that does not answer, breaks off or is busy."""

_PIECE = 1 << 16

_BUSY = (408, 425, 429, 500, 502, 503, 504)
"""Answers that may be another one a little later."""

Advance = Callable[[int], object]


@dataclass(frozen=True)
class Archive:
    """One file of a corpus: `size` in bytes, `checksum` as `md5:...` or `sha256:...`, both as published."""

    url: str
    size: int
    checksum: str
    source: str

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(urlsplit(self.url).path).name


class _Broken(Exception):
    """A transfer that may succeed when it is tried again."""


@cache
def downloads() -> Mapping[str, tuple[Archive, ...]]:
    """The archives of every corpus that can be downloaded, by the corpus's name."""
    stated = yaml.safe_load(FACTS.read_text(encoding="utf-8"))
    return {name: tuple(Archive(**facts) for facts in archives) for name, archives in stated.items()}


def download(
    archives: Sequence[Archive],
    folder: str | Path,
    on_bytes: Advance = lambda n: None,
    *,
    timeout_s: tuple[float, float] = _TIMEOUT_S,
    pauses_s: Sequence[float] = _PAUSES_S,
) -> Path:
    """Fetch the archives of a corpus into `folder/archives` and unpack them into `folder`.

    What was fetched before is taken up where it ended, and a whole archive is not fetched again. Interrupting it keeps
    what is there.

    Args:
        archives: what to fetch.
        folder: where to; it is made.
        on_bytes: told how many bytes came; a negative number where a server begins anew.
        timeout_s: to connect, and to wait for the next piece.
        pauses_s: before each further try.

    Returns:
        The folder.

    Raises:
        CorpusError: the server refuses or keeps failing, the content is not the published one, the disk is too small,
            or an archive holds what must not be unpacked.
    """
    folder = Path(folder)
    kept = folder / "archives"
    kept.mkdir(parents=True, exist_ok=True)
    missing = sum(each.size for each in archives if not (kept / each.name).is_file())
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise CorpusError(f"{folder}: {missing / 1e6:.0f} MB are to come and {free / 1e6:.0f} MB are free on that disk")
    pooch.get_logger().setLevel("WARNING")  # it would tell of every file, in the middle of the bar
    for archive in archives:
        fetcher = _Fetcher(archive, kept / f"{archive.name}.partial", on_bytes, timeout_s, tuple(pauses_s))
        try:
            path = pooch.retrieve(archive.url, archive.checksum, archive.name, kept, downloader=fetcher)
        except ValueError as problem:
            raise CorpusError(
                f"{archive.url}: what came is not what was published (its checksum is not {archive.checksum}). Nothing "
                "was unpacked. Run the same command to fetch it anew; if that does not help, the publisher changed it"
            ) from problem
        unpack(Path(path), folder)
    return folder


@dataclass
class _Fetcher:
    """What pooch calls to fetch a file: `partial` outlives a broken transfer and is continued by the next."""

    archive: Archive
    partial: Path
    on_bytes: Advance
    timeout_s: tuple[float, float]
    pauses_s: tuple[float, ...]

    def __call__(self, fname: str, action: Any, pooch: Any, *, check_only: bool | None = None) -> None:
        url, output_file = fname, action  # by the names that pooch gives them
        problem: Exception | None = None
        self.on_bytes(self._have())
        for pause_s in (0.0, *self.pauses_s):
            time.sleep(pause_s)
            try:
                self._fetch(url)
            except (_Broken, requests.ConnectionError, requests.Timeout) as broken:
                problem = broken
            else:
                self.partial.replace(output_file)
                return
        came = f"{self._have() / 1e6:.0f} of {self.archive.size / 1e6:.0f} MB are kept"
        again = "the same command continues"
        raise CorpusError(f"{url}: {len(self.pauses_s) + 1} tries failed ({problem}); {came}, {again}") from problem

    def _fetch(self, url: str) -> None:
        have = self._have()
        if have == self.archive.size:
            return
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=headers, stream=True, timeout=self.timeout_s) as answer:
            self._refuse(url, answer)
            continues = have and answer.status_code == 206
            if have and not continues:
                self.on_bytes(-have)
            try:
                with self.partial.open("ab" if continues else "wb") as file:
                    for piece in answer.iter_content(_PIECE):
                        file.write(piece)
                        self.on_bytes(len(piece))
                        if file.tell() > self.archive.size:
                            break
            except requests.RequestException as problem:
                raise _Broken(f"broke off: {problem}") from problem
        if self._have() > self.archive.size:
            self.partial.unlink()
            raise CorpusError(f"{url}: more came than the {self.archive.size} published bytes; it was dropped")
        if self._have() < self.archive.size:
            raise _Broken("broke off")

    def _refuse(self, url: str, answer: requests.Response) -> None:
        if urlsplit(url).scheme == "https" and urlsplit(answer.url).scheme != "https":
            raise CorpusError(f"{url} leads to {answer.url}, which is not encrypted; nothing was fetched")
        if answer.status_code == 416:  # there is nothing after what we have: it is of another file
            self.on_bytes(-self._have())
            self.partial.unlink(missing_ok=True)
            raise _Broken("the server has another file than the one begun")
        if answer.status_code in _BUSY:
            raise _Broken(f"the server answers {answer.status_code}")
        if answer.status_code not in (200, 206):
            raise CorpusError(f"{url}: the server answers {answer.status_code} {answer.reason}; it may have moved")

    def _have(self) -> int:
        return self.partial.stat().st_size if self.partial.is_file() else 0
