"""SeamlessExpressive's expressivity encoder (Barrault et al. 2023) as an upstream, without fairseq2.

`expressivity` is the vector that it makes of an utterance, as one frame; `expressivity-frames` what it pools, a frame
each 10 ms. Its weights are a part of the gated checkpoints: of the vocoder PRETSSEL, or of Prosody UnitY2, which has
one of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch

from sottovoce.errors import WeightsError
from sottovoce.speech.audio import RATE_HZ, SHORTEST_S, Waveform
from sottovoce.upstreams import kaldi
from sottovoce.upstreams.batching import check_lengths
from sottovoce.upstreams.card import Layer, UpstreamCard, settings_of
from sottovoce.upstreams.ecapa import DIMENSION, WIDE, ExpressivityEncoder
from sottovoce.upstreams.gcmvn import MEAN, STD
from sottovoce.upstreams.graphs import Graph
from sottovoce.upstreams.known import EXPRESSIVITY
from sottovoce.upstreams.layers import resolve_layer
from sottovoce.weights.arithmetic import Arithmetic, Precision, autocast, place, resolve_precision
from sottovoce.weights.published import Published, fill, open_published, tensors_under

Name = Literal["expressivity", "expressivity-frames"]

TENSOR_FILES = (
    "pretssel_melhifigan_wm.pt",
    "pretssel_melhifigan_wm-final.pt",  # the same on the Hugging Face hub, as the library's demo loads it
    "pretssel_melhifigan_wm-16khz.pt",
    "m2m_expressive_unity.pt",
)

PREFIXES = ("encoder_frontend.prosody_encoder.", "prosody_encoder_model.", "global_prosody.", "")
"""Before the names of its tensors: in PRETSSEL, in Prosody UnitY2 by fairseq2 and by fairseq, and by itself."""


class Expressivity:
    """The encoder of one checkpoint. Each utterance is heard by itself and whole, whatever its length."""

    def __init__(
        self, name: Name, checkpoint: Published, *, layer: Layer, device: torch.device, precision: Precision
    ) -> None:
        self._layer, self._device = resolve_layer(layer, 1), device
        self._pooled = name == "expressivity"
        self._precision: Arithmetic = resolve_precision(precision, device)
        encoder = load_encoder(checkpoint)
        place(encoder, device, self._precision)
        self._graph = ExpressivityGraph(encoder, self._pooled, self._layer is None).to(device)
        self.card = UpstreamCard(
            name=name,
            weights=checkpoint.weights,
            revision=checkpoint.revision,
            dimension=DIMENSION if self._pooled else WIDE,
            n_layers=1,
            hop_s=0.0 if self._pooled else kaldi.HOP / RATE_HZ,
            shortest_s=SHORTEST_S,
            trained_on=EXPRESSIVITY.trained_on,
            licence=EXPRESSIVITY.licence,
        )

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the frames depend on beside the sound."""
        return settings_of(self.card, self._layer, self._device, precision=self._precision)

    def n_frames(self, n_samples: int) -> int:
        """One, or one for each whole frame of the filter bank."""
        return 1 if self._pooled else kaldi.n_frames(n_samples)

    @torch.no_grad()
    def frames(self, waveforms: Sequence[Waveform]) -> list[torch.Tensor]:
        """Frames of each waveform: `[T, d]`, or `[T, 1, d]` for all layers; T is 1 for the pooled vector.

        Raises:
            UpstreamError: a waveform is shorter than the card's `shortest_s`.
        """
        check_lengths(waveforms, self.card)
        return [self._one(torch.tensor(waveform, device=self._device)) for waveform in waveforms]

    def graph(self) -> Graph:
        """See `graphs`."""
        return self._graph

    def _one(self, waveform: torch.Tensor) -> torch.Tensor:
        fbank = self._graph.prepared(waveform)
        with autocast(self._device, self._precision):
            return self._graph.encoded(fbank).float().cpu()


class ExpressivityGraph(Graph):
    """See `graphs`."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, encoder: ExpressivityEncoder, pooled: bool, every: bool) -> None:
        super().__init__()
        self.encoder, self.pooled, self.every = encoder, pooled, every
        self.fbank = kaldi.Fbank()
        self.register_buffer("mean", torch.tensor(MEAN))
        self.register_buffer("std", torch.tensor(STD))

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """See the module."""
        return self.encoded(self.prepared(waveform))

    def prepared(self, waveform: torch.Tensor) -> torch.Tensor:
        """`[T, 80]`, normalised by the published means and deviations: nothing is fitted here."""
        return (self.fbank(waveform) - self.mean) / self.std

    def encoded(self, fbank: torch.Tensor) -> torch.Tensor:
        """`[T, d]` or `[T, 1, d]`."""
        frames = self.encoder.frames(fbank)
        frames = self.encoder.pooled(frames) if self.pooled else frames
        return frames[:, None] if self.every else frames


def load_encoder(checkpoint: Published) -> ExpressivityEncoder:
    """The encoder alone, in fp32, from a checkpoint that holds it.

    Raises:
        WeightsError: unreadable, or its tensors are not exactly those of the encoder (lists what differs).
    """
    content = checkpoint.content()
    content = content["model"] if isinstance(content.get("model"), dict) else content
    tensors = tensors_under(content, PREFIXES)
    if not tensors:
        raise WeightsError(f"{checkpoint.tensor_file} holds no tensors by name. Take another copy of the checkpoint")
    with torch.device("meta"):
        encoder = ExpressivityEncoder()
    return fill(encoder, tensors, checkpoint.weights)


def expressivity(name: Name, weights: str, *, layer: Layer, device: torch.device, precision: Precision) -> Expressivity:
    """From a folder to the upstream; for the arguments see `loading.load_upstream`."""
    checkpoint = open_published(weights, TENSOR_FILES, None)
    return Expressivity(name, checkpoint, layer=layer, device=device, precision=precision)
