"""MESD: no speakers, words of several parts."""

from __future__ import annotations

from sottovoce.corpora.published.mesd import CARD, prepare
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    tuple(
        f"Mexican Emotional Speech Database (MESD)/{name}.wav"
        for name in ("Anger_C_A_basta_ya", "Happiness_C_A_lento_dentro", "Neutral_F_B_estacion", "Sadness_M_A_afuera")
    )
)


def test_the_voice_type_is_the_speaker(tmp_path):
    assert facts(prepare(MINIATURE.write(tmp_path / CARD.name, tone))) == {
        "Anger_C_A_basta_ya": ("mesd-C", "angry", "basta_ya", "es"),
        "Happiness_C_A_lento_dentro": ("mesd-C", "happy", "lento_dentro", "es"),
        "Neutral_F_B_estacion": ("mesd-F", "neutral", "estacion", "es"),
        "Sadness_M_A_afuera": ("mesd-M", "sad", "afuera", "es"),
    }
