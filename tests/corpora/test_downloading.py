"""Files that break off, stall, are corrupt, moved or refused: nothing counts that was not published so."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sottovoce.cli import app
from sottovoce.corpora import catalogue, downloading
from sottovoce.corpora.records import RemoteFile
from sottovoce.errors import CorpusError
from tests.conftest import tone
from tests.corpora.miniature import miniatures
from tests.corpora.test_unpacking import zipped
from tests.corpora.web import CONTENT, FAST


def whole(folder: Path) -> bool:
    return (folder / "clips/a.wav").read_bytes() == bytes(range(256)) * 2000


def test_a_whole_download_is_unpacked_and_not_repeated(server, tmp_path):
    came: list[int] = []
    for _ in range(2):
        assert (
            downloading.download([server.archive()], tmp_path / "new" / "x", came.append, **FAST) == tmp_path / "new/x"
        )
        assert whole(tmp_path / "new/x")
    assert sum(came) == 2 * len(CONTENT) and server.ranges == [None]


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
    with pytest.raises(CorpusError, match=r"3 tries failed \(no connection: .*Is this machine online") as caught:
        downloading.download([archive], tmp_path, **FAST)
    assert "HTTPConnection" not in str(caught.value)


def test_a_disk_too_small_is_said_beforehand(server, tmp_path):
    with pytest.raises(CorpusError, match="are free on that disk"):
        downloading.download([server.archive(size=1 << 60)], tmp_path, **FAST)
    assert not server.ranges


def test_a_recording_by_itself_goes_to_its_place(server, tmp_path):
    server.content = b"RIFF and so on"
    blob = hashlib.sha1(b"blob 14\0" + server.content, usedforsecurity=False).hexdigest()
    file = RemoteFile(f"{server.url}/x", 14, f"git:{blob}", "the test", "Sound Source/Happy/a b.wav")
    for _ in range(2):
        downloading.download([file], tmp_path, **FAST)
    assert (tmp_path / "Sound Source/Happy/a b.wav").read_bytes() == server.content and len(server.paths) == 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a b.wav"]
    (tmp_path / file.path).write_bytes(b"RIFF and no more")
    downloading.download([file], tmp_path, **FAST)
    assert (tmp_path / file.path).read_bytes() == server.content


def test_a_link_in_the_folder_is_not_followed_out_of_it(server, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "clips").symlink_to(tmp_path / "outside")
    file = server.archive(path="clips/a.wav")
    with pytest.raises(CorpusError, match="through a link in it"):
        downloading.download([file], tmp_path / "here", **FAST)
    assert not server.paths and not list((tmp_path / "outside").iterdir())


@pytest.mark.parametrize("checksum", ["", "md5:", "crc32:00000000", "md5:" + "x" * 32, "sha256:" + "0" * 32])
def test_a_checksum_that_cannot_be_checked_is_refused(checksum):
    with pytest.raises(CorpusError, match=r"its checksum is .*nothing was fetched") as problem:
        RemoteFile("https://host/a.zip", 1, checksum, "the test")
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("path", ["../a.wav", "/a.wav", "a/../../b.wav", "C:/a.wav", "..\\a.wav"])
def test_a_path_that_leads_out_is_refused(path):
    with pytest.raises(CorpusError, match="leads out of the corpus's folder"):
        RemoteFile("https://host/a.wav", 1, "md5:" + "0" * 32, "the test", path)


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
