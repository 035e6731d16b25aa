"""The upstream without weights: log-mel energies, for demonstrations and as the floor to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from sottovoce.speech.audio import RATE_HZ, SHORTEST_S, Waveform
from sottovoce.upstreams.batching import check_lengths
from sottovoce.upstreams.card import Layer, UpstreamCard, settings_of
from sottovoce.upstreams.graphs import LogMelGraph
from sottovoce.upstreams.layers import resolve_layer
from sottovoce.upstreams.mel import MEL_HOP, log10_mel

_N_MELS = 80
_HOP = 2 * MEL_HOP


class LogMel:
    """80 log-mel energies of each 20 ms.

    Each is the mean of two of Whisper's mel frames, scaled by constants ((x + 4) / 4, as Whisper does): nothing is
    fitted on a corpus, so nothing can leak from a test part. (Slopes over five frames were tried: on EMOVO they
    added nothing to the recall of a small head.)
    """

    def __init__(self, layer: Layer, device: torch.device) -> None:
        self._layer, self._device = resolve_layer(layer, 1), device
        self.card = UpstreamCard(
            name="logmel",
            weights="none",
            revision="1",
            dimension=_N_MELS,
            n_layers=1,
            hop_s=_HOP / RATE_HZ,
            shortest_s=SHORTEST_S,
            trained_on=(),
            licence="Apache-2.0 (part of Sottovoce)",
        )

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the frames depend on beside the sound."""
        return settings_of(self.card, self._layer, self._device)

    def n_frames(self, n_samples: int) -> int:
        """One frame for each 20 ms begun."""
        return -(-n_samples // _HOP)

    def frames(self, waveforms: Sequence[Waveform]) -> list[torch.Tensor]:
        """Frames of each waveform: `[T, 80]`, or `[T, 1, 80]` for all layers.

        Raises:
            UpstreamError: a waveform is shorter than the card's `shortest_s`.
        """
        check_lengths(waveforms, self.card)
        return [self._one(torch.tensor(waveform, device=self._device)).cpu() for waveform in waveforms]

    def graph(self) -> LogMelGraph:
        """See `graphs`."""
        return LogMelGraph(_N_MELS, every=self._layer is None)

    def _one(self, waveform: torch.Tensor) -> torch.Tensor:
        mel = log10_mel(waveform, _N_MELS)[: 2 * self.n_frames(waveform.shape[0])]
        energies = (mel.unflatten(0, (-1, 2)).mean(1) + 4) / 4
        return energies if self._layer is not None else energies[:, None]
