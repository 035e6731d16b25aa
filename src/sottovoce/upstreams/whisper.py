"""Any Whisper encoder as an upstream (Radford et al. 2022): `exact`, padded as in its training, or `trimmed`.

That of a generalist is one too: see `generalist`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch.nn import functional

from sottovoce.errors import UpstreamError
from sottovoce.speech.audio import RATE_HZ, Waveform
from sottovoce.upstreams.batching import check_lengths, packs
from sottovoce.upstreams.card import Layer, settings_of
from sottovoce.upstreams.graphs import WhisperGraph
from sottovoce.upstreams.known import card_of
from sottovoce.upstreams.layers import normed, resolve_layer
from sottovoce.upstreams.mel import MEL_HOP, silence, whisper_mel
from sottovoce.upstreams.whisper_encoder import encode
from sottovoce.upstreams.whisper_modules import load_encoder
from sottovoce.weights.arithmetic import Arithmetic, Precision, autocast, place, resolve_precision
from sottovoce.weights.checkpoint import Checkpoint

Context = Literal["exact", "trimmed"]

_KINDS = {"whisper": "whisper", "sottovoce-generalist": "generalist"}
"""The upstreams that read checkpoints of a kind."""

_HOP = 2 * MEL_HOP
"""Samples from one position of the encoder to the next: 20 ms."""


class Whisper:
    """The encoder of one Whisper checkpoint.

    With context `exact`, the encoder hears each utterance padded with silence to 30 s, as in its training, and the
    frames of the sound are kept. With `trimmed` it hears the sound alone, at the first positions: many times less
    work and other numbers (Whisper-base on EMOVO: means over time at cosine .975 at the final layer, .994 at layer
    3). A longer utterance is cut into consecutive windows of 30 s, each heard by itself.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        layer: Layer,
        context: Context,
        device: torch.device,
        precision: Precision,
        name: str = "whisper",
    ) -> None:
        if context not in get_args(Context):
            raise UpstreamError(f"context {context!r} is not known; use exact or trimmed")
        kind = checkpoint.config.get("model_type", "unknown")
        if (reader := _KINDS.get(kind, "ssl")) != name:
            raise UpstreamError(
                f"{checkpoint.weights} is a checkpoint of kind {kind!r}, not {name.title()}; try upstream {reader}"
            )
        self._encoder = load_encoder(checkpoint)
        self._window = self._encoder.n_positions * _HOP
        n_layers = len(self._encoder.layers) + 1
        self._layer, self._context = resolve_layer(layer, n_layers), context
        self._norms = [block.self_attn_layer_norm for block in self._encoder.layers] if layer == "all-normed" else []
        self._device = device
        self._precision: Arithmetic = resolve_precision(precision, device)
        place(self._encoder, device, self._precision)
        dimension = self._encoder.layer_norm.normalized_shape[0]
        self.card = card_of(name, checkpoint, dimension=dimension, n_layers=n_layers, hop_s=_HOP / RATE_HZ)

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the frames depend on beside the sound."""
        how = {"context": self._context, "precision": self._precision}
        return settings_of(self.card, self._layer, self._device, normed=bool(self._norms), **how)

    def n_frames(self, n_samples: int) -> int:
        """One frame for each 20 ms begun; windows are whole numbers of frames, so they change nothing."""
        return -(-n_samples // _HOP)

    @torch.no_grad()
    def frames(self, waveforms: Sequence[Waveform]) -> list[torch.Tensor]:
        """Frames of each waveform: `[T, d]`, or `[T, L, d]` for all layers.

        Raises:
            UpstreamError: a waveform is shorter than the card's `shortest_s`.
        """
        check_lengths(waveforms, self.card)
        windows = [window for waveform in waveforms for window in self._cut(waveform)]
        kept = [self.n_frames(window.size) for window in windows]
        heard = kept if self._context == "trimmed" else [self._window // _HOP] * len(windows)
        packed = [self._encode(windows[run], kept[run]) for run in packs(heard, self._device)]
        return list(torch.cat(packed).split([self.n_frames(waveform.size) for waveform in waveforms])) if packed else []

    def graph(self) -> WhisperGraph:
        """See `graphs`."""
        return WhisperGraph(self._encoder, self._layer, self._norms, self._window, exact=self._context == "exact")

    def _cut(self, waveform: Waveform) -> list[Waveform]:
        return np.split(waveform, range(self._window, waveform.size, self._window))

    def _encode(self, windows: Sequence[Waveform], kept: Sequence[int]) -> torch.Tensor:
        mels = [self._mel(torch.tensor(window, device=self._device)) for window in windows]
        with autocast(self._device, self._precision):
            return normed(encode(self._encoder, mels, kept, self._layer), self._norms).float().cpu()

    def _mel(self, window: torch.Tensor) -> torch.Tensor:
        mel = whisper_mel(window, self._encoder.n_mels, self._window)
        if self._context == "trimmed":
            return mel[: 2 * self.n_frames(window.shape[0])]
        return functional.pad(mel, (0, 0, 0, self._window // MEL_HOP - mel.shape[0]), value=silence(mel))


def generalist(checkpoint: Checkpoint, *, layer: Layer, device: torch.device, precision: Precision) -> Whisper:
    """The encoder of a generalist that `sottovoce train` wrote, hearing as it was trained to.

    Its card's `trained_on` names the corpora that the generalist has heard.

    Raises:
        UpstreamError: it is something else.
    """
    context = checkpoint.config.get("context", "trimmed")
    return Whisper(checkpoint, layer=layer, context=context, device=device, precision=precision, name="generalist")
