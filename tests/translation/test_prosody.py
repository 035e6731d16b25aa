"""What is measured of prosody, on sounds whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from sottovoce.speech.audio import Waveform
from sottovoce.translation import vocoder
from sottovoce.translation.prosody import agreement, analyse, compare, level_db, loudness_db
from tests.conftest import tone


def glide(from_hz: float, to_hz: float, duration_s: float = 1.5, loud: float = 0.1) -> Waveform:
    """Harmonics of an F0 that moves in equal steps of semitones; loudness rises and falls three times."""
    n = round(duration_s * 16_000)
    f0_hz = np.geomspace(from_hz, to_hz, n)
    phase = 2 * np.pi * np.cumsum(f0_hz) / 16_000
    swell = 0.6 - 0.4 * np.cos(2 * np.pi * 3 * np.arange(n) / n)
    return (loud * swell * sum(np.sin(k * phase) / k for k in range(1, 12))).astype(np.float32)


def test_pitch_of_a_tone() -> None:
    f0_hz = vocoder.track_pitch(tone(pitch_hz=150))
    voiced = f0_hz[f0_hz > 0]
    assert voiced.size > 0.9 * f0_hz.size
    assert np.median(voiced) == pytest.approx(150, abs=0.5)


def test_figures_of_a_glide() -> None:
    figures = analyse(glide(100, 200)).figures()
    assert figures["f0_level_st"] == pytest.approx(6, abs=0.3)
    assert figures["f0_range_st"] == pytest.approx(0.8 * 12, abs=0.5)
    assert figures["voiced_share"] > 0.9


def test_silence_around_the_speech_does_not_count() -> None:
    rng = np.random.default_rng(0)
    bare = glide(120, 180)
    framed = np.concatenate([np.zeros(8_000), bare, np.zeros(16_000)]) + rng.normal(0, 1e-4, bare.size + 24_000)
    found = analyse(framed.astype(np.float32))
    assert found.start_s == pytest.approx(0.5, abs=0.05)
    assert found.speech_s == pytest.approx(analyse(bare).speech_s, abs=0.08)


def test_rumble_is_not_speech() -> None:
    time_s = np.arange(48_000) / 16_000
    rumble = 0.05 * np.sin(2 * np.pi * 20 * time_s)
    rumble[16_000:32_000] += glide(120, 180, 1.0)
    found = analyse(rumble.astype(np.float32))
    assert found.start_s == pytest.approx(1.0, abs=0.06) and found.speech_s == pytest.approx(1.0, abs=0.1)


def test_loudness_and_tilt_know_their_units() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)
    assert level_db(loudness_db(noise)) == pytest.approx(-20, abs=0.2)
    assert analyse(noise).tilt_db_per_octave == pytest.approx(0, abs=0.6)
    softened = np.cumsum(noise - noise.mean())  # an integrator falls by 6 dB an octave
    assert analyse((softened / 50).astype(np.float32)).tilt_db_per_octave == pytest.approx(-6, abs=0.6)


def test_a_sound_agrees_with_itself() -> None:
    prosody = analyse(glide(110, 220))
    measures = compare(prosody, prosody)
    assert measures["f0_contour_correlation"] == pytest.approx(1)
    assert measures["loudness_contour_correlation"] == pytest.approx(1)
    assert measures["duration_ratio"] == measures["f0_range_ratio"] == measures["loudness_range_ratio"] == 1
    assert measures["f0_level_difference_st"] == measures["loudness_difference_db"] == 0
    assert measures["tempo_ratio"] == 1 and measures["pause_ratio_difference"] == 0


def test_differences_have_the_right_sign_and_size() -> None:
    measures = compare(analyse(glide(200, 100)), analyse(glide(200, 400, duration_s=3.0, loud=0.2)))
    assert measures["f0_level_difference_st"] == pytest.approx(12, abs=0.5)
    assert measures["f0_contour_correlation"] < -0.9
    assert measures["duration_ratio"] == pytest.approx(2, abs=0.05)
    assert measures["loudness_difference_db"] == pytest.approx(6, abs=0.3)


def syllables(n: int, per_s: float, *, voiced: bool = True) -> Waveform:
    """`n` swells of a voice (or of noise), at this rate; between two of them it is a tenth as loud."""
    time_s = np.arange(round(16_000 * n / per_s)) / 16_000
    swell = 0.55 - 0.45 * np.cos(2 * np.pi * per_s * time_s)
    noise = np.random.default_rng(2).normal(0, 0.3, time_s.size)
    voice = sum(np.sin(2 * np.pi * 140 * k * time_s) / k for k in range(1, 12))
    return (0.1 * swell * (voice if voiced else noise)).astype(np.float32)


def with_pause(before: Waveform, silence_s: float, after: Waveform) -> Waveform:
    """Two stretches of speech, silence between them and around, all in a little noise."""
    silence = np.zeros(round(16_000 * silence_s))
    whole = np.concatenate([np.zeros(4_000), before, silence, after, np.zeros(4_000)])
    return (whole + np.random.default_rng(0).normal(0, 1e-4, whole.size)).astype(np.float32)


@pytest.mark.parametrize("per_s", [3.0, 5.0, 7.0])
def test_tempo_counts_swells_of_a_voice(per_s: float) -> None:
    assert analyse(syllables(12, per_s)).figures()["tempo_per_s"] == pytest.approx(per_s, rel=0.1)


def test_pauses_are_counted_and_do_not_slow_the_tempo() -> None:
    flowing, halting = (
        analyse(with_pause(syllables(6, 5.0), silence_s, syllables(6, 5.0))) for silence_s in (0.0, 0.6)
    )
    assert flowing.figures()["pause_ratio"] == 0
    assert halting.figures()["pause_ratio"] == pytest.approx(0.6 / 3.0, abs=0.03)
    measures = compare(flowing, halting)
    assert measures["pause_ratio_difference"] == pytest.approx(0.6 / 3.0, abs=0.03)
    assert measures["duration_ratio"] == pytest.approx(3.0 / 2.4, abs=0.05)
    assert measures["tempo_ratio"] == pytest.approx(1, abs=0.05)


def test_closure_of_a_consonant_is_no_pause() -> None:
    closed = analyse(with_pause(syllables(6, 5.0), 0.08, syllables(6, 5.0)))
    assert closed.figures()["pause_ratio"] == 0


def test_noise_has_no_syllables() -> None:
    assert "tempo_per_s" not in analyse(syllables(12, 5.0, voiced=False)).figures()


@pytest.mark.parametrize("seconds", [0.1, 0.12, 1.0])
@pytest.mark.parametrize("kind", ["whisper", "click", "constant", "clipped", "tone"])
def test_odd_sounds_give_no_nan(kind: str, seconds: float) -> None:
    n, rng = round(16_000 * seconds), np.random.default_rng(1)
    sounds = {
        "whisper": np.diff(rng.normal(0, 0.05, n + 1)),
        "click": np.eye(1, n, n // 2)[0],
        "constant": np.full(n, 0.5),
        "clipped": np.sign(np.sin(np.arange(n) / 20)),
        "tone": 0.5 * np.sin(np.arange(n) / 20),
    }
    odd = analyse(sounds[kind].astype(np.float32))
    for measures in (compare(odd, analyse(tone())), compare(analyse(tone()), odd)):
        assert np.isfinite(list(measures.values())).all()
    if kind in ("click", "constant"):
        assert not odd.voiced and "f0_level_st" not in odd.figures()


def test_agreement_over_a_corpus() -> None:
    rows = [{"source_f0_level_st": x, "translated_f0_level_st": 3 - x} for x in (0.0, 1.0, 5.0)]
    rows += [{"source_speech_s": 1.0, "translated_speech_s": 2.0}]  # no F0: left out of that figure
    assert agreement(rows) == {"f0_level_st": pytest.approx(-1)}
