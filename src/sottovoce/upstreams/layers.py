"""Which hidden states an upstream gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from sottovoce.errors import UpstreamError
from sottovoce.upstreams.card import Layer


def resolve_layer(layer: Layer, n_layers: int) -> int | None:
    """The index of one hidden state among `n_layers`, or None for all of them.

    Raises:
        UpstreamError: there is no such layer.
    """
    if layer in ("all", "all-normed"):
        return None
    if layer == "last":
        return n_layers - 1
    if not isinstance(layer, int) or isinstance(layer, bool) or not 0 <= layer < n_layers:
        raise UpstreamError(f"layer {layer!r} is not one of 0 to {n_layers - 1}, 'last', 'all' or 'all-normed'")
    return layer


def normed(states: torch.Tensor, norms: Sequence[Any]) -> torch.Tensor:
    """Hidden states `[..., L, d]` as the next layer reads them: each through the layer norm that stands before it.

    Between the layers of a pre-norm transformer (Whisper, XLS-R, WavLM-large) runs a sum that nothing has normalised.
    Of Whisper-base's, layers 4 and 5 are three to four times as large as those below, and three of their 512
    dimensions hold two thirds of that or more. The model itself never reads it so: each layer begins with a norm,
    trained with it. The last hidden state has its norm already. Models that normalise behind each layer have no
    `norms`, and their states stay as they are. Ours; docs/results.md has what it gained.

    Args:
        states: as the layers give them.
        norms: modules, of the layers that read the first `len(norms)` states.
    """
    if not norms:
        return states
    each = states.unbind(-2)
    return torch.stack([*(norm(s) for norm, s in zip(norms, each, strict=False)), *each[len(norms) :]], -2)
