"""URDU: names; the folders say nothing."""

from __future__ import annotations

import shutil

from sottovoce.corpora.published.urdu import prepare
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(("Angry/SM4_F48_A0100.wav", "Happy/SF1_F1_H01.wav", "Sad/SF10_F1_S01.wav"))


def test_what_the_names_say(folder):
    assert facts(prepare(folder)) == {
        "SM4_F48_A0100": ("urdu-SM4", "angry", None, "ur"),
        "SF1_F1_H01": ("urdu-SF1", "happy", None, "ur"),
        "SF10_F1_S01": ("urdu-SF10", "sad", None, "ur"),
    }


def test_the_manifest_does_not_depend_on_where_the_corpus_lies(folder, tmp_path):
    before = prepare(folder).manifest.fingerprint()
    shutil.move(folder, tmp_path / "elsewhere and renamed")
    assert prepare(tmp_path / "elsewhere and renamed").manifest.fingerprint() == before
