"""Downloads from a server on this machine that behaves as badly as servers do."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sottovoce.cli import app
from sottovoce.corpora import catalogue, downloading
from sottovoce.corpora.downloading import Archive
from sottovoce.errors import CorpusError
from tests.conftest import tone
from tests.corpora.miniature import miniatures
from tests.corpora.test_unpacking import zipped

CONTENT = zipped({"clips/a.wav": bytes(range(256)) * 2000, "clips/readme.txt": b"hello"}, compressed=False)
FAST = {"timeout_s": (2.0, 0.3), "pauses_s": (0.0, 0.0)}


class Server(ThreadingHTTPServer):
    """Answers each request with the next of `behaviours`; the last one stays."""

    daemon_threads = True
    behaviours: tuple[str, ...] = ("whole",)
    content = CONTENT

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []

    def archive(self, **changes) -> Archive:
        facts = {
            "url": f"http://127.0.0.1:{self.server_port}/corpus.zip",
            "size": len(CONTENT),
            "checksum": f"md5:{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}",
            "source": "the test",
        }
        return Archive(**facts | changes)

    def handle_error(self, request, client_address) -> None:
        """A client that has left is no error."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        number = len(self.server.ranges)
        self.server.ranges.append(self.headers.get("Range"))
        behaviour = self.server.behaviours[min(number, len(self.server.behaviours) - 1)]
        content = self.server.content
        if behaviour.isdigit():
            self.send_error(int(behaviour))
            return
        if behaviour == "redirect":
            self.send_response(302)
            self.send_header("Location", "/elsewhere.zip")
            self.end_headers()
            return
        first = 0
        asked = self.headers.get("Range")
        if asked and behaviour != "cut, no ranges" and behaviour != "whole, no ranges":
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        if behaviour == "corrupt":
            content = content[:100_000] + b"x" + content[100_001:]
        last = len(content) if behaviour.startswith(("whole", "corrupt")) else first + 150_000
        self.wfile.write(content[first:last])
        self.wfile.flush()
        if behaviour == "stall":
            time.sleep(1.0)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def whole(folder: Path) -> bool:
    return (folder / "clips/a.wav").read_bytes() == bytes(range(256)) * 2000


def test_a_whole_download_is_unpacked_and_not_repeated(server, tmp_path):
    came: list[int] = []
    for _ in range(2):
        assert (
            downloading.download([server.archive()], tmp_path / "new" / "x", came.append, **FAST) == tmp_path / "new/x"
        )
        assert whole(tmp_path / "new/x")
    assert sum(came) == len(CONTENT) and server.ranges == [None]


@pytest.mark.parametrize("behaviour", ["cut", "stall"])
def test_what_breaks_off_or_stalls_is_continued(server, tmp_path, behaviour):
    server.behaviours = (behaviour, behaviour, "whole")
    came: list[int] = []
    downloading.download([server.archive()], tmp_path, came.append, **FAST)
    assert whole(tmp_path) and sum(came) == len(CONTENT)
    begun = [int(asked.strip("bytes=-")) for asked in server.ranges[1:] if asked]
    assert server.ranges[0] is None and len(begun) == 2 and 0 < begun[0] < begun[1]


def test_a_server_without_ranges_begins_anew(server, tmp_path):
    server.behaviours = ("cut, no ranges", "whole, no ranges")
    came: list[int] = []
    downloading.download([server.archive()], tmp_path, came.append, **FAST)
    assert whole(tmp_path) and sum(came) == len(CONTENT) and min(came) < 0 and server.ranges[1] is not None


def test_after_the_last_try_the_same_command_continues(server, tmp_path):
    server.behaviours = ("cut", "500", "503")
    with pytest.raises(CorpusError, match=r"3 tries failed .*503.*the same command continues"):
        downloading.download([server.archive()], tmp_path, **FAST)
    assert not (tmp_path / "clips").exists()
    server.behaviours = ("whole",)
    downloading.download([server.archive()], tmp_path, **FAST)
    assert whole(tmp_path) and server.ranges[-1] not in (None, "bytes=0-")


def test_interrupting_keeps_what_came(server, tmp_path):
    def interrupt(n: int) -> None:
        if n > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        downloading.download([server.archive()], tmp_path, interrupt, **FAST)
    (partial,) = (tmp_path / "archives").iterdir()
    assert partial.name == "corpus.zip.partial" and 0 < partial.stat().st_size < len(CONTENT)
    downloading.download([server.archive()], tmp_path, **FAST)
    assert whole(tmp_path) and server.ranges[-1] is not None


def test_redirects_are_followed(server, tmp_path):
    server.behaviours = ("redirect", "whole")
    downloading.download([server.archive()], tmp_path, **FAST)
    assert whole(tmp_path)


def test_absent_and_refused_files_are_not_tried_again(server, tmp_path):
    for code in ("404", "403"):
        server.behaviours, before = (code,), len(server.ranges)
        with pytest.raises(CorpusError, match=f"the server answers {code}"):
            downloading.download([server.archive()], tmp_path, **FAST)
        assert len(server.ranges) == before + 1


def test_corrupt_content_is_never_unpacked(server, tmp_path):
    server.behaviours = ("corrupt", "whole")
    with pytest.raises(CorpusError, match="not what was published"):
        downloading.download([server.archive()], tmp_path, **FAST)
    assert not (tmp_path / "clips").exists() and not list((tmp_path / "archives").iterdir())
    downloading.download([server.archive()], tmp_path, **FAST)
    assert whole(tmp_path)


def test_more_than_was_published_is_dropped(server, tmp_path):
    with pytest.raises(CorpusError, match="more came than the 1000 published bytes"):
        downloading.download([server.archive(size=1000)], tmp_path, **FAST)
    assert not list((tmp_path / "archives").iterdir())


def test_a_rest_of_another_file_begins_anew(server, tmp_path):
    server.behaviours = ("416", "whole")
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives" / "corpus.zip.partial").write_bytes(b"old")
    downloading.download([server.archive()], tmp_path, **FAST)
    assert whole(tmp_path)


def test_a_server_that_is_not_there(server, tmp_path):
    archive = server.archive(url="http://127.0.0.1:9/corpus.zip")
    with pytest.raises(CorpusError, match="3 tries failed"):
        downloading.download([archive], tmp_path, **FAST)


def test_a_disk_too_small_is_said_beforehand(server, tmp_path):
    with pytest.raises(CorpusError, match="are free on that disk"):
        downloading.download([server.archive(size=1 << 60)], tmp_path, **FAST)
    assert not server.ranges


def test_the_facts_are_of_corpora_with_a_reader():
    for name, archives in downloading.downloads().items():
        assert name in catalogue.corpora() and archives
        for archive in archives:
            assert archive.url.startswith("https://") and archive.size > 0 and archive.source
            kind, _, digest = archive.checksum.partition(":")
            assert len(digest) == {"md5": 32, "sha256": 64}[kind] and int(digest, 16)
            assert archive.name == Path(archive.name).name != ""


def test_the_command_shows_the_licence_first_and_then_leads_to_prepare(server, tmp_path, monkeypatch):
    corpus = miniatures()["ravdess"].write(tmp_path / "published", tone)
    files = {str(path.relative_to(corpus)): path.read_bytes() for path in corpus.rglob("*") if path.is_file()}
    server.content = zipped(files)
    digest = hashlib.sha256(server.content).hexdigest()
    archive = server.archive(size=len(server.content), checksum=f"sha256:{digest}")
    monkeypatch.setattr(downloading, "downloads", lambda: {"ravdess": (archive,)})
    there = tmp_path / "ravdess"
    shown = CliRunner().invoke(app, ["download", "ravdess", "-o", str(there)])
    assert shown.exit_code == 0 and "CC BY-NC-SA 4.0" in shown.output and "--accept-licence" in shown.output
    assert not there.exists() and not server.ranges
    done = CliRunner().invoke(app, ["download", "ravdess", "-o", str(there), "--accept-licence", "--quiet"])
    assert done.exit_code == 0, done.output
    assert f"Next: sottovoce prepare ravdess {there} -o ravdess.parquet" in done.output
    assert len(catalogue.prepare("ravdess", there).manifest) == len(miniatures()["ravdess"])
    refused = CliRunner().invoke(app, ["download", "emovo", "--accept-licence"])
    assert refused.exit_code == 1 and catalogue.corpora()["emovo"].card.home in refused.output.replace("\n", "")
