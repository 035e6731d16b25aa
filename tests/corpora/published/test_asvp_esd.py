"""ASVP-ESD: speech is read, other sounds are left out, and names of any length."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.asvp_esd import prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "Audio/actor_36/03-01-09-01-06-36-02-02-01-39.wav",
        "Audio/actor_86/03-01-11-02-02-86-02-02.wav",
        "Bonus/actor_50/03-02-04-01-07-50-02-01-02-14 -01.wav",
    ),
    n_utterances=2,
)


def test_what_the_names_say(folder):
    prepared = prepare(folder)
    assert facts(prepared) == {
        "actor_36/03-01-09-01-06-36-02-02-01-39": ("asvp-esd-36", "happy", None, None),
        "actor_86/03-01-11-02-02-86-02-02": ("asvp-esd-86", "pain", None, None),
    }
    assert [u.measures["emotion_intensity"] for u in prepared.manifest] == [0, 1]
    assert "1 recordings were left out: the card of ASVP-ESD says which" in prepared.notes


def test_the_actors_folders_may_be_absent(folder):
    expected = facts(prepare(folder))
    for place in sorted(folder.rglob("*.wav")):
        place.rename(folder / place.name)
    assert facts(prepare(folder)) == expected


def test_other_names_are_refused(folder, make_tone):
    make_tone("asvp-esd/Audio/actor_36/03-01-99-01-06-36-02-02-01-39.wav", duration_s=0.1)
    with pytest.raises(CorpusError, match="03-01-99-01"):
        prepare(folder)
