"""Which hidden states an upstream gives."""

from __future__ import annotations

from sottovoce.errors import UpstreamError
from sottovoce.upstreams.card import Layer


def resolve_layer(layer: Layer, n_layers: int) -> int | None:
    """The index of one hidden state among `n_layers`, or None for all of them.

    Raises:
        UpstreamError: there is no such layer.
    """
    if layer == "all":
        return None
    if layer == "last":
        return n_layers - 1
    if not isinstance(layer, int) or isinstance(layer, bool) or not 0 <= layer < n_layers:
        raise UpstreamError(f"layer {layer!r} is not one of 0 to {n_layers - 1}, 'last' or 'all'")
    return layer
