"""RAVDESS: names, sentences, intensities, and copies that hold more than the speech part once."""

from __future__ import annotations

import shutil

import pytest

from sottovoce.corpora.published.ravdess import prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(("Actor_01/03-01-06-02-01-01-01.wav", "Actor_24/03-01-01-01-02-02-24.wav"))


def test_what_the_names_say(folder):
    prepared = prepare(folder)
    assert facts(prepared) == {
        "03-01-06-02-01-01-01": ("ravdess-01", "fearful", "01", "en"),
        "03-01-01-01-02-02-24": ("ravdess-24", "neutral", "02", "en"),
    }
    texts = {u.id: u.text for u in prepared.manifest}
    assert texts["03-01-06-02-01-01-01"] == "Kids are talking by the door."
    assert texts["03-01-01-01-02-02-24"] == "Dogs are sitting by the door."


def test_intensity_is_read(folder):
    read = prepare(folder).manifest
    assert {u.id: u.measures["emotion_intensity"] for u in read} == {u.id: float(u.id[10] == "2") for u in read}
    assert len({u.measures["emotion_intensity"] for u in read}) == 2


def test_sung_ravdess_is_not_taken_for_speech(folder, make_tone):
    spoken = facts(prepare(folder))
    make_tone("ravdess/Audio_Song_Actors_01-24/Actor_01/03-02-06-02-01-01-01.wav", duration_s=0.3)
    prepared = prepare(folder)
    assert facts(prepared) == spoken
    assert "1 recordings were left out: the card of RAVDESS says which" in prepared.notes
    with pytest.raises(CorpusError, match="does not look like RAVDESS"):
        prepare(folder / "Audio_Song_Actors_01-24")


def test_a_doubled_folder_counts_once_and_hidden_files_not_at_all(folder):
    shutil.copytree(folder / "Actor_01", folder / "audio_speech_actors_01-24" / "Actor_01")
    shutil.copytree(folder / "Actor_01", folder / "__MACOSX" / "Actor_01")
    shutil.copy(folder / "Actor_01/03-01-06-02-01-01-01.wav", folder / "Actor_01/._03-01-06-02-01-01-01.wav")
    prepared = prepare(folder)
    assert len(prepared.manifest) == 2
    assert "1 recordings lie there more than once; each was taken once" in prepared.notes
