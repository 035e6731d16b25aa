"""A stand-in of the Hugging Face hub: the few endpoints that its client calls to push and to fetch a model."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_of_nobody"
CARD = "---\nlicense: {licence}\n---\n# tiny\n"


@dataclass
class Repository:
    """A model: its versions, oldest first, each a commit with its files."""

    private: bool = False
    versions: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)
    stated: dict[str, int] = field(default_factory=dict)
    """Sizes that are said of files, where they are not their own."""

    def commit(self, files: Mapping[str, bytes]) -> str:
        """Add a version; return its commit."""
        whole = {**(self.versions[-1][1] if self.versions else {}), **files}
        made = hashlib.sha1(repr((len(self.versions), sorted(whole.items()))).encode()).hexdigest()
        self.versions.append((made, whole))
        return made

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """The version of `main` or of a commit."""
        if revision == "main":
            return self.versions[-1] if self.versions else None
        return next((version for version in self.versions if version[0] == revision), None)


@dataclass
class Hub:
    """What lies on the hub, what was asked of it, and how it fails."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path and the header `Range` of every request."""
    cut_after: int | None = None
    """Bytes of model.safetensors after which the line breaks the first time."""
    refuses: bool = True
    """Whether that file is then refused, until `cut_after` is None."""
    moves: bool = False
    """Whether somebody pushes between any two requests."""
    address: str = ""

    def add(self, name: str, files: Mapping[str, bytes], **settings: Any) -> str:
        """Put a model there; return its commit."""
        self.repositories[name] = Repository(**settings)
        return self.repositories[name].commit(files)

    def paths(self, method: str) -> list[str]:
        """What was asked for by one method."""
        return [path for asked, path, _ in self.asked if asked == method]


def with_card(folder: Path, licence: str = "apache-2.0") -> Path:
    """Put a card into a model's folder."""
    (folder / "README.md").write_text(CARD.format(licence=licence))
    return folder


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub at a free port of this machine."""
    hub = Hub()

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""

    def do_GET(self) -> None:
        self._note()
        path = unquote(urlsplit(self.path).path)
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._info(found[1], found[2] or "main")
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/(.+)", path):
            self._tree(found[1], found[2])
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(found[1], found[2], found[3])
        else:
            self._json({"error": "no such endpoint"}, 404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self._note()
        self.hub.large[self.path.rpartition("/")[2]] = self._body()
        self._json({})

    def do_POST(self) -> None:
        self._note()
        body = self._body()
        path = urlsplit(self.path).path
        if path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._json({"error": "Invalid credentials in Authorization header"}, 401)
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/main", path):
            files = json.loads(body)["files"]
            mode = [{"path": f["path"], "uploadMode": _mode(f["path"]), "shouldIgnore": False} for f in files]
            self._json({"files": mode})
        elif path.endswith(".git/info/lfs/objects/batch"):
            self._batch(json.loads(body)["objects"])
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", path):
            self._commit(found[1], body)
        else:
            self._json({"error": "no such endpoint"}, 404)

    def _create(self, wanted: dict[str, Any]) -> None:
        name = f"{wanted['organization']}/{wanted['name']}"
        if not name.startswith("user/"):
            return self._json({"error": "You don't have the rights to create a model under this namespace"}, 403)
        there = name in self.hub.repositories
        private = bool(wanted.get("private")) or wanted.get("visibility") == "private"
        self.hub.repositories.setdefault(name, Repository(private=private))
        return self._json({"url": f"{self.hub.address}/{name}", "name": name, "id": name}, 409 if there else 200)

    def _batch(self, objects: list[dict[str, Any]]) -> None:
        told = [
            {**each, "actions": {"upload": {"href": f"{self.hub.address}/lfs/{each['oid']}"}}}
            for each in objects
            if each["oid"] not in self.hub.large
        ]
        self._json({"transfer": "basic", "objects": told})

    def _commit(self, name: str, body: bytes) -> None:
        files = {}
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "lfsFile":
                files[line["value"]["path"]] = self.hub.large[line["value"]["oid"]]
        made = self.hub.repositories[name].commit(files)
        self._json({"commitUrl": f"{self.hub.address}/{name}/commit/{made}", "commitOid": made, "hookOutput": ""})

    def _info(self, name: str, revision: str) -> None:
        if (version := self._version(name, revision)) is None:
            return
        files = [{"rfilename": path, "size": self._size(name, path, body)} for path, body in version[1].items()]
        self._json({"id": name, "sha": version[0], "private": False, "siblings": files, "tags": [], "downloads": 0})
        if self.hub.moves:
            self.hub.repositories[name].commit({"moved.txt": str(len(self.hub.asked)).encode()})

    def _tree(self, name: str, revision: str) -> None:
        if (version := self._version(name, revision)) is None:
            return
        entries = [
            {"type": "file", "path": path, "size": self._size(name, path, body), "oid": _etag(body)}
            for path, body in version[1].items()
        ]
        self._json(entries)

    def _file(self, name: str, revision: str, path: str) -> None:
        if (version := self._version(name, revision)) is None:
            return None
        if path not in version[1]:
            return self._json({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        body = version[1][path]
        facts = {"ETag": f'"{_etag(body)}"', "X-Repo-Commit": version[0], "Accept-Ranges": "bytes"}
        first, code = 0, 200
        if asked := self.headers.get("Range"):
            first, code = int(asked.removeprefix("bytes=").rstrip("-")), 206
            facts["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
        if self.command == "GET" and self.hub.cut_after is not None and path == "model.safetensors":
            again = any(line[:2] == ("GET", self.path) for line in self.hub.asked[:-1])
            if again and self.hub.refuses:
                return self._json({"error": "busy"}, 503)
            if not again:
                self._head(code, facts | {"Content-Length": str(len(body))})
                self.wfile.write(body[: self.hub.cut_after])
                self.close_connection = True
                return None
        self._head(code, facts | {"Content-Length": str(len(body) - first)})
        if self.command == "GET":
            self.wfile.write(body[first:])
        return None

    def _version(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and self.headers.get("Authorization") != f"Bearer {TOKEN}"):
            self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            return None
        if (version := repository.at(revision)) is None:
            self._json({"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"})
        return version

    def _size(self, name: str, path: str, body: bytes) -> int:
        return self.hub.repositories[name].stated.get(path, len(body))

    def _note(self) -> None:
        self.hub.asked.append((self.command, self.path, self.headers.get("Range")))

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _json(self, content: Any, code: int = 200, headers: Mapping[str, str] = {}) -> None:
        body = json.dumps(content).encode()
        self._head(code, {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, code: int, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        for header, value in headers.items():
            self.send_header(header, value)
        self.end_headers()


def _mode(path: str) -> str:
    return "lfs" if path.endswith(".safetensors") else "regular"


def _etag(body: bytes) -> str:
    return hashlib.sha1(body).hexdigest()
