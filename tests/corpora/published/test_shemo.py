"""ShEMO: F is a woman first and fear second."""

from __future__ import annotations

from sottovoce.corpora.published.shemo import CARD, prepare
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(("female/F01F02.wav", "female/F21N05.wav", "male/M01W11.wav", "male/M36S02.wav"))


def test_what_the_names_say(tmp_path):
    assert facts(prepare(MINIATURE.write(tmp_path / CARD.name, tone))) == {
        "F01F02": ("shemo-F01", "fearful", None, "fa"),
        "F21N05": ("shemo-F21", "neutral", None, "fa"),
        "M01W11": ("shemo-M01", "surprised", None, "fa"),
        "M36S02": ("shemo-M36", "sad", None, "fa"),
    }
