"""Archives that mean harm are refused before anything of them is written."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from sottovoce.corpora.unpacking import unpack
from sottovoce.errors import CorpusError


def zipped(files: Mapping[str, bytes], *, compressed: bool = True) -> bytes:
    """A zip archive's bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        for name, each in files.items():
            archive.writestr(name, each)
    return content.getvalue()


def tarred(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as archive:  # type: ignore[call-overload]
        for info, each in members:
            info.size = len(each)
            archive.addfile(info, io.BytesIO(each))
    return content.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def linked(name: str, target: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target)
    return content.getvalue()


@pytest.fixture
def tried(tmp_path):
    """Write an archive, unpack it, and return the folder it was unpacked to."""

    def unpacked(content: bytes, **settings) -> Path:
        (tmp_path / "a.bin").write_bytes(content)
        folder = tmp_path / "inner" / "folder"
        folder.mkdir(parents=True, exist_ok=True)
        unpack(tmp_path / "a.bin", folder, **settings)
        return folder

    return unpacked


def test_zip_and_tar_are_unpacked_whole_and_over_an_earlier_try(tried):
    files = {"Actor_01/a.wav": b"sound", "ü/ö b.txt": b"text"}
    infos = [(tarfile.TarInfo(name), each) for name, each in files.items()]
    for content in (zipped(files), tarred(*infos), tarred(*infos, mode="w:xz"), tarred(*infos, mode="w")):
        for _ in range(2):
            folder = tried(content)
            assert {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()} == files


GOOD = ("good.txt", b"good")
HARMFUL = {
    "above": zipped(dict([GOOD, ("../evil.txt", b"x")])),
    "above, deep": zipped(dict([GOOD, ("a/../../evil.txt", b"x")])),
    "absolute": zipped(dict([GOOD, ("/tmp/evil.txt", b"x")])),
    "windows": zipped(dict([GOOD, ("C:/evil.txt", b"x")])),
    "zip link": linked("a", "/etc"),
    "tar above": tarred((tarfile.TarInfo("../evil.txt"), b"x")),
    "tar absolute": tarred((tarfile.TarInfo("/tmp/evil.txt"), b"x")),
    "tar link": tarred((tarfile.TarInfo("good.txt"), b"good"), (special("a", tarfile.SYMTYPE, "/etc"), b"")),
    "tar hard link": tarred((special("a", tarfile.LNKTYPE, "../../a.bin"), b"")),
    "tar device": tarred((special("a", tarfile.CHRTYPE), b"")),
    "tar fifo": tarred((special("a", tarfile.FIFOTYPE), b"")),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_what_leads_out_or_links_is_refused_and_nothing_written(tried, tmp_path, name):
    with pytest.raises(CorpusError, match=r"(leads out of the folder|is a (link|device)); nothing was unpacked"):
        tried(HARMFUL[name])
    assert not list((tmp_path / "inner" / "folder").iterdir())
    assert not list(tmp_path.rglob("evil.txt"))


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_bomb_is_refused(tried, tmp_path, kind):
    zeros = bytes(5_000_000)
    content = zipped({"a": zeros, "b": zeros}) if kind == "zip" else tarred((tarfile.TarInfo("a"), zeros))
    with pytest.raises(CorpusError, match="more than 4 MB would come out"):
        tried(content, limit=4_000_000)
    assert not list((tmp_path / "inner" / "folder").iterdir())


def test_what_the_disk_has_no_room_for_is_refused_and_what_lies_there_already_is_not_counted(tried, monkeypatch):
    content = zipped({"a.wav": b"1" * 5000, "b.wav": b"2" * 5000})
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=7000))
    with pytest.raises(CorpusError, match=r"0 MB are free on that disk; nothing was written\. Make room"):
        tried(content)
    folder = tried(zipped({"b.wav": b"2" * 100}))
    assert not (folder / "a.wav").exists()
    assert (tried(content) / "a.wav").stat().st_size == 5000


def test_a_link_that_was_there_before_is_not_followed(tried, tmp_path):
    (tmp_path / "inner" / "folder").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    os.symlink(tmp_path / "outside", tmp_path / "inner" / "folder" / "clips")
    with pytest.raises(CorpusError, match="through a link"):
        tried(zipped({"clips/a.wav": b"x"}))
    assert not list((tmp_path / "outside").iterdir())


@pytest.mark.parametrize("content", [b"", b"no archive", zipped({"a": b"x" * 999})[:60]], ids=["empty", "text", "cut"])
def test_what_is_no_archive_gets_one_line(tried, content):
    with pytest.raises(CorpusError, match="cannot be unpacked"):
        tried(content)


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2"])
@pytest.mark.parametrize("at", [0.5, 1.0], ids=["middle", "end"])
def test_damage_shows_to_the_end_of_the_packing(tried, mode, at):
    content = bytearray(tarred((tarfile.TarInfo("a"), os.urandom(100_000)), mode=mode))
    content[min(int(len(content) * at), len(content) - 6)] ^= 1
    with pytest.raises(CorpusError, match="cannot be unpacked"):
        tried(bytes(content))
