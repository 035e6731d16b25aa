"""WORLD (Morise, Yokomori & Ozawa 2016): speech as F0, spectral envelope and aperiodicity, and back again.

Everything is at 16 kHz with one frame every 5 ms. The same frames always give the same sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from sottovoce.errors import MissingExtra
from sottovoce.speech.audio import RATE_HZ, Waveform

Contour = NDArray[np.float64]

HOP_S = 0.005
"""One frame every 5 ms, WORLD's default."""

LOWEST_HZ, HIGHEST_HZ = 60.0, 700.0
"""F0 outside is not looked for; a shout of a woman reaches 600 Hz."""

_RANGE = 0.6, 2.0  # of the first and third quartile: after De Looze & Hirst (2008), widened for expressive speech


@dataclass(frozen=True, eq=False)
class Frames:
    """WORLD's analysis of one utterance, one row every `HOP_S`.

    `f0_hz` is `[T]`, 0 where there is no voice; `envelope` (power) and `aperiodicity` (0 to 1) are `[T, n_bins]`
    with bins from 0 to 8 kHz.
    """

    f0_hz: Contour
    envelope: NDArray[np.float32]
    aperiodicity: NDArray[np.float32]

    @property
    def bins_hz(self) -> Contour:
        """Frequency of each bin, `[n_bins]`."""
        return np.linspace(0.0, RATE_HZ / 2, self.envelope.shape[1])


def track_pitch(waveform: Waveform) -> Contour:
    """F0 of a 16 kHz waveform in hertz, `[n / 80 + 1]`, 0 where there is no voice (DIO, refined by StoneMask).

    Frames far from the speaker's own range are taken as unvoiced: most of them are octave errors.
    """
    return _pitch(waveform.astype(np.float64))[0]


def take_apart(waveform: Waveform) -> Frames:
    """Analyse a 16 kHz waveform `[n]` into `n / 80 + 1` frames (CheapTrick and D4C)."""
    world, samples = _world(), waveform.astype(np.float64)
    f0_hz, times_s = _pitch(samples)
    envelope = world.cheaptrick(samples, f0_hz, times_s, RATE_HZ)
    aperiodicity = world.d4c(samples, f0_hz, times_s, RATE_HZ)
    return Frames(f0_hz, envelope.astype(np.float32), aperiodicity.astype(np.float32))


def put_together(frames: Frames) -> Waveform:
    """The waveform at 16 kHz, `[(T - 1) * 80 + 1]` float32, of `T` frames."""
    f0_hz = np.ascontiguousarray(frames.f0_hz, np.float64)
    envelope = np.ascontiguousarray(frames.envelope, np.float64)
    aperiodicity = np.ascontiguousarray(frames.aperiodicity, np.float64)
    return _world().synthesize(f0_hz, envelope, aperiodicity, RATE_HZ, HOP_S * 1000).astype(np.float32)


def version() -> str:
    """Version of pyworld.

    Raises:
        MissingExtra: it is not installed.
    """
    return str(_world().__version__)


def _pitch(samples: NDArray[np.float64]) -> tuple[Contour, Contour]:
    world = _world()
    coarse, times_s = world.dio(
        samples, RATE_HZ, f0_floor=LOWEST_HZ, f0_ceil=HIGHEST_HZ, frame_period=HOP_S * 1000, allowed_range=0.1
    )
    f0_hz = world.stonemask(samples, coarse, times_s, RATE_HZ)
    voiced = f0_hz[f0_hz > 0]
    if voiced.size:
        low, high = np.array(_RANGE) * np.percentile(voiced, (25, 75))
        f0_hz[(f0_hz < low) | (f0_hz > high)] = 0.0
    return f0_hz, times_s


def _world() -> ModuleType:
    try:
        import pyworld
    except ImportError as problem:
        raise MissingExtra("measuring and changing prosody (pyworld)", "prosody") from problem
    return pyworld
