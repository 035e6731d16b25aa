"""SUBESCO: numbers that two people have, and a stray bracket."""

from __future__ import annotations

from sottovoce.corpora.published.subesco import CARD, prepare
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "SUBESCO/F_02_MONIKA_S_2_SURPRISE_3].wav",
        "SUBESCO/M_02_NIPUN_S_10_FEAR_5.wav",
        "SUBESCO/M_10_EVAN_S_1_NEUTRAL_1.wav",
    )
)


def test_what_the_names_say(tmp_path):
    assert facts(prepare(MINIATURE.write(tmp_path / CARD.name, tone))) == {
        "F_02_MONIKA_S_2_SURPRISE_3]": ("subesco-F_02", "surprised", "2", "bn"),
        "M_02_NIPUN_S_10_FEAR_5": ("subesco-M_02", "fearful", "10", "bn"),
        "M_10_EVAN_S_1_NEUTRAL_1": ("subesco-M_10", "neutral", "1", "bn"),
    }
