"""A server on this machine that behaves as badly as servers do."""

from __future__ import annotations

import hashlib
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sottovoce.corpora.records import RemoteFile
from tests.corpora.test_unpacking import zipped

CONTENT = zipped({"clips/a.wav": bytes(range(256)) * 2000, "clips/readme.txt": b"hello"}, compressed=False)
FAST = {"timeout_s": (2.0, 0.3), "pauses_s": (0.0, 0.0)}


class Server(ThreadingHTTPServer):
    """Answers what `pages` holds (by path, with what follows a question mark), and `content` everywhere else.

    Each request meets the next of `behaviours`; the last one stays. `version` are headers that name the content's.
    """

    daemon_threads = True
    behaviours: tuple[str, ...] = ("whole",)
    content = CONTENT
    version: tuple[str, str] | None = ("ETag", '"1"')

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, bytes] = {}
        self.paths: list[str] = []
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def archive(self, **changes) -> RemoteFile:
        facts = {
            "url": f"{self.url}/corpus.zip",
            "size": len(CONTENT),
            "checksum": f"md5:{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}",
            "source": "the test",
        }
        return RemoteFile(**facts | changes)

    def handle_error(self, request, client_address) -> None:
        """A client that has left is no error."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        number = len(self.server.ranges)
        self.server.ranges.append(self.headers.get("Range"))
        self.server.paths.append(self.path)
        behaviour = self.server.behaviours[min(number, len(self.server.behaviours) - 1)]
        content = self.server.pages.get(self.path, self.server.content)
        if behaviour.isdigit():
            self.send_error(int(behaviour))
            return
        if behaviour == "redirect":
            self.send_response(302)
            self.send_header("Location", "/elsewhere.zip" if content is self.server.content else self.path)
            self.end_headers()
            return
        first = 0
        asked = self.headers.get("Range")
        condition = self.headers.get("If-Range")
        version = self.server.version[1] if self.server.version else None
        if condition and condition != version and behaviour != "whole, unheeding":
            asked = None
        if asked and behaviour != "cut, no ranges" and behaviour != "whole, no ranges":
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if behaviour != "whole, no length":
            self.send_header("Content-Length", str(len(content) - first))
        if behaviour == "whole, a page":
            self.send_header("Content-Type", "text/html; charset=utf-8")
        if self.server.version:
            self.send_header(*self.server.version)
        self.end_headers()
        if behaviour == "corrupt":
            at = len(content) // 2
            content = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        piece = min(150_000, len(content) // 2)
        last = len(content) if behaviour.startswith(("whole", "corrupt")) else first + piece
        self.wfile.write(content[first:last])
        self.wfile.flush()
        if behaviour == "stall":
            time.sleep(1.0)
