"""Emotions in Polish speech recordings: s is fear, and a dot within the name."""

from __future__ import annotations

from sottovoce.corpora.published.polish import CARD, prepare
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(("m1.a_nie_2.wav", "m3.s_trzymaj_5.wav", "m5.n_oddaj_2.wav"))


def test_what_the_names_say(tmp_path):
    prepared = prepare(MINIATURE.write(tmp_path / CARD.name, tone))
    assert facts(prepared) == {
        "m1.a_nie_2": ("polish-m1", "angry", "nie", "pl"),
        "m3.s_trzymaj_5": ("polish-m3", "fearful", "trzymaj", "pl"),
        "m5.n_oddaj_2": ("polish-m5", "neutral", "oddaj", "pl"),
    }
    assert [u.text for u in prepared.manifest] == ["nie", "trzymaj", "oddaj"]
