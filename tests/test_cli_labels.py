"""The commands that show what training makes of labels and of sounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from sottovoce.corpora.catalogue import corpora
from tests import launcher


@pytest.fixture
def place(make_tone, tmp_path: Path) -> Path:
    make_tone("a.wav", duration_s=0.3)
    rows = [
        "path,speaker,emotion,id,corpus,measure_emotion_intensity",
        "a.wav,1,contempt,1,one,",
        "a.wav,1,sad,2,two,0",
    ]
    (tmp_path / "two.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text("labels: {contempt: {angry: 1}}\n", encoding="utf-8")
    return tmp_path


def told(place: Path, *arguments: str) -> str:
    done = launcher.sottovoce(place, "labels", *arguments)
    assert done.code == 0, done.err
    return " ".join(done.out.replace("│", " ").split())


def test_the_table_and_the_sets_it_knows(place):
    every = told(place)
    assert "contempt disgusted 0.5, other 0.5" in every and "empathic pain sad 0.75, other 0.25" in every
    assert ", ".join([*corpora(), "ekman6", "ekman7"]) in every and every.count("hume-prosody") == 1
    assert "calm neutral 0.9, happy 0.1" in told(place, "ravdess")
    assert "fru angry 0.75, sad 0.25" in told(place, "iemocap")


def test_a_manifest_shows_what_training_sees(place):
    shown = told(place, "two.csv")
    assert "one: contempt 1 disgusted 0.5, other 0.5 disgusted 0.5, other 0.5" in shown
    assert "two: sad 1 sad 1 sad 0.8, neutral 0.2" in shown
    assert "sad 0.9, neutral 0.1" in told(place, "two.csv", "--neutral-smoothing", "0.1")
    assert "one: contempt 1 angry 1 angry 1" in told(place, "two.csv", "--table", "mine.yaml")


def test_mistakes_are_told(place):
    nothing = launcher.sottovoce(place, "labels", "emodbb")
    assert nothing.code == 1 and "neither a manifest" in nothing.err and "emodb, emodb-2" in nothing.err
    (place / "own.yaml").write_text("classes: [sad]\nlabels: {sad: {sad: 1}}\n", encoding="utf-8")
    unknown = launcher.sottovoce(place, "labels", "two.csv", "--table", "own.yaml")
    assert unknown.code == 1 and "'contempt' of one (1 utterances) is not in the table" in unknown.err
    assert "not in the table" in told(place, "ekman6", "--table", "own.yaml")


def test_the_page_of_a_recording(place):
    done = launcher.sottovoce(place, "augment", "a.wav", "-o", "seen/sheet.html", "--seed", "3")
    assert done.code == 0 and "page: seen/sheet.html" in done.out
    assert "seed 3" in (place / "seen" / "sheet.html").read_text(encoding="utf-8")
    refused = launcher.sottovoce(place, "augment", "two.csv")
    assert refused.code == 1 and "two.csv: not a readable sound file" in refused.err
