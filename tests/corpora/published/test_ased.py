"""ASED: a capital letter, and sentences that belong to one emotion."""

from __future__ import annotations

from sottovoce.corpora.published.ased import CARD, prepare
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "01Neutral/n1-01-02-02-29.wav",
        "02Fearful/f2-01-01-02-29.wav",
        "04Sad/S4-04-02-01-29.wav",
        "04Sad/s4-07-02-01-31.wav",
        "05Angry/a5-07-01-01-33.wav",
    )
)


def test_what_the_names_say(tmp_path):
    assert facts(prepare(MINIATURE.write(tmp_path / CARD.name, tone))) == {
        "n1-01-02-02-29": ("ased-29", "neutral", "01", "am"),
        "f2-01-01-02-29": ("ased-29", "fearful", "01", "am"),
        "S4-04-02-01-29": ("ased-29", "sad", "s04", "am"),
        "s4-07-02-01-31": ("ased-31", "sad", "s07", "am"),
        "a5-07-01-01-33": ("ased-33", "angry", "a07", "am"),
    }
