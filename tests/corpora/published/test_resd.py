"""RESD: dialogues in place of speakers, and a blank where others have an underscore."""

from __future__ import annotations

from sottovoce.corpora.published.resd import CARD, prepare
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "train/happiness_enthusiasm_32/32_happiness_enthusiasm_h_120.wav",
        "train/11_disgust_anger/11_anger_disgust d_10.wav",
        "test/happiness_enthusiasm_32/32_happiness_enthusiasm_e_10.wav",
        "test/04_fear_enthusiasm/04_fear_enthusiasm f_140.wav",
    )
)


def test_what_the_names_say(tmp_path):
    assert facts(prepare(MINIATURE.write(tmp_path / CARD.name, tone))) == {
        "04_fear_enthusiasm f_140": ("resd-04", "fearful", None, "ru"),
        "11_anger_disgust d_10": ("resd-11", "disgusted", None, "ru"),
        "32_happiness_enthusiasm_e_10": ("resd-32", "enthusiasm", None, "ru"),
        "32_happiness_enthusiasm_h_120": ("resd-32", "happy", None, "ru"),
    }
