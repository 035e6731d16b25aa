"""MEAD: actor, emotion and intensity from the path."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.mead import CARD, prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "M003/audio/angry/level_3/001.wav",
        "M003/audio/neutral/level_1/001.wav",
        "W040/audio/fear/level_2/030.wav",
    )
)


def test_what_the_paths_say(folder):
    prepared = prepare(folder)
    assert facts(prepared) == {
        "M003/angry/level_3/001": ("mead-M003", "angry", None, "en"),
        "M003/neutral/level_1/001": ("mead-M003", "neutral", None, "en"),
        "W040/fear/level_2/030": ("mead-W040", "fearful", None, "en"),
    }
    assert [u.measures["emotion_intensity"] for u in prepared.manifest] == [1, 0, 0.5]
    assert [u.id for u in prepare(folder / "W040" / "audio").manifest] == ["W040/fear/level_2/030"]


def test_the_folder_of_sound_may_be_absent(folder):
    expected = facts(prepare(folder))
    for place in sorted(folder.glob("*/audio/*")):
        place.rename(folder / place.parent.parent.name / place.name)
    for place in folder.glob("*/audio"):
        place.rmdir()
    assert facts(prepare(folder)) == facts(prepare(folder.parent)) == expected


def test_the_counts_of_emotions_make_the_whole():
    assert sum(CARD.emotions.values()) == CARD.n_utterances == 31_729


def test_other_paths_are_refused(folder, make_tone):
    make_tone("mead/M003/audio/angry/level_4/001.wav", duration_s=0.1)
    with pytest.raises(CorpusError, match="level_4/001"):
        prepare(folder)
