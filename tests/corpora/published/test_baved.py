"""BAVED: levels of arousal, as a measure and as labels of ours."""

from __future__ import annotations

from sottovoce.corpora.published.baved import CARD, prepare
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(("2/55-m-16-2-0-778.wav", "2/56-f-40-2-2-657.wav", "0/4-M-20-0-1-705.wav"))


def test_what_the_names_say(tmp_path):
    prepared = prepare(MINIATURE.write(tmp_path / CARD.name, tone))
    assert facts(prepared) == {
        "55-m-16-2-0-778": ("baved-55", "tiredness", "2", "ar"),
        "56-f-40-2-2-657": ("baved-56", "other", "2", "ar"),
        "4-M-20-0-1-705": ("baved-4", "neutral", "0", "ar"),
    }
    read = {u.id: u for u in prepared.manifest}
    assert {name: dict(u.measures) for name, u in read.items()} == {
        "55-m-16-2-0-778": {"arousal": 0.0},
        "56-f-40-2-2-657": {"arousal": 2.0},
        "4-M-20-0-1-705": {"arousal": 1.0},
    }
    assert read["55-m-16-2-0-778"].text == "هذا"
