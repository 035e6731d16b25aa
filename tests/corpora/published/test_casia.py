"""CASIA: names that say nothing without their folders."""

from __future__ import annotations

from sottovoce.corpora.published.casia import CARD, prepare
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(("liuchanhg/angry/201.wav", "liuchanhg/surprise/201.wav", "wangzhe/angry/201.wav"))


def test_folders_are_speaker_and_emotion(tmp_path):
    assert facts(prepare(MINIATURE.write(tmp_path / CARD.name, tone))) == {
        "liuchanhg-angry-201": ("casia-liuchanhg", "angry", "201", "zh"),
        "liuchanhg-surprise-201": ("casia-liuchanhg", "surprised", "201", "zh"),
        "wangzhe-angry-201": ("casia-wangzhe", "angry", "201", "zh"),
    }
