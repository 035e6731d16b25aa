"""ESD: emotion and sentence from the number, language from the speaker."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.esd import prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "0001/Neutral/0001_000001.wav",
        "0001/Angry/train/0001_000351.wav",
        "0011/Surprise/0011_001750.wav",
    )
)


def test_what_the_names_say(folder):
    assert facts(prepare(folder)) == {
        "0001_000001": ("esd-0001", "neutral", "zh-001", "zh"),
        "0001_000351": ("esd-0001", "angry", "zh-001", "zh"),
        "0011_001750": ("esd-0011", "surprised", "en-350", "en"),
    }
    assert len(prepare(folder / "0001" / "Neutral").manifest) == 1


def test_numbers_that_no_speaker_has_are_refused(folder, make_tone):
    for wrong in ("0001_000000", "0001_001751", "0021_000001", "0000_000001"):
        make_tone(f"esd/0001/Neutral/{wrong}.wav", duration_s=0.1)
    with pytest.raises(CorpusError) as caught:
        prepare(folder)
    assert len(caught.value.problems) == 4
