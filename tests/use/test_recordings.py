"""What may be named on the command line, and the recordings it stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from sottovoce.errors import ManifestError, SottovoceError
from sottovoce.use.recordings import Recording, find
from tests import tiny


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("clips/b.wav", "clips/deep/a.FLAC", "clips/notes.txt", "clips/.hidden.wav", "[odd] name.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths(*places: str, lines: tuple[str, ...] = ()) -> list[str]:
    return [recording.path for recording in find(places, lines)]


@pytest.mark.usefixtures("place")
def test_files_folders_patterns_uris_and_lines():
    assert paths("clips") == ["clips/b.wav", "clips/deep/a.FLAC"]
    assert paths("clips/**/*.FLAC") == ["clips/deep/a.FLAC"]
    assert paths("[odd] name.wav") == ["[odd] name.wav"]  # a file before a pattern
    assert paths("absent.wav") == ["absent.wav"]  # reading it will say so
    assert paths("s3://bucket/a.wav", "file:///tmp/x.wav") == ["s3://bucket/a.wav", "/tmp/x.wav"]
    assert paths("-", lines=("one.wav\n", "\n", " two.wav \r\n")) == ["one.wav", " two.wav "]
    assert paths("clips", "clips/b.wav", "clips/b.wav") == ["clips/b.wav", "clips/deep/a.FLAC"]  # each once


def test_manifests_need_no_labels(place: Path):
    rows = [
        {"path": "clips/b.wav", "start_s": "1", "end_s": "2.5", "language": "it", "emotion": "joy"},
        {"path": "gone.wav"},
        {"path": "/tmp/absolute.wav", "start_s": ""},
        {"path": "s3://bucket/a.wav"},
    ]
    tiny.write_csv(place / "clips" / "list.csv", rows)
    assert find(["clips/list.csv"]) == [
        Recording("clips/clips/b.wav", 1.0, 2.5, "it", "joy"),
        Recording("clips/gone.wav"),
        Recording("/tmp/absolute.wav"),
        Recording("s3://bucket/a.wav"),
    ]


def test_every_mistake_of_a_manifest(place: Path):
    rows = [{"path": ""}, {"path": "a.wav", "start_s": "3", "end_s": "2"}, {"path": "a.wav", "end_s": "soon"}]
    tiny.write_csv(place / "list.csv", rows)
    with pytest.raises(ManifestError) as caught:
        find(["list.csv"])
    assert [each.split(":")[0] for each in caught.value.problems] == ["row 1", "row 2", "row 3"]
    tiny.write_csv(place / "other.csv", [{"file": "a.wav"}])
    with pytest.raises(ManifestError, match="row 1: path is empty"):
        find(["other.csv"])


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("nothing", ["clips/*.mp3", "-", "empty", "absent.csv"])
def test_nothing_there(place: Path, nothing: str):
    (place / "empty").mkdir()
    with pytest.raises(SottovoceError, match=f"{nothing.replace('*', '.')}: "):
        find([nothing])
