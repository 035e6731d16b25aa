"""CaFE: names, intensities, and folders whose accents were garbled."""

from __future__ import annotations

from sottovoce.corpora.published.cafe import CARD, prepare
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "CaFE_48k/Colère/Faible/01-C-1-2.wav",
        "CaFE_48k/D‚go–t/Fort/12-D-2-6.wav",
        "CaFE_48k/Neutre/07-N-1-1.wav",
        "CaFE_48k/Tristesse/Fort/02-T-2-4.wav",
    )
)


def test_what_the_names_say(tmp_path):
    prepared = prepare(MINIATURE.write(tmp_path / CARD.name, tone))
    assert facts(prepared) == {
        "01-C-1-2": ("cafe-01", "angry", "2", "fr"),
        "12-D-2-6": ("cafe-12", "disgusted", "6", "fr"),
        "07-N-1-1": ("cafe-07", "neutral", "1", "fr"),
        "02-T-2-4": ("cafe-02", "sad", "4", "fr"),
    }
    read = {u.id: u for u in prepared.manifest}
    assert {name: u.measures["emotion_intensity"] for name, u in read.items()} == {
        "01-C-1-2": 0.0,
        "12-D-2-6": 1.0,
        "07-N-1-1": 0.0,
        "02-T-2-4": 1.0,
    }
    assert read["12-D-2-6"].text == "Six ours aimants domestiqués"
