"""What befalls people who come with recordings of their own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sottovoce.speech.manifest import Manifest
from tests import launcher, tiny

SPELLED = {"angry": "Anger", "happy": "joy", "sad": "sadness"}
QUICK = {"seeds": [0], "hidden": 8, "epochs": 2, "batch_size": 8}


def run(place: Path, *arguments: str | Path) -> launcher.Outcome:
    return launcher.sottovoce(
        place, "run", place / "tiny.yaml", "--out", place / "out", "--store", place / "store", "--quiet", *arguments
    )


def test_a_greek_corpus_with_a_broken_recording(tmp_path):
    """Relative paths, names with spaces, the same speaker names on both sides, foreign spellings, a broken file."""
    place = tmp_path / "τα δικά μου"
    broken = {"path": "στόχος/not a sound.wav", "speaker": "1", "emotion": "joy", "text": ""}
    place.mkdir()
    target = tiny.write_side(place, "στόχος", "12", tuple(SPELLED), spelled=SPELLED, further_rows=[broken])
    (place / broken["path"]).write_text("this is no sound", encoding="utf-8")
    greek = {"translation": "Σκύλοι στην πόρτα."}
    source = tiny.write_side(place, "english", "12", tuple(SPELLED), takes=3, spelled=SPELLED, further_cells=greek)
    tiny.write_recipe(
        place,
        target,
        source,
        target={"manifest": str(target), "language": "el"},
        translation={"engine": "espeak"},
        emotions=list(SPELLED),
        training=QUICK,
    )
    outcome = run(place)
    assert outcome.code == 0, outcome.err
    results, details = (json.loads((place / "out" / f"{name}.json").read_text()) for name in ("results", "details"))
    assert (results["target"], results["n_speakers"], results["n_folds"]) == ("στόχος", 2, 2)
    (refusal,) = details["refused"]
    assert refusal["stage"] == "check" and "not a sound" in refusal["id"]
    assert any("1 utterances were refused at the stage 'check'" in warning for warning in results["warnings"])
    assert "στόχος/not a sound" in (place / "out" / "report.html").read_text(encoding="utf-8")

    # speaker 1 of the target is not speaker 1 of the source: nothing of the source is kept out of any fold
    everyone = [c["n_selected"] for c in results["conditions"] if c["name"] in ("all-synthetic", "untranslated")]
    assert everyone == [18, 18]
    selection = pq.read_table(place / "out" / "selection.parquet")
    assert set(selection["utterance"].to_pylist()) >= {u.id for u in Manifest.read(source)}


def test_every_mistake_of_a_csv_in_one_message(tmp_path):
    good = tiny.write_side(tmp_path, "source", "12")
    mistakes = [
        {"path": "absent.wav", "speaker": "1", "emotion": "sad"},
        {"path": "source/φωνή 1_0 sad.wav", "speaker": "", "emotion": "sad"},
        {"path": "source/φωνή 1_1 sad.wav", "speaker": "1", "emotion": "melancholic"},
        {"path": "source/φωνή 2_0 sad.wav", "speaker": "2", "emotion": "sad", "start_s": "2", "end_s": "1"},
        {"path": "source/φωνή 2_1 sad.wav", "speaker": "2", "emotion": "sad", "id": "same"},
        {"path": "source/φωνή 2_1 angry.wav", "speaker": "2", "emotion": "angry", "id": "same"},
    ]
    tiny.write_csv(tmp_path / "target.csv", mistakes)
    tiny.write_recipe(tmp_path, tmp_path / "target.csv", good)
    outcome = run(tmp_path)
    assert outcome.code == 1 and outcome.out == "" and "Traceback" not in outcome.err
    for complaint in (
        "row 1: no such recording: absent.wav",
        "row 2: speaker is empty",
        "unknown emotion 'melancholic' (row 3)",
        "row 4: start_s 2 and end_s 1",
        "id 'same' occurs 2 times",
    ):
        assert complaint in outcome.err
    assert not (tmp_path / "out" / "results.json").exists()


def _sides(place: Path, *, speakers: str = "1234", emotions: tuple[str, ...] = tiny.EMOTIONS) -> Path:
    target = tiny.write_side(place, "target", speakers, emotions)
    source = tiny.write_side(place, "source", "12", further_cells={"translation": tiny.TRANSLATED})
    return tiny.write_recipe(place, target, source, training=QUICK)


def test_one_speaker(tmp_path):
    _sides(tmp_path, speakers="1")
    outcome = run(tmp_path)
    assert outcome.code == 1 and "the target has 1 speaker(s)" in outcome.err and "Traceback" not in outcome.err


def test_one_class(tmp_path):
    _sides(tmp_path, emotions=("sad",))
    outcome = run(tmp_path)
    assert outcome.code == 1 and "no utterance labelled angry, neutral" in outcome.err


def test_no_rows(tmp_path):
    _sides(tmp_path)
    (tmp_path / "target.csv").write_text("path,speaker,emotion\n", encoding="utf-8")
    outcome = run(tmp_path)
    assert outcome.code == 1 and "the manifest has no rows" in outcome.err
    (tmp_path / "target.csv").write_text("", encoding="utf-8")
    assert "the manifest has no rows" in run(tmp_path).err


def test_a_class_absent_from_a_fold(tmp_path):
    """Speaker 4 has no 'sad': the run ends well and warns."""
    _sides(tmp_path)
    lines = (tmp_path / "target.csv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not ("φωνή 4_" in line and "sad" in line)]
    (tmp_path / "target.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert len(kept) == len(lines) - 2
    outcome = run(tmp_path, "--set", "conditions=[target-only]", "--set", "model.condition=target-only")
    assert outcome.code == 0, outcome.err
    assert "fold 4: no sad in its test part" in json.loads((tmp_path / "out" / "results.json").read_text())["warnings"]
    assert not (tmp_path / "out" / "selection.parquet").exists()
    assert not (tmp_path / "out" / "manifests" / "kept.parquet").exists()


def test_not_one_recording_is_usable(tmp_path):
    _sides(tmp_path)
    for recording in (tmp_path / "target").glob("*.wav"):
        recording.write_bytes(b"")
    outcome = run(tmp_path)
    assert outcome.code == 1 and "not one recording of the target can be used" in outcome.err
    assert outcome.err.count("is empty (0 bytes)") == 24


def test_nothing_can_be_translated(tmp_path):
    _sides(tmp_path)
    unknown = (tmp_path / "source.csv").read_text(encoding="utf-8").replace(tiny.TRANSLATED, "")
    (tmp_path / "source.csv").write_text(unknown.replace(tiny.SAID, "Nobody knows this one."), encoding="utf-8")
    outcome = run(tmp_path)
    assert outcome.code == 1 and "not one source utterance could be translated" in outcome.err
    assert "translation memory" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["run", "no-such-recipe"], 1, "there is no recipe 'no-such-recipe'"),
        (["run", "tiny.yaml", "--set", "training.epoch=5"], 1, "training.epoch"),
        (["run", "tiny.yaml", "--set", "training.epochs"], 1, "write key=value"),
        (["run", "tiny.yaml", "--set", "target.manifest=${NOWHERE}/x.csv"], 1, "NOWHERE"),
        (["run", "tiny.yaml", "--set", "target.manifest=absent.csv"], 1, "absent.csv: there is no such manifest"),
        (["run", "tiny.yaml", "--set", "upstream={name: whisper, weights: absent}"], 1, "absent"),
        (["run", "demo"], 1, "SOTTOVOCE_DEMO"),
        (["report", "."], 1, "holds no results.json"),
        (["check", "absent.csv"], 1, "there is no such manifest"),
        (["check", "source"], 1, "is a folder, not a manifest"),
        (["prepare", "emovo", "source", "-o", "x.parquet"], 1, "EMOVO"),
        (["prepare", "nowhere", "source", "-o", "x.parquet"], 1, "nowhere"),
        (["corpora", "nowhere"], 1, "there is no reader for 'nowhere'"),
        (["translate", "source.csv", "--to", "xx", "-o", "x.parquet"], 1, "xx"),
        (["extract", "source.csv", "--slice", "3/2"], 2, "write K/N"),
        (["extract", "source.csv", "--layer", "middle"], 1, "middle"),
        (["extract", "source.csv", "--layer", "99"], 1, "99"),
        (["run"], 2, "Missing argument"),
        (["run", "tiny.yaml", "--device", "abacus"], 2, "abacus"),
        (["sing"], 2, "No such command"),
    ],
)
def test_mistakes_at_the_command_line(mistaken, arguments, code, complaint):
    outcome = launcher.sottovoce(mistaken, *arguments)
    assert (outcome.code, outcome.out) == (code, "")
    assert complaint in outcome.err and "Traceback" not in outcome.err


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("mistaken")
    _sides(place)
    return place


def test_recordings_that_vanish_after_the_run(tmp_path):
    """A manifest that names them is refused with all their names, and nothing of the run is harmed."""
    _sides(tmp_path)
    assert run(tmp_path, "--set", "conditions=[target-only]", "--set", "model.condition=target-only").code == 0
    before = (tmp_path / "out" / "results.json").read_bytes()
    shutil.rmtree(tmp_path / "target")
    outcome = run(tmp_path)
    assert outcome.code == 1 and outcome.err.count("no such recording") == 24
    assert (tmp_path / "out" / "results.json").read_bytes() == before
