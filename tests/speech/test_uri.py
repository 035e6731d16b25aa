"""URIs of a scheme that lies in a folder: what one process writes another one sees, as with a bucket."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from sottovoce.errors import AudioError, ManifestError, StoreError
from sottovoce.speech import audio, uri
from sottovoce.speech.manifest import Manifest, Utterance
from tests.conftest import tone


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SOTTOVOCE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(uri, "PAUSES_S", (0.0, 0.0))
    (tmp_path / "bucket").mkdir()
    return f"local://{tmp_path}/bucket"


def folder_of(bucket: str) -> Path:
    return Path(bucket.removeprefix("local://"))


@pytest.mark.parametrize(
    ("place", "remote"),
    [("s3://b/a.wav", True), ("https://h/a.wav", True), ("file:///a.wav", False), ("a://b", True), ("a/b.wav", False)],
)
def test_what_is_a_uri(place: str, remote: bool):
    assert uri.is_uri(place) is remote and not uri.is_uri(Path(place))
    assert uri.localised(place) == (place if remote else Path(place.removeprefix("file://")))


@pytest.mark.parametrize(
    ("folder", "place", "whole"),
    [
        ("s3://b/c", "a/x.wav", "s3://b/c/a/x.wav"),
        ("s3://b/c", "../x.wav", "s3://b/x.wav"),
        ("s3://b/c", "/data/x.wav", "/data/x.wav"),
        ("s3://b/c", "gs://d/x.wav", "gs://d/x.wav"),
    ],
)
def test_paths_are_relative_to_the_folder_of_a_uri(folder: str, place: str, whole: str):
    assert uri.join(folder, place) == whole


def test_recordings_are_read_as_from_a_file(bucket: str, tmp_path: Path):
    audio.write(tmp_path / "a.wav", tone(1.0))
    uri.send(tmp_path / "a.wav", f"{bucket}/deep/a.wav")
    there = f"{bucket}/deep/a.wav"
    assert audio.probe(there) == audio.probe(tmp_path / "a.wav")
    assert audio.digest(there) == audio.digest(tmp_path / "a.wav")
    assert (audio.read(there, start_s=0.2, end_s=0.5) == audio.read(tmp_path / "a.wav", start_s=0.2, end_s=0.5)).all()
    assert (audio.read(f"file://{tmp_path}/a.wav") == audio.read(tmp_path / "a.wav")).all()


def test_a_recording_that_is_not_there_or_no_sound_is_refused_and_named(bucket: str):
    uri.write_bytes(f"{bucket}/text.wav", b"not a sound")
    uri.write_bytes(f"{bucket}/empty.wav", b"")
    for name, why in (("absent", "no such file"), ("text", "not a readable sound"), ("empty", "0 bytes")):
        with pytest.raises(AudioError, match=why) as refused:
            audio.read(f"{bucket}/{name}.wav")
        assert f"{bucket}/{name}.wav" in str(refused.value)


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_a_manifest_at_a_uri_moves_with_its_recordings(bucket: str, tmp_path: Path, kind: str):
    audio.write(tmp_path / "a.wav", tone(1.0))
    uri.send(tmp_path / "a.wav", f"{bucket}/corpus/wav/a.wav")
    written = Manifest((Utterance("a", f"{bucket}/corpus/wav/a.wav", "s", "sad", corpus="m"),))
    assert written.write(f"{bucket}/corpus/m.{kind}") == f"{bucket}/corpus/m.{kind}"
    read = Manifest.read(f"{bucket}/corpus/m.{kind}")
    assert [u.path for u in read] == [f"{bucket}/corpus/wav/a.wav"] and read.fingerprint() == written.fingerprint()
    folder_of(bucket).joinpath("corpus").rename(folder_of(bucket) / "moved")
    moved = Manifest.read(f"{bucket}/moved/m.{kind}")
    assert [u.path for u in moved] == [f"{bucket}/moved/wav/a.wav"]
    assert len(audio.read(moved.utterances[0].path)) == audio.RATE_HZ


def test_a_local_manifest_may_name_uris_and_ids_are_made_of_their_paths(bucket: str, tmp_path: Path):
    rows = "path,speaker,emotion\n" + "".join(f"{bucket}/{n}.wav,s,sad\n" for n in ("x/a", "y/a", "y/b"))
    (tmp_path / "m.csv").write_text(rows)
    assert [u.id for u in Manifest.read(tmp_path / "m.csv")] == ["x/a", "y/a", "y/b"]


def test_a_manifest_that_is_not_there_is_named(bucket: str):
    with pytest.raises(ManifestError, match=r"bucket/m\.csv: there is no such manifest"):
        Manifest.read(f"{bucket}/m.csv")


def test_a_missing_package_is_named():
    with pytest.raises(StoreError, match=r"s3://bucket/a\.wav.*s3fs.*pip install it"):
        uri.read_bytes("s3://bucket/a.wav")
    with pytest.raises(ManifestError, match="s3fs"):
        Manifest.read("s3://bucket/m.csv")


def test_an_unknown_scheme_is_an_error_at_once():
    with pytest.raises(StoreError, match="nowhere"):
        uri.read_bytes("nowhere://a/b")


def test_a_place_that_does_not_answer_is_asked_again_and_is_no_refusal(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    audio.write(tmp_path / "bucket" / "a.wav", tone(1.0))
    files = type(fsspec.filesystem("local"))
    whole, failures = files.cat_file, [2]

    def flaky(self, path, **options):
        failures[0] -= 1
        if failures[0] >= 0:
            raise ConnectionResetError("reset by peer")
        return whole(self, path, **options)

    monkeypatch.setattr(files, "cat_file", flaky)
    assert len(audio.read(f"{bucket}/a.wav")) == audio.RATE_HZ
    failures[0] = 3
    with pytest.raises(StoreError, match=r"cannot be reached \(reset by peer\).*it continues"):
        audio.read(f"{bucket}/a.wav")


def test_stamps_change_with_the_file_and_tell_files_apart(bucket: str):
    for name in "ab":
        uri.write_bytes(f"{bucket}/{name}", b"same")
    before = uri.stamps([f"{bucket}/a", f"{bucket}/b", f"{bucket}/absent"])
    assert before[f"{bucket}/absent"] is None and before[f"{bucket}/a"] != before[f"{bucket}/b"]
    uri.write_bytes(f"{bucket}/a", b"longer")
    after = uri.stamps([f"{bucket}/a", f"{bucket}/b"])
    assert after[f"{bucket}/a"] != before[f"{bucket}/a"] and after[f"{bucket}/b"] == before[f"{bucket}/b"]
