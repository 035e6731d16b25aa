"""A plain voice takes over the prosody of another utterance: every aspect, and nothing that clicks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sottovoce.translation import vocoder, voices
from sottovoce.translation.prosody import Prosody, analyse, compare
from sottovoce.translation.transfer import PlainVoice, stretched, transfer


@pytest.fixture(scope="module")
def italian() -> PlainVoice:
    return PlainVoice.of(voices.speak("Domani andiamo al mercato.", "it")[0])


@pytest.fixture(scope="module")
def english() -> Prosody:
    return analyse(voices.speak("My sister called this morning.", "en")[0])


def changed(prosody: Prosody, *, f0_st: float = 0, range_ratio: float = 1, db: float = 0, tilt: float = 0) -> Prosody:
    middle = np.nanmedian(prosody.f0_st)
    return replace(
        prosody,
        f0_st=middle + f0_st + range_ratio * (prosody.f0_st - middle),
        loudness_db=prosody.loudness_db + db,
        tilt_db_per_octave=prosody.tilt_db_per_octave + tilt,
    )


def test_contours_follow_the_source(italian: PlainVoice, english: Prosody) -> None:
    quiet = changed(english, db=-12)
    measures = compare(quiet, analyse(transfer(italian, quiet, english)))
    assert measures["f0_contour_correlation"] > 0.85
    assert measures["loudness_contour_correlation"] > 0.4
    assert abs(measures["f0_level_difference_st"]) < 1
    assert measures["loudness_difference_db"] == pytest.approx(0, abs=1)
    plain = compare(quiet, italian.prosody)
    assert plain["f0_contour_correlation"] < measures["f0_contour_correlation"]
    assert plain["loudness_contour_correlation"] < measures["loudness_contour_correlation"]


@pytest.mark.parametrize("f0_st", [-7.0, 8.0])
def test_f0_level_moves(italian: PlainVoice, english: Prosody, f0_st: float) -> None:
    before, after = (analyse(transfer(italian, p, english)) for p in (english, changed(english, f0_st=f0_st)))
    assert compare(before, after)["f0_level_difference_st"] == pytest.approx(f0_st, abs=0.5)


def test_f0_range_moves(italian: PlainVoice, english: Prosody) -> None:
    before, after = (analyse(transfer(italian, p, english)) for p in (english, changed(english, range_ratio=1.5)))
    assert compare(before, after)["f0_range_ratio"] == pytest.approx(1.5, rel=0.1)


def test_tilt_moves(italian: PlainVoice, english: Prosody) -> None:
    before, after = (analyse(transfer(italian, changed(english, db=-12, tilt=t), english)) for t in (-2, 2))
    assert compare(before, after)["tilt_difference"] == pytest.approx(4, abs=1)


@pytest.mark.parametrize("ratio", [0.7, 1.5])
def test_tempo_is_relative_to_the_plain_source(italian: PlainVoice, english: Prosody, ratio: float) -> None:
    n_frames = round(english.f0_st.size * ratio)
    slower = replace(english, f0_st=np.resize(english.f0_st, n_frames), loudness_db=english.loudness_contour(n_frames))
    heard = analyse(transfer(italian, slower, english))
    assert heard.speech_s == pytest.approx(italian.prosody.speech_s * ratio, rel=0.07)


def test_without_a_plain_source_durations_match(italian: PlainVoice, english: Prosody) -> None:
    heard = analyse(transfer(italian, english, None))
    assert heard.speech_s == pytest.approx(english.speech_s, rel=0.07)


def test_a_whisper_keeps_the_voices_own_f0(italian: PlainVoice, english: Prosody) -> None:
    whisper = replace(english, f0_st=np.full_like(english.f0_st, np.nan))
    heard = analyse(transfer(italian, whisper, english))
    assert heard.figures()["f0_level_st"] == pytest.approx(italian.prosody.figures()["f0_level_st"], abs=0.5)


def test_no_clicks_and_no_clipping(italian: PlainVoice, english: Prosody) -> None:
    sound = transfer(italian, changed(english, db=30), english)
    assert sound.dtype == np.float32 and np.abs(sound).max() <= 0.98 + 1e-6
    assert not sound[:1_600].any() and not sound[-1_600:].any()
    voice = voices.speak("Domani andiamo al mercato.", "it")[0]
    step, natural_step = (np.abs(np.diff(w)).max() / np.abs(w).max() for w in (sound, voice))
    assert step < 2 * natural_step


def test_the_vocoder_keeps_what_it_is_given(italian: PlainVoice) -> None:
    before = italian.frames.f0_hz
    after = vocoder.track_pitch(vocoder.put_together(italian.frames))[: before.size]
    both = (before > 0) & (after > 0)
    assert both.sum() > 0.8 * (before > 0).sum()
    assert np.median(np.abs(12 * np.log2(after[both] / before[both]))) < 0.2


def test_stretching_keeps_first_and_last_frame(italian: PlainVoice) -> None:
    longer = stretched(italian.frames, 1.4)
    assert longer.f0_hz.size == round(1.4 * italian.frames.f0_hz.size)
    assert np.array_equal(longer.envelope[[0, -1]], italian.frames.envelope[[0, -1]])
