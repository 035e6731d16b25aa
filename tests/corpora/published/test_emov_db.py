"""EmoV-DB: speakers from folders, in both versions, and spellings of names."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.emov_db import prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "bea_Amused/amused_57-84_0057.wav",
        "sam_Disgusted/Disgust_29_56_0033.wav",
        "josh_Sleepy/sleepiness_1-28_0001.wav",
    )
)


def test_what_folders_and_names_say(folder):
    assert facts(prepare(folder)) == {
        "bea/amused_57-84_0057": ("emov-db-bea", "amusement", "0057", "en"),
        "josh/sleepiness_1-28_0001": ("emov-db-josh", "tiredness", "0001", "en"),
        "sam/Disgust_29_56_0033": ("emov-db-sam", "disgusted", "0033", "en"),
    }


def test_the_sorted_version_is_the_same(folder, make_tone):
    expected = facts(prepare(folder))
    for name, (_, emotion, *_) in expected.items():
        speaker, recording = name.split("/")
        make_tone(f"sorted/{speaker}/{emotion.title()}/{recording}.wav", duration_s=0.1)
    assert facts(prepare(folder.parent / "sorted")) == expected


def test_without_a_speaker_s_folder_names_are_refused(folder, make_tone):
    make_tone("emov-db/Amused/amused_57-84_0058.wav", duration_s=0.1)
    with pytest.raises(CorpusError, match="amused_57-84_0058"):
        prepare(folder)
