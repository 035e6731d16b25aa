"""AESDD: the empty file, a speaker written in two ways, further takes, floating point."""

from __future__ import annotations

import numpy as np
from scipy.io import wavfile

from sottovoce.corpora.published.aesdd import CARD, prepare
from sottovoce.speech import audio
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(("anger/a06 (5)b.wav", "anger/a06 (5).wav", "fear/f10 (01).wav", "fear/f09 (1).wav"))


def test_what_the_names_say(tmp_path):
    assert facts(prepare(MINIATURE.write(tmp_path / CARD.name, tone))) == {
        "a06 (5)": ("aesdd-5", "angry", "06", "el"),
        "a06 (5)b": ("aesdd-5", "angry", "06", "el"),
        "f09 (1)": ("aesdd-1", "fearful", "09", "el"),
        "f10 (01)": ("aesdd-1", "fearful", "10", "el"),
    }


def test_the_empty_file_is_left_out_and_floating_point_is_read(tmp_path):
    folder = MINIATURE.write(tmp_path / CARD.name, tone)
    (folder / "sadness").mkdir()
    (folder / "sadness" / "s05 (3).wav").write_bytes(b"")
    wave = np.linspace(-0.5, 0.5, 4_410, dtype=np.float32)
    wavfile.write(folder / "sadness" / "s04 (3).wav", 44_100, wave)
    prepared = prepare(folder)
    assert "s05 (3)" not in facts(prepared)
    assert "1 recordings were left out: the card of AESDD says which" in prepared.notes
    (one,) = [u for u in prepared.manifest if u.emotion == "sad"]
    assert np.abs(audio.read(one.path, rate_hz=44_100) - wave).max() < 1e-6
