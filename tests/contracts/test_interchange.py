"""What every interchange format keeps to: what is written is read back, as far as the format holds it."""

from __future__ import annotations

import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from sottovoce.cli import app
from sottovoce.corpora import interchange
from sottovoce.errors import CorpusError, SottovoceError
from sottovoce.speech import audio
from sottovoce.speech.manifest import Manifest, Utterance
from tests.conftest import tone

FORMATS = sorted(interchange.formats())
PLACES = {"nkululeko": "theirs.csv"}
"""Where a format is one file; the others are folders."""


def place_of(name: str, folder: Path) -> Path:
    return folder / PLACES.get(name, "theirs")


@pytest.fixture
def manifest(tmp_path, make_tone) -> Manifest:
    """Recordings below and outside the place that is written to, with everything that an utterance can hold."""
    one = str(make_tone("theirs/wörter/eins zwei.wav", duration_s=0.5))
    two = str(make_tone("elsewhere/b.flac", duration_s=0.6, pitch_hz=200.0))
    three = str(make_tone("theirs/wörter/3.wav", duration_s=0.4, pitch_hz=90.0))
    votes = {"happy": 3.0, "neutral": 1.0}
    measures = {"emotion_intensity": 0.5, "valence": -0.25}
    return Manifest(
        (
            Utterance("ä/1", one, "anna ö", "happy", "mine", "de", 'Sie sagt: "Ja, é",\nnicht?', "t1", votes=votes),
            Utterance("2", two, "b", "sad", "mine", "de", measures=measures),
            Utterance("3", three, "b", "angry", "mine", translated_from="2", translator="seamless"),
        )
    )


def told(utterance: Utterance) -> dict:
    """All but the place of the recording, numbers as near as text holds them."""
    row = utterance.to_row()
    row.pop("path")
    return {name: pytest.approx(each, abs=1e-3) if isinstance(each, float) else each for name, each in row.items()}


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_is_read_back(name, manifest, tmp_path):
    place = place_of(name, tmp_path)
    interchange.write(name, manifest, place)
    read = interchange.read(name, place).manifest
    assert [u.id for u in read] == [u.id for u in manifest]
    for before, after in zip(manifest, read, strict=True):
        if name == "emo-superb" and not before.votes:
            before = replace(before, votes={before.emotion: 1.0})  # which its notes say
        assert after.to_row() | {"path": ""} == told(before) | {"path": ""}
        assert Path(after.path).is_absolute()
        np.testing.assert_array_equal(audio.read(after.path), audio.read(before.path))


@pytest.mark.parametrize("name", FORMATS)
def test_a_corpus_moves_with_recordings_below_it(name, manifest, tmp_path):
    inside = Manifest((manifest[0], manifest[2]))
    here = tmp_path / "theirs" / PLACES.get(name, "")
    interchange.write(name, inside, here)
    (tmp_path / "theirs").rename(tmp_path / "moved" if name != "emobox" else tmp_path / "a")
    there = (tmp_path / "moved" if name != "emobox" else tmp_path / "a") / PLACES.get(name, "")
    if name == "emobox":  # its file has the folder's name
        there = there / "theirs.jsonl"
    assert [u.id for u in interchange.read(name, there).manifest] == ["ä/1", "3"]


@pytest.mark.parametrize("name", FORMATS)
def test_parts_of_recordings(name, make_tone, tmp_path):
    long = str(make_tone("long.wav", duration_s=2.0))
    parts = Manifest(
        (
            Utterance("a", long, "x", "sad", start_s=0.25, end_s=1.125),
            Utterance("b", long, "y", "happy", start_s=1.5),
            Utterance("c", str(make_tone("whole.wav")), "x", "happy"),
        )
    )
    place = place_of(name, tmp_path)
    if name == "emo-superb":
        with pytest.raises(CorpusError, match="2 utterances are parts"):
            interchange.write(name, parts, place)
        return
    notes = interchange.write(name, parts, place)
    read = interchange.read(name, place).manifest
    assert [u.emotion for u in read] == ["sad", "happy", "happy"]
    for before, after in zip(parts, read, strict=True):
        sounds = [audio.read(u.path, start_s=u.start_s, end_s=u.end_s) for u in (before, after)]
        np.testing.assert_allclose(*sounds, atol=1e-4)
    if name == "huggingface":
        assert "2 parts of recordings" in notes[0] and read[0].start_s is None
    else:
        assert (read[0].start_s, read[0].end_s) == (0.25, 1.125) and read[1].start_s == 1.5
    assert (read[2].start_s, read[2].end_s) == (None, None)


@pytest.mark.parametrize("name", FORMATS)
def test_recordings_that_are_not_there_are_noted(name, manifest, tmp_path):
    place = place_of(name, tmp_path)
    interchange.write(name, manifest, place)
    if name == "huggingface":
        return  # it holds the recordings itself
    Path(manifest[1].path).unlink()
    prepared = interchange.read(name, place)
    assert [u.id for u in prepared.manifest] == ["ä/1", "3"]
    (note,) = [note for note in prepared.notes if "no such recording" in note]
    assert note.startswith("1 of 3 utterances") and manifest[1].path in note
    for utterance in (manifest[0], manifest[2]):
        Path(utterance.path).unlink()
    with pytest.raises(CorpusError, match="none of its 3 recordings is there"):
        interchange.read(name, place)


@pytest.mark.parametrize("name", FORMATS)
def test_absent_empty_and_broken_places_get_one_clear_line(name, tmp_path, make_tone):
    place = place_of(name, tmp_path)
    with pytest.raises(CorpusError, match="there is nothing"):
        interchange.read(name, place)
    interchange.write(
        name, Manifest(tuple(Utterance(e, str(make_tone(f"{e}.wav")), "s", e) for e in ("sad", "happy"))), place
    )
    for file in [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]:
        file.write_bytes(b"\x00\xff{:" + file.read_bytes()[:20])
    with pytest.raises(SottovoceError) as caught:
        interchange.read(name, place)
    assert str(place) in str(caught.value) or "line 1" in str(caught.value)
    if place.is_dir():
        (tmp_path / "empty").mkdir()
        with pytest.raises(CorpusError) as caught:
            interchange.read(name, tmp_path / "empty")
        assert interchange.formats()[name].place in str(caught.value)
    with pytest.raises(CorpusError, match="no utterances"):
        interchange.write(name, Manifest(()), place)


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda text: text == text.strip()
)
VOTES = st.dictionaries(st.sampled_from(["angry", "happy", "neutral", "sad"]), st.integers(1, 30), max_size=4)
UTTERANCES = st.builds(
    Utterance,
    id=TEXTS,
    path=st.just(""),
    speaker=TEXTS,
    emotion=st.sampled_from(["angry", "happy", "neutral", "sad", "bored"]),
    corpus=TEXTS,
    language=st.sampled_from([None, "de", "zu"]),
    text=st.none() | TEXTS,
    votes=VOTES,
    measures=st.dictionaries(st.sampled_from(["valence", "f0"]), st.integers(-5, 5).map(lambda n: n / 4), max_size=2),
)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(utterances=st.lists(UTTERANCES, min_size=2, max_size=4, unique_by=lambda u: u.id))
def test_any_text_survives(name, utterances):
    with tempfile.TemporaryDirectory() as folder:
        place = place_of(name, Path(folder))
        filled = []
        for number, utterance in enumerate(utterances):
            path = Path(folder) / f"{number}.wav"
            audio.write(path, tone(duration_s=0.15, seed=number))
            votes = utterance.votes or {utterance.emotion: 1, "calm": 1}
            filled.append(replace(utterance, path=str(path), votes=votes))
        manifest = Manifest(tuple(filled))
        interchange.write(name, manifest, place)
        read = interchange.read(name, place).manifest
        assert [u.to_row() | {"path": ""} for u in read] == [told(u) | {"path": ""} for u in manifest]


def test_names_are_known():
    with pytest.raises(CorpusError, match=f"there are: {', '.join(FORMATS)}"):
        interchange.read("kaldi", Path("."))
    for name, format_ in interchange.formats().items():
        assert format_.name == name and format_.home.startswith("https://") and format_.place


# -- as others write them ------------------------------------------------------------------------------------------


def test_emobox_as_published(tmp_path, make_tone):
    """Paths from EmoBox's root, coded labels with a map, and speakers in the STM file alone."""
    folder = tmp_path / "EmoBox" / "data" / "aesdd"
    folder.mkdir(parents=True)
    make_tone("EmoBox/downloads/aesdd/anger/a03 (3).wav")
    make_tone("EmoBox/downloads/aesdd/all.wav", duration_s=9.0)
    lines = [
        {"key": "aesdd-a03-3", "dataset": "aesdd", "wav": "downloads/aesdd/anger/a03 (3).wav", "emo": "a"},
        {
            "key": "aesdd-02_h a_044.wav",
            "dataset": "aesdd",
            "wav": "downloads/aesdd/all.wav",
            "emo": "boredom",
            "start_time": 4.0,
            "end_time": 5.5,
        },
        {"key": "aesdd-a9", "dataset": "aesdd", "wav": "downloads/aesdd/anger/absent.wav", "emo": "a"},
    ]
    (folder / "aesdd.jsonl").write_text("".join(json.dumps({"task": "category"} | line) + "\n" for line in lines))
    (folder / "label_map.json").write_text('{"a": "Angry", "boredem": "Boredom"}')
    tags = "<id={0},lang=en,spk={1},emotion=a> a\n"
    stm = [("aesdd-a03-3", "3"), ("aesdd-02_h a_044.wav", "downloads/JL corpus (raw)/m, 2"), ("aesdd-a9", "3")]
    (folder / "data.seg.wrd.stm").write_text("".join(f"{k} 1 {s} 0 4.2 " + tags.format(k, s) for k, s in stm))
    prepared = interchange.read("emobox", folder, language="el")
    first, second = prepared.manifest
    assert (first.id, first.speaker, first.emotion, first.language) == ("a03-3", "3", "angry", "el")
    assert (second.id, second.emotion, second.start_s, second.end_s) == ("02_h a_044.wav", "bored", 4.0, 5.5)
    assert second.speaker == "downloads/JL corpus (raw)/m, 2"
    assert "absent.wav" in prepared.notes[0]
    (folder / "data.seg.wrd.stm").unlink()
    with pytest.raises(CorpusError, match="every utterance needs a speaker"):
        interchange.read("emobox", folder)
    (folder / "data.seg.wrd.stm").write_text("".join(f"{k} 1 x 0 4.2 " + tags.format(k, k) for k, _ in stm))
    assert "not known who speaks" in interchange.read("emobox", folder).notes[0]


def test_nkululeko_as_others_write_it(tmp_path, make_tone):
    make_tone("wav/a.wav", duration_s=3.0)
    table = tmp_path / "mine.csv"
    table.write_text(
        "file,start,end,speaker,gender,emotion\n"
        "wav/a.wav,0 days 00:00:01.500000,0 days 00:00:02,s1,female,wütend\n"
        "wav/a.wav,0.25,1,s1,female,happiness\n"
        "wav/a.wav,0 days,NaT,s2,male,sad\n"
    )
    with pytest.raises(
        CorpusError,
        match=r"(?s)--label W=angry.*row 3: start_s is not a number: '0 days'.*unknown emotion 'wütend' \(row 1\)",
    ):
        interchange.read("nkululeko", table)
    table.write_text(table.read_text().replace("0 days,", "0 days 00:00:00,"))
    read = interchange.read("nkululeko", table, labels={"wütend": "angry"}).manifest
    assert [(u.emotion, u.start_s, u.end_s) for u in read] == [
        ("angry", 1.5, 2.0),
        ("happy", 0.25, 1.0),
        ("sad", None, None),
    ]


def test_lhotse_as_its_recipe_of_dailytalk_writes_it(tmp_path, make_tone):
    path = str(make_tone("a.wav", duration_s=1.0))
    sources = [{"type": "file", "channels": [0], "source": path}]
    recording = {"id": "r", "sources": sources, "sampling_rate": 16000, "num_samples": 16000, "duration": 1.0}
    supervision = {"id": "s", "recording_id": "r", "start": 0, "duration": 1.0, "language": "English", "speaker": "1"}
    supervision["custom"] = {"emotion": "happiness"}
    (tmp_path / "daily_recordings_all.jsonl").write_text(json.dumps(recording))
    (tmp_path / "daily_supervisions_all.jsonl").write_text(json.dumps(supervision))
    prepared = interchange.read("lhotse", tmp_path)
    (utterance,) = prepared.manifest
    assert (utterance.id, utterance.emotion, utterance.end_s, utterance.language) == ("s", "happy", None, None)
    assert "English" in prepared.notes[0]
    (tmp_path / "daily_supervisions_all.jsonl").write_text(json.dumps(supervision | {"recording_id": "q"}))
    with pytest.raises(CorpusError, match="line 1: there is no recording 'q'"):
        interchange.read("lhotse", tmp_path)


def test_emo_superb_as_published(tmp_path, make_tone):
    """The first rows of its CREMA-D: two of five raters heard anger and three joy; then a tie."""
    primary = tmp_path / "CREMA-D" / "Primary"
    primary.mkdir(parents=True)
    classes = ["angry", "sad", "disgust", "fear", "neutral", "happy"]
    (primary / "config.json").write_text(json.dumps({"categorical": {"emo_type": classes}}))
    header = f"FileName,{','.join(classes)},SpkrID,Gender,Split_Set\n"
    rows = ["1037.wav,0.386,0.01,0.01,0.01,0.01,0.574,1037,Female,Train\n"]
    rows += ["1067.wav,0.198,0.104,0.104,0.292,0.292,0.01,1037,Male,Train\n"]
    (primary / "labels_consensus_1.csv").write_text(header + "".join(rows))
    for name in ("1037", "1067"):
        make_tone(f"CREMA-D/Audios/{name}.wav")
    prepared = interchange.read("emo-superb", primary)
    first, second = prepared.manifest
    assert (first.speaker, second.speaker) == ("1037-Female", "1037-Male")
    assert first.votes == pytest.approx({"angry": 0.4, "happy": 0.6}) and first.emotion == "happy"
    assert second.votes == pytest.approx({"angry": 0.2, "sad": 0.1, "disgusted": 0.1, "fearful": 0.3, "neutral": 0.3})
    assert second.emotion == "fearful" and "1 utterances have no single most heard" in prepared.notes[0]
    raw = "1037.wav,0.5,0,0,0,0,0.5,1037,Female,Train\n"  # not smoothed: taken as it is
    (primary / "labels_consensus_1.csv").write_text(header + raw)
    assert interchange.read("emo-superb", primary).manifest[0].votes == {"angry": 0.5, "happy": 0.5}


def test_emo_superb_writes_shares_as_published(tmp_path, make_tone):
    classes = ["angry", "disgusted", "fearful", "happy", "neutral", "sad"]
    first = Utterance("1", str(make_tone("1.wav")), "s", "happy", votes={"angry": 2, "happy": 3})
    others = [Utterance(e, str(make_tone(f"{e}.wav")), "s", e) for e in classes]
    interchange.write("emo-superb", Manifest((first, *others)), tmp_path / "x")
    header, row, *_ = (tmp_path / "x" / "labels_consensus_1.csv").read_text().splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert header.endswith(",Split_Set") and cells["Split_Set"] == "Train"
    shares = [float(cells[name]) for name in classes]
    assert shares == pytest.approx([0.386, 0.01, 0.01, 0.574, 0.01, 0.01]) and math.fsum(shares) == pytest.approx(1)


def test_a_data_set_cannot_write_outside_its_folder(tmp_path, make_tone):
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = make_tone("a.wav").read_bytes()
    names = ["../../evil.wav", "/tmp/evil.wav", "..", "x\\..\\evil.wav", None]
    rows = [
        {"audio": {"bytes": content, "path": name}, "speaker_id": 1, "label": "sad", "id": str(n)}
        for n, name in enumerate(names)
    ]
    (tmp_path / "set").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "set" / "x.parquet")
    read = interchange.read("huggingface", tmp_path / "set", audio_to=tmp_path / "deep" / "er" / "out").manifest
    assert len(read) == 5 and {Path(u.path).parent for u in read} == {tmp_path / "deep" / "er" / "out"}
    assert len({u.path for u in read}) == 5 and read[0].speaker == "1"


def test_the_commands_lead_there_and_back(manifest, tmp_path):
    manifest.write(tmp_path / "mine.parquet")
    for name in FORMATS:
        place, back = place_of(name, tmp_path), tmp_path / f"{name}.jsonl"
        arguments = ["convert", str(tmp_path / "mine.parquet"), "--to", name, "-o", str(place)]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0 and f"sottovoce prepare {name} {place}" in done.output, done.output
        done = CliRunner().invoke(app, ["prepare", name, str(place), "-o", str(back)])
        assert done.exit_code == 0, done.output
        assert [u.id for u in Manifest.read(back)] == [u.id for u in manifest]
    refused = CliRunner().invoke(app, [*arguments, "--folds", "folds.json"])
    assert refused.exit_code == 1 and "--folds is for --to emobox" in refused.output
