"""Files whose publisher states no checksum: fetched when asked for, never glued from two, and known again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from sottovoce.cli import app
from sottovoce.corpora import catalogue, downloading
from sottovoce.corpora.downloading import Source
from sottovoce.corpora.records import Record, Unstated
from sottovoce.errors import CorpusError
from tests.corpora.miniature import miniatures
from tests.corpora.test_downloading import whole
from tests.corpora.test_records import miniature, packed, published, unwrapped
from tests.corpora.test_unpacking import zipped
from tests.corpora.web import CONTENT, FAST, Server

OTHER = zipped({"clips/a.wav": bytes(reversed(range(256))) * 2000, "clips/readme.txt": b"hello"}, compressed=False)
SHA256 = hashlib.sha256(CONTENT).hexdigest()

SHIPPED = sorted(
    name
    for name, sources in downloading.downloads().items()
    if not all(isinstance(source, Record) for source in sources) and name not in ("ravdess", "cremad")
)


def fetched(server: Server, folder: Path, **changes) -> list[int]:
    """Ask the server for the size and fetch its archive; what came, in bytes."""
    came: list[int] = []
    source = Unstated(**{"url": f"{server.url}/corpus.zip", "source": "the test"} | changes)
    downloading.download(downloading.files_of([source], **FAST), folder, came.append, **FAST)
    return came


def test_its_digest_is_kept_and_it_is_not_fetched_again(server, tmp_path):
    for _ in range(2):
        assert sum(fetched(server, tmp_path)) == len(CONTENT) and whole(tmp_path)
    assert server.ranges == [None] * 3  # the size twice, the file once
    kept = tmp_path / "archives" / "corpus.zip.sha256"
    assert kept.read_text() == f"{SHA256}  corpus.zip\n"
    assert sorted(path.name for path in kept.parent.iterdir()) == ["corpus.zip", "corpus.zip.sha256"]


def test_what_was_changed_here_is_fetched_anew(server, tmp_path):
    fetched(server, tmp_path)
    (tmp_path / "archives" / "corpus.zip").write_bytes(OTHER)
    fetched(server, tmp_path)
    assert (tmp_path / "archives" / "corpus.zip").read_bytes() == CONTENT and whole(tmp_path)


def test_another_file_than_the_one_before_is_refused(server, tmp_path):
    fetched(server, tmp_path)
    (tmp_path / "archives" / "corpus.zip").unlink()
    server.content = OTHER
    with pytest.raises(CorpusError, match=r"not what came before .*remove .*corpus.zip.sha256") as problem:
        fetched(server, tmp_path)
    assert "\n" not in str(problem.value) and whole(tmp_path)
    (tmp_path / "archives" / "corpus.zip.sha256").unlink()
    fetched(server, tmp_path)
    assert not whole(tmp_path)


@pytest.mark.parametrize("version", [("ETag", '"1"'), ("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")])
def test_what_breaks_off_is_continued(server, tmp_path, version):
    server.version, server.behaviours = version, ("whole", "cut", "500", "503")
    with pytest.raises(CorpusError, match="the same command continues"):
        fetched(server, tmp_path)
    assert not (tmp_path / "clips").exists()
    server.behaviours = ("whole",)
    assert sum(fetched(server, tmp_path)) == len(CONTENT) and whole(tmp_path)
    assert server.ranges[-1] not in (None, "bytes=0-")


@pytest.mark.parametrize("behaviour", ["whole", "whole, unheeding", "whole, no ranges"])
def test_what_changed_meanwhile_begins_anew(server, tmp_path, behaviour):
    server.behaviours = ("whole", "cut", "500", "503")
    with pytest.raises(CorpusError):
        fetched(server, tmp_path)
    assert (tmp_path / "archives" / "corpus.zip.partial").stat().st_size > 0 and len(OTHER) == len(CONTENT)
    server.content, server.version, server.behaviours = OTHER, ("ETag", '"2"'), (behaviour,)
    assert sum(fetched(server, tmp_path)) == len(OTHER)
    assert (tmp_path / "archives" / "corpus.zip").read_bytes() == OTHER


@pytest.mark.parametrize("version", [None, ("ETag", 'W/"1"')])
def test_where_no_server_says_which_version_it_is_it_begins_anew(server, tmp_path, version):
    server.version, server.behaviours = version, ("whole", "cut", "whole")
    assert sum(fetched(server, tmp_path)) == len(CONTENT) and whole(tmp_path)
    assert server.ranges == [None, None, None]


def test_a_size_that_changed_since_it_was_asked(server, tmp_path):
    files = downloading.files_of([Unstated(f"{server.url}/corpus.zip", "the test")], **FAST)
    server.content = CONTENT + b"more"
    with pytest.raises(CorpusError, match="has changed since its size was asked"):
        downloading.download(files, tmp_path, **FAST)
    assert not (tmp_path / "clips").exists()


@pytest.mark.parametrize(
    ("behaviour", "said"), [("whole, no length", "does not state the file's size"), ("whole, a page", "a web page")]
)
def test_no_size_and_a_web_page_are_refused(server, tmp_path, behaviour, said):
    server.behaviours = (behaviour,)
    with pytest.raises(CorpusError, match=said) as problem:
        fetched(server, tmp_path)
    assert "\n" not in str(problem.value) and "with a browser" in str(problem.value) and not list(tmp_path.iterdir())


def test_a_damaged_archive_is_fetched_anew_by_the_next_run(server, tmp_path):
    server.behaviours = ("corrupt",)
    with pytest.raises(CorpusError, match="cannot be unpacked"):
        fetched(server, tmp_path)
    assert not list(tmp_path.rglob("*.sha256"))
    server.behaviours = ("whole",)
    fetched(server, tmp_path)
    assert whole(tmp_path)


@pytest.mark.parametrize("path", ["../corpus.zip", "/corpus.zip"])
def test_a_path_cannot_lead_out(server, tmp_path, path):
    with pytest.raises(CorpusError, match="leads out of the corpus's folder"):
        fetched(server, tmp_path, path=path)
    with pytest.raises(CorpusError, match="leads out of the corpus's folder"):
        server.archive(inner=(path,))
    with pytest.raises(CorpusError, match="leads out of the corpus's folder"):
        server.archive(into=path)


def test_the_command_wants_the_flag_and_prints_the_digest(server, tmp_path, monkeypatch):
    source = Unstated(f"{server.url}/corpus.zip", "the test", by_hand="convert it")
    monkeypatch.setattr(downloading, "downloads", lambda: {"polish": (source,)})
    command = ["download", "polish", "-o", str(tmp_path / "there")]
    shown = CliRunner().invoke(app, command)
    assert shown.exit_code == 0 and "states no checksum" in shown.output
    assert shown.output.rstrip().endswith("--accept-licence --without-checksum") and "MBin1file" in unwrapped(
        shown.output
    )
    n_asked = len(server.paths)
    refused = CliRunner().invoke(app, [*command, "--accept-licence"])
    said = " ".join(refused.output.split())
    assert refused.exit_code == 1 and "nobody can tell whether what comes is what was published" in said
    assert "add --without-checksum" in said and len(server.paths) == n_asked and not (tmp_path / "there").exists()
    done = CliRunner().invoke(app, [*command, "--accept-licence", "--without-checksum", "--quiet"])
    assert done.exit_code == 0, done.output
    assert f"Not checked: corpus.zip, SHA-256 {SHA256}" in done.output and "Checked" not in done.output
    assert done.output.index("First, by hand: convert it") < done.output.index("Next: sottovoce prepare polish")


def test_the_flag_changes_nothing_where_a_checksum_is_published(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "downloads", lambda: {"polish": (server.archive(),)})
    server.behaviours = ("corrupt",)
    command = ["download", "polish", "-o", str(tmp_path), "--accept-licence", "--without-checksum", "--quiet"]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1 and "not what was published" in " ".join(refused.output.split())
    assert not (tmp_path / "clips").exists()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_corpus_ends_in_what_its_reader_reads(server, tmp_path, monkeypatch, name):
    """Each archive holds what its publisher's is said to hold, with recordings in place of videos."""
    files = miniature(name, tmp_path)
    if name == "pavoque":
        files = {path: each for path, each in files.items() if "outtakes" not in path}
        files |= {f"pavoque-{s}.{end}": b"[]" for s in ("happy", "neutral", "poker", "sad") for end in ("yaml", "flac")}
    sources = tuple(moved(server, source, name, files) for source in downloading.downloads()[name])
    monkeypatch.setattr(downloading, "downloads", lambda: {name: sources})
    command = ["download", name, "-o", str(tmp_path / "there"), "--accept-licence", "--without-checksum", "--quiet"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    read = catalogue.prepare(name, tmp_path / "there").manifest
    assert len(read) == (2 if name == "pavoque" else len(miniatures()[name]))


def moved(server: Server, source: Source, name: str, files: Mapping[str, bytes]) -> Source:
    """The source with its addresses at `server`, which gets what lies there; `files` are the corpus's."""
    if isinstance(source, Record):
        return published(server, source, {path: each for path, each in files.items() if path in source.files})
    parts = urlsplit(source.url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    url = server.url + path
    if isinstance(source, Unstated):
        for each in source.files:
            server.pages[path + each] = content(name, each, files)
        server.pages[path] = content(name, source.path or Path(parts.path).name, files)
        return replace(source, url=url)
    server.pages[path] = content(name, source.path, files)
    digest = hashlib.sha256(server.pages[path]).hexdigest()
    return replace(source, url=url, size=len(server.pages[path]), checksum=f"sha256:{digest}")


def content(name: str, file: str, files: Mapping[str, bytes]) -> bytes:
    """What `file` of the corpus called `name` holds."""
    if file in files:
        return files[file]
    if name == "emov-db":  # without folders: the names of several archives are the same
        return packed(file, {Path(path).name: each for path, each in files.items() if file.startswith(path[:5])})
    if name == "meld":
        tables = {f"MELD.Raw/{path}": each for path, each in files.items() if path.endswith(".csv")}
        inner = {"train": "train/", "dev": "dev_", "test": "output_"}
        return packed(file, tables | {f"MELD.Raw/{part}.tar.gz": held(files, by) for part, by in inner.items()})
    if name == "shemo":
        return held(files, file.removesuffix(".zip")) if file.endswith(".zip") else b"{}"
    return packed(file, {path: each for path, each in files.items() if path != "metadata.csv"})


def held(files: Mapping[str, bytes], start: str) -> bytes:
    return packed("a.zip", {path: each for path, each in files.items() if path.startswith(start)})
