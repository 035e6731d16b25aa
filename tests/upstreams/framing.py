"""A small upstream for tests: frames of 20 ms through fixed random matrices, one a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from sottovoce.speech.audio import Waveform
from sottovoce.upstreams.card import UpstreamCard

HOP = 320


class Framing:
    """`n_layers` None gives `[T, d]`, a number `[T, L, d]`. `gain` may be made too large for 16 bits."""

    def __init__(self, dimension: int = 6, n_layers: int | None = None, gain: float = 1.0) -> None:
        self.dimension, self.n_layers, self.gain = dimension, n_layers, gain
        self.card = UpstreamCard("framing", "none", "0", dimension, n_layers or 1, HOP / 16_000, 0.15, (), "Apache-2.0")

    def __call__(self) -> Framing:
        """Itself: it is its own maker."""
        return self

    @property
    def settings(self) -> dict[str, Any]:
        """All arguments."""
        return {"upstream": "framing", "d": self.dimension, "layers": self.n_layers, "gain": self.gain}

    def n_frames(self, n_samples: int) -> int:
        """Whole frames."""
        return n_samples // HOP

    def frames(self, waveforms: Sequence[Waveform]) -> list[torch.Tensor]:
        """See `Upstream.frames`."""
        generator = torch.Generator().manual_seed(0)
        W = torch.randn(HOP, self.n_layers or 1, self.dimension, generator=generator) * self.gain
        made = []
        for waveform in waveforms:
            cut = torch.from_numpy(waveform[: self.n_frames(len(waveform)) * HOP]).view(-1, HOP)
            frames = torch.einsum("th,hld->tld", cut, W)
            made.append(frames if self.n_layers else frames[:, 0])
        return made
