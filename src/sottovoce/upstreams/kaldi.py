"""Kaldi's log-mel filter bank (Povey et al. 2011) with the defaults of kaldi-native-fbank and no dither, in torch.

25 ms frames every 10 ms, whole frames alone; in each the mean is taken away, then 0.97 of the sample before
(pre-emphasis), then Povey's window, power of a Fourier transform of 512, 80 triangles on the mel scale from 20 Hz to
half the rate, and the natural logarithm with a floor. All but the last steps are linear: one convolution.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from sottovoce.speech.audio import RATE_HZ

WIDTH, HOP = 400, 160
N_MELS = 80

_FOURIER = 512
_PREEMPHASIS = 0.97
_LOWEST_HZ = 20.0
_FLOOR = float(np.finfo(np.float32).eps)
_SCALE = 32_768.0
"""Kaldi hears 16-bit integers."""


def n_frames(n_samples: int) -> int:
    """How many whole frames there are."""
    return 1 + (n_samples - WIDTH) // HOP


class Fbank(torch.nn.Module):
    """`[n]` mono at 16 kHz, from -1 to 1, to `[T, 80]`."""

    waves: torch.Tensor
    filters: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("waves", torch.from_numpy(_waves())[:, None], persistent=False)
        self.register_buffer("filters", torch.from_numpy(_triangles())[:, :, None], persistent=False)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """See the class."""
        # the mean of all is taken away first, since the frames' own would leave only what rounding leaves of it
        sound = _SCALE * (waveform - waveform.mean())
        real, imaginary = functional.conv1d(sound[None, None], self.waves, stride=HOP)[0].chunk(2)
        power = functional.conv1d((real.square() + imaginary.square())[None], self.filters)[0]
        return power.clamp(min=_FLOOR).log().T


def _waves() -> NDArray[np.float32]:
    """`[514, 400]`: real and imaginary part of each frequency, of a frame as it comes."""
    centred = np.eye(WIDTH) - 1 / WIDTH
    before = np.eye(WIDTH, k=-1)
    before[0, 0] = 1  # the first sample stands for the one before it
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WIDTH) / (WIDTH - 1))) ** 0.85
    prepared = window[:, None] * (centred - _PREEMPHASIS * before @ centred)
    spectrum = np.fft.rfft(prepared, _FOURIER, axis=0)
    return np.concatenate([spectrum.real, spectrum.imag]).astype(np.float32)


def _triangles() -> NDArray[np.float32]:
    """`[80, 257]`: triangles of height 1, straight on the mel scale `1127 ln(1 + f / 700)`."""
    frequencies = _mel(np.arange(_FOURIER // 2 + 1) * RATE_HZ / _FOURIER)
    corners = np.linspace(_mel(_LOWEST_HZ), _mel(RATE_HZ / 2), N_MELS + 2)
    low, centre, high = (corners[shift : shift + N_MELS, None] for shift in range(3))
    rising, falling = (frequencies - low) / (centre - low), (high - frequencies) / (high - centre)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _mel(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return 1127 * np.log1p(np.asarray(hz) / 700)
