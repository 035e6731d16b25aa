"""EMOVO: names and sentences."""

from __future__ import annotations

from sottovoce.corpora.published.emovo import prepare
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(("f1/pau-f1-b1.wav", "f1/neu-f1-d2.wav", "m3/rab-m3-n5.wav"))


def test_what_the_names_say(folder):
    prepared = prepare(folder)
    assert facts(prepared) == {
        "pau-f1-b1": ("emovo-f1", "fearful", "b1", "it"),
        "neu-f1-d2": ("emovo-f1", "neutral", "d2", "it"),
        "rab-m3-n5": ("emovo-m3", "angry", "n5", "it"),
    }
    assert prepared.manifest[0].text == "Porti con te quella cosa?"
