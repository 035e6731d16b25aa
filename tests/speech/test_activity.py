"""Where somebody speaks: the same in blocks as in one piece."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from sottovoce.errors import MissingExtra
from sottovoce.speech import activity, audio
from sottovoce.speech.activity import FRAME, detector

needs_silero = pytest.mark.skipif(not activity.has_silero(), reason="the extra vad is not installed")


def framed(sound: np.ndarray) -> np.ndarray:
    return sound[: sound.size // FRAME * FRAME].reshape(-1, FRAME).astype(np.float32)


@pytest.mark.parametrize("name", ["level", "all", pytest.param("silero", marks=needs_silero)])
def test_blocks_change_nothing(name):
    noise = np.random.default_rng(0).normal(0, 0.1, (100, FRAME)).astype(np.float32)
    frames = noise * (np.arange(100, dtype=np.float32) // 20 % 2)[:, None]
    whole, pieced = detector(name), detector(name)
    said = whole.hear(frames)
    assert said.shape == (100,) and said.dtype == bool
    parts = [pieced.hear(frames[a:b]) for a, b in ((0, 1), (1, 1), (1, 40), (40, 100))]
    assert np.array_equal(np.concatenate(parts), said)


def test_level_hears_what_is_above_minus_45_db():
    levels_db = np.array([-80, -46, -44, -10])
    frames = np.repeat(10 ** (levels_db / 20), FRAME).reshape(-1, FRAME).astype(np.float32)
    assert detector("level").hear(frames).tolist() == [False, False, True, True]


@needs_silero
def test_silero_takes_neither_silence_nor_noise_nor_a_tone_for_speech():
    time_s = np.arange(5 * 16_000) / 16_000
    noise = np.random.default_rng(0).normal(0, 0.1, time_s.size)
    for sound in (np.zeros_like(time_s), noise, 0.3 * np.sin(2 * np.pi * 440 * time_s)):
        assert detector("silero").hear(framed(sound)).mean() < 0.05


@needs_silero
@pytest.mark.real
def test_silero_hears_speech_and_the_pauses_between(real_corpora: Path):
    recordings = sorted((real_corpora / "emodb").rglob("*.flac"))[:6]
    pause = np.random.default_rng(0).normal(0, 1e-4, 2 * 16_000).astype(np.float32)
    spoken, silent = [], []
    hearing, again = detector("silero"), detector("silero")
    for path in recordings:
        frames = framed(audio.read(path))
        spoken.append(hearing.hear(frames))
        silent.append(hearing.hear(framed(pause)))
        pieces = np.split(np.concatenate([frames, framed(pause)]), [1, 2, 30])
        assert np.array_equal(
            np.concatenate([again.hear(piece) for piece in pieces]), np.concatenate([spoken[-1], silent[-1]])
        )
    assert np.concatenate(spoken).mean() > 0.75
    assert np.concatenate([s[10:] for s in silent]).mean() < 0.02  # a third of a second to notice the end


@needs_silero
def test_silero_s_package_is_not_imported():
    detector("silero")
    assert "silero_vad" not in sys.modules


def test_without_the_extra_auto_is_level_and_silero_says_what_to_install(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "silero_vad" else found(name))
    assert detector("auto").name == "level"
    with pytest.raises(MissingExtra, match=r"sottovoce\[vad\]"):
        detector("silero")
