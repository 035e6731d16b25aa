"""Upstreams once more, for one utterance, in operations that other runtimes know: what is exported.

Each is a module from a waveform `[n]` (mono float32 at 16 kHz, of `longest` samples at most where that is not None) to
the frames that the upstream gives of it alone, `[T, d]`, or `[T, L, d]` for all layers. They share the upstream's
weights. The Fourier transform is a convolution with cosines and sines here: every runtime has convolutions, and few
have ONNX's STFT.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional

from sottovoce.upstreams.layers import normed
from sottovoce.upstreams.mel import MEL_HOP, POWER_FLOOR, WINDOW, mel_filters
from sottovoce.upstreams.whisper_encoder import encode_one

_HOP = 2 * MEL_HOP

States = Callable[[Any, torch.Tensor], Sequence[torch.Tensor]]


class Graph(torch.nn.Module):
    """What every upstream's is; `longest` is a number of samples, None for no limit."""

    longest: int | None = None


class MelGraph(Graph):
    """`mel.log10_mel`: log10 of mel power, `[2 T + 2, n_mels]`, at most `longest / 160` frames."""

    waves: torch.Tensor
    filters: torch.Tensor

    def __init__(self, n_mels: int, longest: int | None = None) -> None:
        super().__init__()
        angles = 2 * torch.pi / WINDOW * torch.outer(torch.arange(WINDOW // 2 + 1), torch.arange(WINDOW)).double()
        waves = torch.cat([angles.cos(), angles.sin()]) * torch.hann_window(WINDOW, dtype=torch.float64)
        self.register_buffer("waves", waves.float()[:, None])
        self.register_buffer("filters", torch.from_numpy(mel_filters(n_mels))[:, :, None])
        self.longest = longest

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """See the class."""
        half = WINDOW // 2
        span = _n_frames(waveform) * _HOP + WINDOW
        padded = functional.pad(waveform, (0, span - waveform.shape[0]))
        # both ends are mirrors, as in torch.stft: the first at 0, the last where a reference would have padded to
        places = (torch.arange(span + half) - half).abs()
        if self.longest is not None:
            last = self.longest - 1
            places = last - (last - places).abs()
        spectrum = functional.conv1d(padded.index_select(0, places)[None, None], self.waves, stride=MEL_HOP)[0]
        real, imaginary = spectrum.chunk(2)
        # a convolution too: quantisation rounds products of matrices, and power has far too wide a range for it
        power = functional.conv1d((real.square() + imaginary.square())[None], self.filters)[0]
        mel = power.clamp(min=POWER_FLOOR).log10().T
        return mel if self.longest is None else mel[: self.longest // MEL_HOP]


class LogMelGraph(Graph):
    """`logmel.LogMel`."""

    def __init__(self, n_mels: int, every: bool) -> None:
        super().__init__()
        self.mel, self.every = MelGraph(n_mels), every

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """See the module."""
        mel = self.mel(waveform)[:-2]
        energies = (mel.reshape(-1, 2, mel.shape[1]).mean(1) + 4) / 4
        return energies[:, None] if self.every else energies


class WhisperGraph(Graph):
    """`whisper.Whisper`, of an utterance that fits into its window (30 s)."""

    def __init__(self, encoder: Any, layer: int | None, norms: Sequence[Any], window: int, exact: bool) -> None:
        super().__init__()
        self.encoder, self.layer, self.norms, self.exact = encoder, layer, list(norms), exact
        self.window = self.longest = window
        self.mel = MelGraph(encoder.n_mels, window)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """See the module."""
        n_frames = _n_frames(waveform)
        heard = functional.pad(waveform, (0, self.window - waveform.shape[0])) if self.exact else waveform
        mel = self.mel(heard)
        mel = (torch.maximum(mel, mel.max() - 8) + 4) / 4
        kept = mel if self.exact else mel[: 2 * n_frames]
        # an index and not a slice, so that a recording above 30 s is an error and not heard in part
        return normed(encode_one(self.encoder, kept, self.layer).index_select(0, torch.arange(n_frames)), self.norms)


class RawGraph(Graph):
    """Of an upstream that hears waveforms, for an utterance that is one part (30 s).

    `states(model, waveforms [1, n])` gives all hidden states, which pass `norms` where all are wanted; where `epsilon`
    is not None, the waveform is normalised first, with that added to its variance.
    """

    nothing: torch.Tensor

    def __init__(
        self,
        model: Any,
        states: States,
        layer: int | None,
        epsilon: float | None,
        longest: int,
        norms: Sequence[Any] = (),
    ) -> None:
        super().__init__()
        self.model, self.states, self.layer, self.epsilon = model, states, layer, epsilon
        self.norms = list(norms)
        self.part = self.longest = longest
        self.register_buffer("nothing", torch.zeros(1))

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """See the module."""
        # an index out of range where there are several parts: an error rather than other frames
        n_parts = (waveform.shape[0] + self.part - 1) // self.part
        waveform = waveform + self.nothing.index_select(0, torch.arange(n_parts)).sum()
        if self.epsilon is not None:
            # in double precision: some runtimes add up half a million samples one by one
            mean, variance = waveform.double().mean(), waveform.double().var(correction=0)
            waveform = (waveform - mean.float()) / (variance.float() + self.epsilon).sqrt()
        hidden = self.states(self.model, waveform[None])
        if self.layer is not None:
            return hidden[self.layer][0]
        return normed(torch.stack(tuple(hidden), dim=2), self.norms)[0]


def _n_frames(waveform: torch.Tensor) -> int:
    """One for each 20 ms begun. (ONNX divides negative integers otherwise than Python, so no `-(-n // d)`.)"""
    return (waveform.shape[0] + _HOP - 1) // _HOP
