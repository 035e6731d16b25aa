"""Records of data repositories, imitated: what they state is fetched and checked, what they leave out is refused."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from typer.testing import CliRunner

from sottovoce.cli import app
from sottovoce.corpora import catalogue, downloading
from sottovoce.corpora.records import Record, RemoteFile, Unstated
from sottovoce.corpora.transfer import Transfer
from sottovoce.errors import CorpusError
from tests.conftest import tone
from tests.corpora.miniature import miniatures
from tests.corpora.test_unpacking import zipped
from tests.corpora.web import FAST, Server

RECORDS = {
    name: record
    for name, sources in downloading.downloads().items()
    for record in sources
    if isinstance(record, Record) and not any(isinstance(source, Unstated) for source in sources)
}
SHIPPED = sorted(RECORDS)


def packed(name: str, files: Mapping[str, bytes]) -> bytes:
    if name.endswith(".zip"):
        return zipped(files)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for path, each in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(each)
            archive.addfile(info, io.BytesIO(each))
    return content.getvalue()


def published(server: Server, record: Record, files: Mapping[str, bytes]) -> Record:
    """Let `server` answer as the repository of `record` does for a data set of `files`; the record, moved there."""
    parts = urlsplit(record.url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    moved = replace(record, url=server.url + path)
    if record.kind == "zenodo":
        name = record.files[0].replace("*", "corpus")
        archive = packed(name, files)
        server.pages[f"{path}/files/{name}/content"] = archive
        checksum = f"md5:{hashlib.md5(archive, usedforsecurity=False).hexdigest()}"
        links = {"self": f"{moved.url}/files/{name}/content"}
        notes = {"key": "notes.pdf", "size": 3, "checksum": "md5:" + "0" * 32, "links": {"self": "nowhere"}}
        answer = {"files": [notes, {"key": name, "size": len(archive), "checksum": checksum, "links": links}]}
    elif record.kind == "dataverse":
        entries = []
        for number, (file, each) in enumerate(files.items()):
            server.pages[f"/api/access/datafile/{number}"] = each
            digest = hashlib.md5(each, usedforsecurity=False).hexdigest()
            stated = {"filename": Path(file).name, "id": number, "filesize": len(each), "md5": digest}
            entries.append({"dataFile": stated})
        answer = {"data": {"latestVersion": {"files": entries}}}
    elif record.kind == "mendeley":
        folders = sorted({Path(file).parent.name for file in files})
        for folder in folders:
            entries = []
            for file, each in files.items():
                if Path(file).parent.name == folder:
                    place = f"/public-files/{len(server.pages)}/file_downloaded"
                    server.pages[place] = each
                    details = {"download_url": server.url + place, "size": len(each)}
                    details["sha256_hash"] = hashlib.sha256(each).hexdigest()
                    entries.append({"filename": Path(file).name, "content_details": details})
            listed = f"{path}/files?folder_id=id-{folders.index(folder)}&version={record.version}"
            server.pages[listed] = json.dumps(entries).encode()
        server.pages[f"{path}/files?folder_id=root&version={record.version}"] = b"[]"
        answer = [{"id": f"id-{number}", "name": folder} for number, folder in enumerate(folders)]
        path = f"{path}/folders/{record.version}"
    elif record.kind == "github":
        moved = replace(moved, content=f"{server.url}/content/")
        tree = [{"path": "link.wav", "mode": "120000", "type": "blob", "sha": "0" * 40, "size": 5}]
        for file, each in files.items():
            server.pages[f"/content/{quote(file)}"] = each
            digest = hashlib.sha1(b"blob %d\0" % len(each) + each, usedforsecurity=False).hexdigest()
            tree.append({"path": file, "mode": "100644", "type": "blob", "sha": digest, "size": len(each)})
        answer = {"sha": "0" * 40, "tree": tree, "truncated": False}
    else:
        lines = []
        for file, each in files.items():
            server.pages[f"/master/{quote(file)}"] = each
            lines.append(f"{server.url}/master/{quote(file)} {len(each)} {hashlib.sha256(each).hexdigest()}\n")
        server.pages[path] = "".join(lines).encode()
        return replace(moved, checksum=f"sha256:{hashlib.sha256(server.pages[path]).hexdigest()}")
    server.pages[path] = json.dumps(answer).encode()
    return moved


def miniature(name: str, folder: Path) -> dict[str, bytes]:
    corpus = miniatures()[name].write(folder / "published", tone)
    return {str(path.relative_to(corpus)): path.read_bytes() for path in sorted(corpus.rglob("*")) if path.is_file()}


@pytest.fixture
def zenodo(server, tmp_path) -> Record:
    return published(server, RECORDS["subesco"], miniature("subesco", tmp_path))


def changed(server: Server, record: Record, change) -> None:
    """Change what the record says of its archive."""
    path = urlsplit(record.url).path
    answer = json.loads(server.pages[path])
    change(answer["files"][1])
    server.pages[path] = json.dumps(answer).encode()


def unwrapped(text: str) -> str:
    """Without what breaks the lines of a table, which is as wide as the terminal."""
    return "".join(text.replace("│", "").split())


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_record_ends_in_what_its_reader_reads(server, tmp_path, monkeypatch, name):
    record = published(server, RECORDS[name], miniature(name, tmp_path))
    monkeypatch.setattr(downloading, "downloads", lambda: {name: (record,)})
    there = tmp_path / "there"
    shown = CliRunner().invoke(app, ["download", name, "-o", str(there)])
    assert shown.exit_code == 0, shown.output
    assert unwrapped(catalogue.corpora()[name].card.licence) in unwrapped(shown.output) and "file(s)" in shown.output
    assert not there.exists() and not set(server.paths) & {p for p in server.pages if p.endswith((".wav", "content"))}
    done = CliRunner().invoke(app, ["download", name, "-o", str(there), "--accept-licence", "--quiet"])
    assert done.exit_code == 0, done.output
    assert "against the checksum that its record states" in done.output
    assert len(catalogue.prepare(name, there).manifest) == len(miniatures()[name])


@pytest.mark.parametrize("behaviour", ["cut", "stall", "503", "redirect"])
def test_a_record_is_asked_again(server, zenodo, behaviour):
    server.behaviours = (behaviour, "whole")
    (file,) = downloading.files_of([zenodo], **FAST)
    assert file.path == "SUBESCO.zip" and file.size > 0 and len(server.paths) == 2


def test_what_comes_is_checked_against_what_the_record_states(server, zenodo, tmp_path):
    files = downloading.files_of([zenodo], **FAST)
    server.behaviours = ("corrupt",)
    with pytest.raises(CorpusError, match="not what was published"):
        downloading.download(files, tmp_path / "there", **FAST)
    assert not [path for path in (tmp_path / "there").rglob("*") if path.is_file()]


@pytest.mark.parametrize("checksum", [None, "", "crc32:12345678", "md5:1234", "sha3:" + "0" * 64])
def test_a_record_without_a_checksum_that_can_be_checked_is_refused(server, zenodo, checksum):
    changed(server, zenodo, lambda file: file.update(checksum=checksum))
    with pytest.raises(CorpusError, match=r"its checksum is .*nothing was fetched") as problem:
        downloading.files_of([zenodo], **FAST)
    assert "\n" not in str(problem.value)


def test_a_record_that_holds_other_files_says_which(server, zenodo):
    changed(server, zenodo, lambda file: file.update(key="SUBESCO-2.zip"))
    with pytest.raises(CorpusError, match=r"no file 'SUBESCO.zip'. It holds: notes.pdf, SUBESCO-2.zip"):
        downloading.files_of([zenodo], **FAST)


@pytest.mark.parametrize(
    "answer", [b"", b"<html>", b"{}", b"[]", b'{"files": 3}', b'{"files": [{"key": "a"}]}', b"\xff"]
)
@pytest.mark.parametrize("name", ["subesco", "tess", "mesd", "urdu"])
def test_an_answer_of_another_form_is_one_clear_line(server, answer, name):
    server.content = answer
    parts = urlsplit(RECORDS[name].url)
    record = replace(RECORDS[name], url=f"{server.url}{parts.path}")
    with pytest.raises(CorpusError, match=r"the answer is not what|it holds no file") as problem:
        downloading.files_of([record], **FAST)
    assert "\n" not in str(problem.value)


def test_a_path_of_a_record_cannot_lead_out(server, tmp_path):
    record = published(server, RECORDS["urdu"], {"../../Angry/SM1_F1_A01.wav": b"x"})
    with pytest.raises(CorpusError, match="leads out of the corpus's folder"):
        downloading.files_of([record], **FAST)


def test_a_cut_tree_and_another_list_are_refused(server):
    record = published(server, RECORDS["urdu"], {"Angry/SM1_F1_A01.wav": b"x"})
    path = record.url.removeprefix(server.url)
    server.pages[path] = server.pages[path].replace(b'"truncated": false', b'"truncated": true')
    with pytest.raises(CorpusError, match="the list is not whole"):
        downloading.files_of([record], **FAST)
    record = published(server, RECORDS["cremad"], {"1001_DFA_ANG_XX.wav": b"x"})
    server.pages[record.url.removeprefix(server.url)] += b"\n"
    with pytest.raises(CorpusError, match="its checksum is not sha256:"):
        downloading.files_of([record], **FAST)


def test_a_record_cannot_send_from_https_to_less(server, zenodo, monkeypatch):
    answer = server.pages[urlsplit(zenodo.url).path]
    monkeypatch.setattr("sottovoce.corpora.transfer.Transfer.content", lambda *a, **k: answer)
    with pytest.raises(CorpusError, match="which is not encrypted"):
        downloading.files_of([replace(zenodo, url=zenodo.url.replace("http:", "https:"))], **FAST)


def test_without_a_connection_the_licence_is_shown(server, zenodo, tmp_path, monkeypatch):
    server.behaviours = ("404",)
    monkeypatch.setattr(downloading, "downloads", lambda: {"subesco": (zenodo,)})
    shown = CliRunner().invoke(app, ["download", "subesco"])
    assert shown.exit_code == 0 and all(part in unwrapped(shown.output) for part in ("CCBY4.0", "notknown:"))
    refused = CliRunner().invoke(app, ["download", "subesco", "-o", str(tmp_path), "--accept-licence"])
    assert refused.exit_code == 1 and "404" in refused.output


def test_the_list_of_what_can_be_fetched():
    shown = CliRunner().invoke(app, ["download"])
    assert shown.exit_code == 0, shown.output
    first = [line.split("│")[1] for line in shown.output.splitlines() if line.startswith("│")]
    assert all(name in unwrapped("".join(first)) for name in downloading.downloads())


def test_the_facts_are_of_corpora_with_a_reader(monkeypatch):
    monkeypatch.setattr(Transfer, "size", lambda transfer, url: 1)
    for name, sources in downloading.downloads().items():
        assert name in catalogue.corpora() and sources
        for source in sources:
            assert source.url.startswith("https://") and source.source
            if isinstance(source, Record):
                assert source.files and (source.kind != "github" or source.content.split("/")[-2] in source.url)
        for file in downloading.files_of([source for source in sources if not isinstance(source, Record)]):
            assert file.is_archive or Path(file.path).suffix in (".wav", ".flac", ".csv", ".json"), file.path
            assert isinstance(file, RemoteFile) and (file.is_archive or not (file.into or file.inner))
