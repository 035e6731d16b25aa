"""The source's prosody put on a plain voice, with WORLD.

What is carried over: tempo, F0 level, range and contour, loudness level and contour, spectral tilt. What is
not: the speaker's timbre, voice quality beyond the tilt, breaths, laughter, pauses within the sentence. Every
utterance translated into a language has the one timbre of that language's voice, at the source's F0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sottovoce.speech.audio import RATE_HZ, Waveform
from sottovoce.translation.prosody import Prosody, analyse, level_db, loudness_db, over_syllables
from sottovoce.translation.vocoder import HIGHEST_HZ, HOP_S, LOWEST_HZ, Contour, Frames, put_together, take_apart

SLOWEST, FASTEST = 2.0, 0.5
"""Limits of the change of duration: beyond them the measurement is wrong, or the voice cannot be understood."""

_STEEPEST = 6.0  # dB per octave of change in tilt
_LOUDER_DB, _SOFTER_DB = 12.0, -25.0  # limits of the change within an utterance: a pause must not become a roar
_PEAK = 0.98
_PAD_S = 0.1  # silence before and after
_FADE_S = 0.01


@dataclass(frozen=True, eq=False)
class PlainVoice:
    """A plain rendering of a text, cut to the speech and taken apart once for any number of transfers."""

    frames: Frames
    prosody: Prosody

    @classmethod
    def of(cls, waveform: Waveform) -> PlainVoice:
        """Analyse a rendering at 16 kHz."""
        bounds = analyse(waveform)
        first = round(bounds.start_s * RATE_HZ)
        speech = waveform[first : first + round(bounds.speech_s * RATE_HZ)]
        return cls(take_apart(speech), bounds)


def transfer(voice: PlainVoice, source: Prosody, source_plain: Prosody | None) -> Waveform:
    """Say what `voice` says in the way of `source`.

    The duration is the plain voice's, times the ratio of the source's duration to that of the same text and
    language in a plain voice (`source_plain`): slow speech becomes slow speech, whatever the languages' lengths.
    Without `source_plain` the translation gets the duration of the source, as in dubbing. A source without
    voice keeps the plain voice's F0.

    Returns:
        float32 `[n]` at 16 kHz, finite, peak below 1.
    """
    stretch = source.speech_s / (source_plain or voice.prosody).speech_s
    frames = stretched(voice.frames, float(np.clip(stretch, FASTEST, SLOWEST)))
    f0_hz = frames.f0_hz
    if source.voiced:
        contour_hz = 100 * 2 ** (source.f0_contour(f0_hz.size) / 12)
        f0_hz = np.where(f0_hz > 0, contour_hz.clip(LOWEST_HZ, HIGHEST_HZ), 0.0)
    tilt = float(np.clip(source.tilt_db_per_octave - voice.prosody.tilt_db_per_octave, -_STEEPEST, _STEEPEST))
    speech = put_together(replace(frames, f0_hz=f0_hz, envelope=frames.envelope * tilt_gain(frames.bins_hz, tilt)))
    return finish(_with_loudness(speech, source))


def stretched(frames: Frames, ratio: float) -> Frames:
    """The frames of the same speech at `ratio` times its duration (each new frame is the nearest old one)."""
    n_frames = max(round(frames.f0_hz.size * ratio), 2)
    nearest = np.round(np.linspace(0, frames.f0_hz.size - 1, n_frames)).astype(int)
    return Frames(frames.f0_hz[nearest], frames.envelope[nearest], frames.aperiodicity[nearest])


def finish(speech: Waveform) -> Waveform:
    """Fade both ends, put silence around, and scale a peak that is too high. `[n]` -> `[n + 0.2 s]`, float32."""
    fade = np.minimum(np.arange(speech.size) / (_FADE_S * RATE_HZ), 1.0)
    padded = np.pad(speech * fade * fade[::-1], round(_PAD_S * RATE_HZ))
    return (padded * min(1.0, _PEAK / max(float(np.abs(padded).max()), 1e-9))).astype(np.float32)


def tilt_gain(bins_hz: Contour, db_per_octave: float) -> Contour:
    """Power gain of each bin that changes the slope of a spectrum around 1 kHz; flat below 100 Hz."""
    return 10 ** (db_per_octave * np.log2(np.maximum(bins_hz, 100.0) / 1000) / 10)


def _with_loudness(speech: Waveform, source: Prosody) -> Waveform:
    """Give speech the level of the source and, in normalised time, its loudness contour."""
    spoken = loudness_db(speech)
    level_change_db = level_db(source.loudness_db) - level_db(spoken)
    change_db = source.loudness_contour(spoken.size) - over_syllables(spoken) - level_change_db
    gain_db = level_change_db + change_db.clip(_SOFTER_DB, _LOUDER_DB)
    frame_of_sample = np.arange(speech.size) / (HOP_S * RATE_HZ)
    gain = 10 ** (np.interp(frame_of_sample, np.arange(spoken.size), gain_db) / 20)
    return (speech * gain).astype(np.float32)
