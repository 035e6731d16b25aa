"""Manifests: the same in every format, the same wherever they lie, and every problem at once."""

from __future__ import annotations

import json
import math
import os
import pickle
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sottovoce.errors import ManifestError
from sottovoce.speech.emotions import NAMES
from sottovoce.speech.manifest import Manifest, Utterance, from_rows

ENDINGS = ("parquet", "csv", "jsonl")


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def write_csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def problems(path: Path) -> str:
    with pytest.raises(ManifestError) as caught:
        Manifest.read(path)
    return str(caught.value)


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(str.strip)
seconds = st.floats(0, 1e4, allow_nan=False)
figures = st.floats(allow_nan=False, allow_infinity=False)
utterances = st.builds(
    Utterance,
    id=words,
    path=st.just("REPLACED"),
    speaker=words,
    emotion=st.sampled_from(NAMES),
    corpus=words,
    language=st.none() | st.sampled_from(["de", "it"]),
    text=st.none() | words,
    text_id=st.none() | words,
    translation=st.none() | words,
    start_s=st.none() | seconds,
    end_s=st.none() | st.floats(1.1e4, 2e4),
    translated_from=st.none() | words,
    translator=st.none() | words,
    votes=st.dictionaries(st.sampled_from(NAMES), st.floats(0, 100)),
    measures=st.dictionaries(st.from_regex("[a-z_]{1,8}", fullmatch=True), figures, max_size=3),
)


@pytest.mark.parametrize("ending", ENDINGS)
@given(content=st.lists(utterances, min_size=1, max_size=5, unique_by=lambda u: u.id))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_what_was_written_is_read(tmp_path, ending, content):
    touch(tmp_path, "wav/è sound.wav")
    path = str(tmp_path / "wav/è sound.wav")
    manifest = Manifest(tuple(Utterance(**(u.__getstate__() | {"path": path})) for u in content))
    again = Manifest.read(manifest.write(tmp_path / f"m.{ending}"))
    assert again == manifest
    assert again.fingerprint() == manifest.fingerprint()


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_manifest_moves_with_its_recordings(tmp_path, ending, monkeypatch):
    touch(tmp_path, "here/wav/a.wav", "here/wav/b.wav")
    monkeypatch.chdir(tmp_path)  # relative in, as on a command line
    rows = [{"path": f"wav/{name}.wav", "speaker": name, "emotion": "sad"} for name in "ab"]
    here = from_rows(rows, Path("here/rows.csv"), corpus="c")
    assert all(os.path.isabs(u.path) for u in here)
    elsewhere = here.write(tmp_path / "runs" / "seed=1" / f"m.{ending}")
    assert Manifest.read(elsewhere) == here
    here.write(tmp_path / "here" / f"m.{ending}")
    shutil.move(tmp_path / "here", tmp_path / "there")
    there = Manifest.read(tmp_path / "there" / f"m.{ending}")
    assert there.fingerprint() == here.fingerprint()
    assert [Path(u.path).exists() for u in there] == [True, True]
    assert [u.id for u in there] == ["wav/a", "wav/b"]


def test_ids_from_absolute_paths_do_not_tell_where_the_corpus_lies(tmp_path):
    ids = []
    for place in ("one", "two/deep"):
        touch(tmp_path, f"{place}/x/1.wav", f"{place}/y/1.wav")
        rows = [{"path": tmp_path / place / d / "1.wav", "speaker": d, "emotion": "sad"} for d in "xy"]
        ids.append([u.id for u in from_rows(rows, tmp_path / "lists" / "m.csv")])
    assert ids == [["x/1", "y/1"]] * 2


def test_ids_from_paths_are_unique_where_the_recordings_are(tmp_path):
    touch(tmp_path, "a.wav", "a.flac", "b.1.wav", "b.2.wav")
    parts = [("a.wav", "", ""), ("a.flac", "", ""), ("b.1.wav", 1234.561, 1235), ("b.1.wav", 1234.562, 1235)]
    parts.append(("b.2.wav", "", 2))
    rows = [{"path": p, "speaker": "s", "emotion": "sad", "start_s": s, "end_s": e} for p, s, e in parts]
    ids = [u.id for u in from_rows(rows, tmp_path / "m.csv")]
    assert ids == ["a.wav", "a.flac", "b.1@1234.561-1235", "b.1@1234.562-1235", "b.2@0-2"]


def test_every_problem_is_listed_at_once(tmp_path):
    touch(tmp_path, "a.wav", "b.wav")
    path = write_csv(
        tmp_path / "m.csv",
        "id,path,speaker,emotion,start_s,end_s,votes_sad,votes_hunger",
        "1,a.wav,,sad,,,,",
        "2,b.wav,s,elated,,,,",
        "3,c.wav,s,sad,,,,",
        "4,a.wav,s,sad,2,1,,",
        "5,a.wav,s,sad,soon,,,",
        "6,a.wav,s,sad,,,-1,",
        "7,a.wav,s,sad,,,,2",
        "8,,s,,,,,",
        "9,a.wav,s,sad,,,,",
        "9,b.wav,s,sad,,,,",
        "10,b.wav,s,elated,,,,,,surplus",
    )
    message = problems(path)
    for expected in (
        "row 1: speaker is empty",
        "unknown emotion 'elated' (2 times, first in row 2)",
        "row 3: no such recording: c.wav",
        "row 4: start_s 2 and end_s 1 do not bound any sound",
        "row 5: start_s is not a number: 'soon'",
        "row 6: votes_sad is negative",
        "row 7: column 'votes_hunger' names an unknown emotion",
        "row 8: path is empty",
        "row 8: emotion is empty",
        "id '9' occurs 2 times",
        "row 11: has more cells than the header",
    ):
        assert expected in message


def test_no_rows_missing_columns_and_files_that_are_no_manifest(tmp_path):
    assert "has no rows" in problems(write_csv(tmp_path / "a.csv", "path,speaker,emotion"))
    message = problems(write_csv(tmp_path / "b.csv", "path,label", "x.wav,sad"))
    assert "speaker, emotion missing" in message and "Found: label, path" in message
    assert "there is no such manifest" in problems(tmp_path / "absent.csv")
    assert "sottovoce prepare folder" in problems(tmp_path)
    assert "is a .parquet, .csv or .jsonl file" in problems(write_csv(tmp_path / "c.txt", "x"))
    for ending, content in (("parquet", "no"), ("jsonl", "{"), ("jsonl", "[1, 2]"), ("csv", 'a\n"' + "x" * 200_000)):
        assert "cannot be read as" in problems(write_csv(tmp_path / f"d.{ending}", content))
    latin = tmp_path / "latin.csv"
    latin.write_bytes("path,speaker,emotion\né.wav,s,sad".encode("latin-1"))
    assert "cannot be read as csv" in problems(latin)


def test_spellings_defaults_and_byte_order_mark_of_a_users_csv(tmp_path):
    touch(tmp_path, "a.wav")
    path = tmp_path / "mine.csv"
    path.write_text(
        "path,speaker,emotion,votes_anger,votes_hot_anger,age\na.wav,7,Rabbia,2,1,40\n", encoding="utf-8-sig"
    )
    (utterance,) = Manifest.read(path, language="it")
    assert (utterance.speaker, utterance.emotion, utterance.language, utterance.corpus) == ("7", "angry", "it", "mine")
    assert dict(utterance.votes) == {"angry": 3.0}


def test_fingerprint_sees_every_field_but_the_path():
    plain = Utterance("i", "/x/a.wav", "s", "sad")
    changes = [{"speaker": "t"}, {"emotion": "happy"}, {"votes": {"sad": 1}}, {"measures": {"f": 1}}, {"end_s": 1.0}]
    changed = [Manifest((Utterance(**(plain.__getstate__() | change)),)).fingerprint() for change in changes]
    assert len({Manifest((plain,)).fingerprint(), *changed}) == 1 + len(changes)
    moved = Utterance("i", "/y/b.wav", "s", "sad")
    assert Manifest((moved,)).fingerprint() == Manifest((plain,)).fingerprint()


def test_an_utterance_is_immutable_and_travels_to_worker_processes():
    utterance = Utterance("i", "a.wav", "s", "sad", votes={"sad": 3, "happy": 0}, measures={"a": 1.0, "b": math.nan})
    assert dict(utterance.votes) == {"sad": 3.0} and dict(utterance.measures) == {"a": 1.0}
    with pytest.raises(TypeError):
        utterance.votes["sad"] = 9  # type: ignore[index]
    assert pickle.loads(pickle.dumps(utterance)) == utterance  # noqa: S301 - as multiprocessing does


def test_ids_must_be_unique_and_filters_keep_the_order():
    a, b, c = (
        Utterance(i, f"{i}.wav", s, e) for i, s, e in (("a", "2", "sad"), ("b", "1", "bored"), ("c", "2", "happy"))
    )
    with pytest.raises(ManifestError, match="more than once"):
        Manifest((a, b, a))
    manifest = Manifest((c, b, a))
    assert [u.id for u in manifest.with_emotions(["sad", "happy"])] == ["c", "a"]
    assert manifest.speakers == ["1", "2"] and not manifest.has_votes


def test_the_wrong_ending_writes_nothing(tmp_path):
    with pytest.raises(ManifestError, match=r"cannot write '\.xlsx'"):
        Manifest((Utterance("a", "a.wav", "s", "sad"),)).write(tmp_path / "m.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_text_with_every_kind_of_line_end_survives_jsonl(tmp_path):
    touch(tmp_path, "a.wav")
    text = 'a\u2028b\x85c\rd\ne"f'
    written = Manifest((Utterance("a", str(tmp_path / "a.wav"), "s", "sad", corpus="c", text=text),)).write(
        tmp_path / "m.jsonl"
    )
    assert json.loads(written.read_text(encoding="utf-8"))["path"] == "a.wav"
    assert Manifest.read(written)[0].text == text
