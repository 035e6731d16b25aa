"""Thorsten-Voice emotional: one name in every folder, manners of speaking that are no emotions."""

from __future__ import annotations

from sottovoce.corpora.published.thorsten_emotional import CARD, prepare
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

SENTENCE = "31952592964b2a3e715f1bea81bdc3cf"
MINIATURE = Miniature(
    tuple(f"thorsten-emotional_v02/{style}/{SENTENCE}.wav" for style in ("amused", "drunk", "neutral", "sleepy"))
)


def test_folders_are_manners_of_speaking(tmp_path):
    assert facts(prepare(MINIATURE.write(tmp_path / CARD.name, tone))) == {
        f"{style}-{SENTENCE}": ("thorsten-emotional-thorsten", emotion, SENTENCE, "de")
        for style, emotion in {
            "amused": "amusement",
            "drunk": "other",
            "neutral": "neutral",
            "sleepy": "tiredness",
        }.items()
    }
