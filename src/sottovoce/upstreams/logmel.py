"""The upstream without weights: log-mel energies and their slopes, for demonstrations and as the floor to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from sottovoce.speech.audio import RATE_HZ, SHORTEST_S, Waveform
from sottovoce.upstreams.batching import check_lengths
from sottovoce.upstreams.card import Layer, UpstreamCard
from sottovoce.upstreams.layers import resolve_layer
from sottovoce.upstreams.mel import MEL_HOP, log10_mel

_N_MELS = 80
_HOP = 2 * MEL_HOP
_SLOPE_REACH = 2
"""Frames on either side of a slope, as in HTK's deltas."""


class LogMel:
    """80 log-mel energies and 80 slopes of each 20 ms.

    Energies are the mean of two of Whisper's mel frames, scaled by constants ((x + 4) / 4, as Whisper does): nothing
    is fitted on a corpus, so nothing can leak from a test part. Slopes are the regression over five frames (HTK
    book, eq. 5.16), in which movements of pitch and loudness show even after a mean over time.
    """

    def __init__(self, layer: Layer, device: torch.device) -> None:
        self._layer, self._device = resolve_layer(layer, 1), device
        self.card = UpstreamCard(
            name="logmel",
            weights="none",
            revision="1",
            dimension=2 * _N_MELS,
            n_layers=1,
            hop_s=_HOP / RATE_HZ,
            shortest_s=SHORTEST_S,
            trained_on=(),
            licence="Apache-2.0 (part of Sottovoce)",
        )

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the frames depend on beside the sound."""
        return {
            "upstream": "logmel",
            "revision": self.card.revision,
            "layer": "all" if self._layer is None else self._layer,
            "device": self._device.type,
        }

    def n_frames(self, n_samples: int) -> int:
        """One frame for each 20 ms begun."""
        return -(-n_samples // _HOP)

    def frames(self, waveforms: Sequence[Waveform]) -> list[torch.Tensor]:
        """Frames of each waveform: `[T, 160]`, or `[T, 1, 160]` for all layers.

        Raises:
            UpstreamError: a waveform is shorter than the card's `shortest_s`.
        """
        check_lengths(waveforms, self.card)
        return [self._one(torch.from_numpy(waveform).to(self._device)).cpu() for waveform in waveforms]

    def _one(self, waveform: torch.Tensor) -> torch.Tensor:
        mel = log10_mel(waveform, _N_MELS)[: 2 * self.n_frames(waveform.shape[0])]
        energies = (mel.unflatten(0, (-1, 2)).mean(1) + 4) / 4
        states = torch.cat([energies, _slopes(energies)], dim=1)
        return states if self._layer is not None else states[:, None]


def _slopes(energies: torch.Tensor) -> torch.Tensor:
    """Least-squares slope over five frames, the ends repeated. `[T, m]` -> `[T, m]`."""
    n = energies.shape[0]
    padded = functional.pad(energies.T[None], (_SLOPE_REACH, _SLOPE_REACH), mode="replicate")[0].T
    steps = range(-_SLOPE_REACH, _SLOPE_REACH + 1)
    weighted = sum(step * padded[_SLOPE_REACH + step : _SLOPE_REACH + step + n] for step in steps)
    return torch.as_tensor(weighted) / sum(step * step for step in steps)
