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


class _Begun:
    """Which version of a file a partial one is of, as its server says, kept beside it; empty where it says nothing."""

    def __init__(self, partial: Path) -> None:
        self._place = partial.with_name(f"{partial.name}.version")

    @property
    def version(self) -> str:
        return self._place.read_text(encoding="utf-8") if self._place.is_file() else ""

    def remember(self, version: str) -> None:
        self._place.write_text(version, encoding="utf-8")

    def forget(self) -> None:
        self._place.unlink(missing_ok=True)

    def goes_on(self, answer: requests.Response, have: int, size: int) -> bool:
        """Whether a partial answer is the rest of the same file; not all servers heed If-Range."""
        if answer.headers.get("Content-Range") != f"bytes {have}-{size - 1}/{size}":
            return False
        is_date = not self.version.startswith('"')  # a date need not be said again, a tag must be
        return _version(answer) == self.version or (is_date and not _version(answer))


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

    def size(self, url: str) -> int:
        """The bytes of a file, as its server states them. It is asked with GET, for some answer HEAD otherwise.

        Raises:
            CorpusError: the server refuses, keeps failing, states no size or has a web page there.
        """
        sizes: list[int] = []
        self._tried(url, lambda: sizes.append(self._size(url)), lambda: "nothing was fetched")
        return sizes[-1]

    def file(self, url: str, partial: Path, size: int, on_bytes: Advance, *, one_version: bool = False) -> None:
        """Fetch a file of `size` bytes into `partial`, which outlives a broken transfer and is continued by the next.

        Args:
            url: of the file.
            partial: where to; what is there already is taken for its beginning.
            size: as published.
            on_bytes: told how many bytes are there and come; a negative number where a server begins anew.
            one_version: for files that no checksum will check: what is there is continued only where the server says
                that its file is still the one begun (RFC 9110, 13.1.5, If-Range), and is fetched anew elsewhere. What
                it says of the one begun is kept beside `partial` until all is there.

        Raises:
            CorpusError: the server refuses or keeps failing, or sends more than `size`.
        """
        on_bytes(_have(partial))
        partial.touch()
        begun = _Begun(partial) if one_version else None
        self._tried(
            url,
            lambda: self._continue(url, partial, size, on_bytes, begun),
            lambda: f"{_have(partial) / 1e6:.1f} of {size / 1e6:.1f} MB are kept, the same command continues",
        )
        if begun:
            begun.forget()

    def _tried(self, url: str, action: Callable[[], None], kept: Callable[[], str]) -> None:
        problem: Exception | None = None
        for pause_s in (0.0, *self._pauses_s):
            time.sleep(pause_s)
            try:
                return action()
            except (_Broken, requests.ConnectionError, requests.Timeout) as broken:
                problem = broken
        raise CorpusError(f"{url}: {len(self._pauses_s) + 1} tries failed ({_why(problem)}); {kept()}") from problem

    def _size(self, url: str) -> int:
        with self._session.get(url, stream=True, timeout=self._timeout_s) as answer:
            _refuse(url, answer)
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                raise CorpusError(f"{url}: a web page is there and not the file; fetch it with a browser")
            stated = answer.headers.get("Content-Length", "")
            if not stated.isdecimal() or "Content-Encoding" in answer.headers:
                raise CorpusError(f"{url}: its server does not state the file's size; fetch it with a browser")
            return int(stated)

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

    def _continue(self, url: str, partial: Path, size: int, on_bytes: Advance, begun: _Begun | None) -> None:
        have = _have(partial)
        if begun and have and not begun.version:  # nobody could tell whether the rest is of the same file
            on_bytes(-have)
            partial.write_bytes(b"")
            have = 0
        if have == size:
            return
        headers = {"Range": f"bytes={have}-"} if have else {}
        if begun and have:
            headers["If-Range"] = begun.version
        with self._session.get(url, headers=headers, stream=True, timeout=self._timeout_s) as answer:
            continues = have and answer.status_code == 206
            if answer.status_code == 416 or (begun and continues and not begun.goes_on(answer, have, size)):
                on_bytes(-have)
                partial.write_bytes(b"")
                raise _Broken("the server has another file than the one begun")
            _refuse(url, answer)
            if have and not continues:
                on_bytes(-have)
            if begun and not continues:
                if answer.headers.get("Content-Length", str(size)) != str(size):
                    partial.unlink()
                    raise CorpusError(f"{url}: the file has changed since its size was asked; run the same command")
                partial.write_bytes(b"")
                begun.remember(_version(answer))
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


def _version(answer: requests.Response) -> str:
    """What tells this content of an address from others it had: a strong ETag, else its date, else nothing."""
    tag = answer.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified", "")


def _refuse(url: str, answer: requests.Response) -> None:
    if urlsplit(url).scheme == "https" and urlsplit(answer.url).scheme != "https":
        raise CorpusError(f"{url} leads to {answer.url}, which is not encrypted; nothing was fetched")
    if answer.status_code in _BUSY:
        raise _Broken(f"the server answers {answer.status_code}")
    if answer.status_code not in (200, 206):
        raise CorpusError(f"{url}: the server answers {answer.status_code} {answer.reason}; it may have moved")


def _have(partial: Path) -> int:
    return partial.stat().st_size if partial.is_file() else 0
