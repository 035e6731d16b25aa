"""SAVEE: speakers in folders or in names."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.savee import prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "DC/a01.wav",
        "DC/su15.wav",
        "KL/n30.wav",
    )
)


def test_what_folders_and_names_say(folder):
    assert facts(prepare(folder)) == {
        "DC_a01": ("savee-DC", "angry", "a01", "en"),
        "DC_su15": ("savee-DC", "surprised", "su15", "en"),
        "KL_n30": ("savee-KL", "neutral", "n30", "en"),
    }


def test_a_copy_with_the_speakers_in_the_names_is_the_same(folder, make_tone):
    expected = facts(prepare(folder))
    for name in expected:
        make_tone(f"ALL/{name}.wav", duration_s=0.1)
    assert facts(prepare(folder.parent / "ALL")) == expected


def test_folders_of_no_speaker_are_refused(folder, make_tone):
    make_tone("savee/XX/a01.wav", duration_s=0.1)
    with pytest.raises(CorpusError, match="XX/a01"):
        prepare(folder)
