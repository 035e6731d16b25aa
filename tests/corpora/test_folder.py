"""Your own folder: patterns, the labels in them, and every problem at once."""

from __future__ import annotations

import unicodedata

import pytest

from sottovoce.corpora import catalogue
from sottovoce.corpora.folder import compile_pattern, prepare
from sottovoce.errors import CorpusError


@pytest.fixture
def place(tmp_path):
    """A folder of empty files with the given names (reading names opens none)."""

    def write(*names: str):
        for name in names:
            (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "mine" / name).touch()
        return tmp_path / "mine"

    return write


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("{speaker}_{text_id}_{emotion}", "ann_t1_happy.wav", ("ann", "t1", "happy")),
        ("{emotion}/{speaker}_{text_id}", "Anger/ann_t1.flac", ("ann", "t1", "angry")),
        ("{speaker:2}{text_id:3}{emotion}", "03a01sad.WAV", ("03", "a01", "sad")),
        ("{speaker}/{speaker}-{_}-{emotion}", "ann/ann-9-sad.mp3", ("ann", None, "sad")),
        ("{_kind}/{_}/{speaker}, {emotion}", "x/y/señora Muñoz, tristeza.ogg", ("señora Muñoz", None, "sad")),
        ("{speaker}.{emotion}", "ann.sad.wav", ("ann", None, "sad")),
        ("{speaker}({emotion})", "声優(joy).wav", ("声優", None, "happy")),
    ],
)
def test_patterns(place, pattern, name, expected):
    (utterance,) = prepare(place(name), pattern).manifest
    assert (utterance.speaker, utterance.text_id, utterance.emotion) == expected


def test_accents_stored_apart_are_the_same_speaker(place):
    names = [unicodedata.normalize(form, f"José_{emotion}.wav") for form, emotion in (("NFC", "sad"), ("NFD", "joy"))]
    manifest = prepare(place(*names), "{speaker}_{emotion}").manifest
    assert manifest.speakers == [unicodedata.normalize("NFC", "José")]


def test_ids_and_corpus_come_from_the_folder(place):
    folder = place("a/ann_sad.wav", "b/ann_sad.wav")
    manifest = prepare(folder, "{_}/{speaker}_{emotion}", language="sw").manifest
    assert [u.id for u in manifest] == ["a/ann_sad", "b/ann_sad"]
    assert {(u.corpus, u.language) for u in manifest} == {("mine", "sw")}


def test_labels_of_your_own(place):
    folder = place("ann_W.wav", "ann_F.wav", "ann_sad.wav")
    manifest = prepare(folder, "{speaker}_{emotion}", labels={"W": "anger", "F": "happy"}).manifest
    assert [u.emotion for u in manifest] == ["happy", "angry", "sad"]
    with pytest.raises(CorpusError, match="'W=wrath'"):
        prepare(folder, "{speaker}_{emotion}", labels={"W": "wrath"})


def test_every_problem_at_once(place):
    folder = place("ann_W.wav", "bob_W.wav", "nothing.wav", "a_b_sad.wav", "ann_sad.wav")
    with pytest.raises(CorpusError) as caught:
        prepare(folder, "{speaker}_{emotion}")
    message = str(caught.value)
    assert "unknown emotion 'W' (2 times, first in ann_W.wav)" in message
    assert "nothing.wav: does not fit" in message
    assert "a_b_sad.wav: fits '{speaker}_{emotion}' in more than one way" in message
    assert len(caught.value.problems) == 3


def test_duplicate_ids_of_a_pattern_that_names_them(place):
    folder = place("x/ann_sad_1.wav", "y/ann_sad_1.wav")
    with pytest.raises(CorpusError, match="id '1' occurs 2 times"):
        prepare(folder, "{_}/{speaker}_{emotion}_{id}")


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("{speaker}", "'{emotion}' is missing"),
        ("{emotion}", "'{speaker}' is missing"),
        ("{speeker}_{emotion}", "'{speeker}' is not one of speaker, emotion"),
        ("{speaker_{emotion}", "cannot be used|is not valid"),
        ("{speaker:two}_{emotion}", "is not valid"),
        ("{speaker:0}_{emotion}", "a width must be 1 or more"),
        ("{}_{speaker}_{emotion}", "'{}' is not one of"),
    ],
)
def test_patterns_that_cannot_be_used(pattern, complaint):
    with pytest.raises(CorpusError, match=complaint):
        compile_pattern(pattern)


def test_touching_fields_are_never_guessed(place):
    with pytest.raises(CorpusError, match="more than one way"):
        prepare(place("annsad.wav"), "{speaker}{emotion}")


def test_a_field_that_stands_twice_must_agree(place):
    with pytest.raises(CorpusError, match="does not fit"):
        prepare(place("ann/bob_sad.wav"), "{speaker}/{speaker}_{emotion}")


def test_an_empty_folder_and_one_without_recordings(place, tmp_path):
    with pytest.raises(CorpusError, match="no recording below it"):
        prepare(place("notes.txt"), "{speaker}_{emotion}")
    with pytest.raises(CorpusError, match="there is no such folder"):
        prepare(tmp_path / "absent", "{speaker}_{emotion}")


def test_through_the_catalogue(place):
    prepared = catalogue.prepare("folder", place("ann_W.wav"), pattern="{speaker}_{emotion}", labels={"W": "angry"})
    assert prepared.manifest[0].emotion == "angry" and prepared.notes == ()
