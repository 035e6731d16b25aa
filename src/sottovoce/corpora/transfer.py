"""Fetch over HTTP: tried again where it breaks off or stalls, continued where it ended, never from https to less."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import requests

from sottovoce.errors import CorpusError

TIMEOUT_S = (10.0, 30.0)
"""To be answered, and between two pieces of what is sent."""

PAUSES_S = (1.0, 5.0, 15.0)
"""Before each further try of a server that does not answer, breaks off or is busy."""

_PIECE = 1 << 16

_MOST_IN_MEMORY = 1 << 26
"""Bytes of the longest list of files that is read."""

_BUSY = (408, 425, 429, 500, 502, 503, 504)
"""Answers that may be another one a little later."""

Advance = Callable[[int], object]


class _Broken(Exception):
    """A transfer that may succeed when it is tried again."""


class Transfer:
    """Connections that are kept open between the files of one corpus; a context manager."""

    def __init__(self, timeout_s: tuple[float, float] = TIMEOUT_S, pauses_s: Sequence[float] = PAUSES_S) -> None:
        self._timeout_s, self._pauses_s = timeout_s, tuple(pauses_s)
        self._session = requests.Session()
        # Some repositories refuse clients without a name; packed answers would not have the size that is published.
        self._session.headers.update({"User-Agent": "sottovoce", "Accept-Encoding": "identity"})

    def __enter__(self) -> Transfer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._session.close()

    def content(self, url: str, *, accept: str = "*/*") -> bytes:
        """A short answer as a whole, such as a list of files.

        Raises:
            CorpusError: the server refuses or keeps failing, or the answer is no short one.
        """
        answers: list[bytes] = []
        self._tried(url, lambda: answers.append(self._read(url, accept)), lambda: "nothing was fetched")
        return answers[-1]

    def file(self, url: str, partial: Path, size: int, on_bytes: Advance) -> None:
        """Fetch a file of `size` bytes into `partial`, which outlives a broken transfer and is continued by the next.

        Args:
            url: of the file.
            partial: where to; what is there already is taken for its beginning.
            size: as published.
            on_bytes: told how many bytes are there and come; a negative number where a server begins anew.

        Raises:
            CorpusError: the server refuses or keeps failing, or sends more than `size`.
        """
        on_bytes(_have(partial))
        partial.touch()
        self._tried(
            url,
            lambda: self._continue(url, partial, size, on_bytes),
            lambda: f"{_have(partial) / 1e6:.1f} of {size / 1e6:.1f} MB are kept, the same command continues",
        )

    def _tried(self, url: str, action: Callable[[], None], kept: Callable[[], str]) -> None:
        problem: Exception | None = None
        for pause_s in (0.0, *self._pauses_s):
            time.sleep(pause_s)
            try:
                return action()
            except (_Broken, requests.ConnectionError, requests.Timeout) as broken:
                problem = broken
        raise CorpusError(f"{url}: {len(self._pauses_s) + 1} tries failed ({_why(problem)}); {kept()}") from problem

    def _read(self, url: str, accept: str) -> bytes:
        with self._session.get(url, headers={"Accept": accept}, stream=True, timeout=self._timeout_s) as answer:
            _refuse(url, answer)
            content = b""
            try:
                for piece in answer.iter_content(_PIECE):
                    content += piece
                    if len(content) > _MOST_IN_MEMORY:
                        raise CorpusError(f"{url}: more than {_MOST_IN_MEMORY / 1e6:.0f} MB came, which is no list")
            except requests.RequestException as problem:
                raise _Broken(f"broke off: {problem}") from problem
            return content

    def _continue(self, url: str, partial: Path, size: int, on_bytes: Advance) -> None:
        have = _have(partial)
        if have == size:
            return
        headers = {"Range": f"bytes={have}-"} if have else {}
        with self._session.get(url, headers=headers, stream=True, timeout=self._timeout_s) as answer:
            if answer.status_code == 416:  # there is nothing after what we have: it is of another file
                on_bytes(-have)
                partial.write_bytes(b"")
                raise _Broken("the server has another file than the one begun")
            _refuse(url, answer)
            continues = have and answer.status_code == 206
            if have and not continues:
                on_bytes(-have)
            try:
                with partial.open("ab" if continues else "wb") as file:
                    for piece in answer.iter_content(_PIECE):
                        file.write(piece)
                        on_bytes(len(piece))
                        if file.tell() > size:
                            break
            except requests.RequestException as problem:
                raise _Broken(f"broke off: {problem}") from problem
        if _have(partial) > size:
            partial.unlink()
            raise CorpusError(f"{url}: more came than the {size} published bytes; it was dropped")
        if _have(partial) < size:
            raise _Broken("broke off")


def _why(problem: Exception | None) -> str:
    """What is wrong, without the names of the library's own classes where no connection came about."""
    if not isinstance(problem, requests.ConnectionError):
        return str(problem)
    reason = getattr(problem.args[0] if problem.args else None, "reason", problem)
    return f"no connection: {str(reason).rpartition('): ')[2]}. Is this machine online?"


def _refuse(url: str, answer: requests.Response) -> None:
    if urlsplit(url).scheme == "https" and urlsplit(answer.url).scheme != "https":
        raise CorpusError(f"{url} leads to {answer.url}, which is not encrypted; nothing was fetched")
    if answer.status_code in _BUSY:
        raise _Broken(f"the server answers {answer.status_code}")
    if answer.status_code not in (200, 206):
        raise CorpusError(f"{url}: the server answers {answer.status_code} {answer.reason}; it may have moved")


def _have(partial: Path) -> int:
    return partial.stat().st_size if partial.is_file() else 0
