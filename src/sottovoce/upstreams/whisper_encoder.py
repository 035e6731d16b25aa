"""Whisper's encoder on utterances of different lengths, packed end to end: no padding in any matrix product.

The weights and modules are those of transformers' `WhisperEncoder`; only the order of the work differs. Rows of all
utterances go through each linear layer together, and attention runs within each utterance. So an utterance's frames
do not depend on its company, up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

_GAP = 2
"""Rows of silence between neighbours: wide enough for a kernel of 3, even so that the stride of 2 stays in step."""


def encode(encoder: Any, mels: Sequence[torch.Tensor], kept: Sequence[int], layer: int | None) -> torch.Tensor:
    """Hidden states of the first `kept` positions of each input.

    Args:
        encoder: a `WhisperEncoder`.
        mels: an input each, `[2 T, n_mels]`; T differs between them and is at most `max_source_positions`.
        kept: how many of the T positions are wanted of each.
        layer: the hidden state wanted, 0 for what the first layer reads; None for all of them.

    Returns:
        `[sum of kept, d]`, or `[sum of kept, L, d]`. The last hidden state is the one after the final layer norm.
    """
    lengths = [mel.shape[0] // 2 for mel in mels]
    depth = len(encoder.layers) if layer is None else layer
    states = [_embed(encoder, mels)]
    for number, block in enumerate(encoder.layers[:depth], start=1):
        # Positions that nobody wants are still listened to, but the last layer need not compute them.
        wanted = kept if number == layer else lengths
        if encoder.training and encoder.gradient_checkpointing:
            following = checkpoint(_transform, block, states[-1], lengths, wanted, use_reentrant=False)
        else:
            following = _transform(block, states[-1], lengths, wanted)
        states = [*states, following] if layer is None else [following]
    if depth == len(encoder.layers):
        states[-1] = encoder.layer_norm(states[-1])
    if layer is None:
        return torch.stack(states, dim=1)[_first_rows(lengths, kept)]
    return states[-1] if depth else states[-1][_first_rows(lengths, kept)]


def encode_one(encoder: Any, mel: torch.Tensor, layer: int | None) -> torch.Tensor:
    """As `encode`, of one input `[2 T, n_mels]` and all its T positions, without a list of lengths: for export."""
    hidden = functional.gelu(encoder.conv2(functional.gelu(encoder.conv1(mel.T[None]))))[0].T
    n = hidden.shape[0]
    states = [hidden + encoder.embed_positions.weight[:n]]
    for block in encoder.layers[: len(encoder.layers) if layer is None else layer]:
        states.append(_transform(block, states[-1], [n], [n]))
    if len(states) > len(encoder.layers):
        states[-1] = encoder.layer_norm(states[-1])
    return torch.stack(states, dim=1) if layer is None else states[-1]


def _embed(encoder: Any, mels: Sequence[torch.Tensor]) -> torch.Tensor:
    """The two convolutions and the positions. Each convolution must see zeros beyond an utterance's ends."""
    rows = torch.cat([functional.pad(mel, (0, 0, 0, _GAP)) for mel in mels])
    lengths = [mel.shape[0] for mel in mels]
    sound = torch.cat([torch.arange(n + _GAP, device=rows.device) < n for n in lengths])
    hidden = functional.gelu(encoder.conv1(rows.T[None])) * sound
    hidden = functional.gelu(encoder.conv2(hidden))[0].T[sound[::2]]
    places = torch.cat([torch.arange(n // 2, device=rows.device) for n in lengths])
    return hidden + encoder.embed_positions.weight[places]


def _transform(block: Any, hidden: torch.Tensor, lengths: Sequence[int], wanted: Sequence[int]) -> torch.Tensor:
    """One pre-norm transformer layer (Vaswani et al. 2017) for the first `wanted` rows of each utterance."""
    rows = _first_rows(lengths, wanted)
    normed = block.self_attn_layer_norm(hidden)
    hidden = hidden[rows] + _attend(block.self_attn, normed, normed[rows], lengths, wanted)
    return hidden + block.fc2(block.activation_fn(block.fc1(block.final_layer_norm(hidden))))


def _attend(
    attention: Any, heard: torch.Tensor, asking: torch.Tensor, lengths: Sequence[int], wanted: Sequence[int]
) -> torch.Tensor:
    """Multi-head attention of the `asking` rows over the `heard` rows of their own utterance."""
    shape = (-1, attention.num_heads, attention.head_dim)
    queries = attention.q_proj(asking).view(shape).split(list(wanted))
    keys = attention.k_proj(heard).view(shape).split(list(lengths))
    values = attention.v_proj(heard).view(shape).split(list(lengths))
    answers = [
        functional.scaled_dot_product_attention(*(part.transpose(0, 1)[None] for part in parts))[0].transpose(0, 1)
        for parts in zip(queries, keys, values, strict=True)
    ]
    return attention.out_proj(torch.cat(answers).flatten(1))


def _first_rows(lengths: Sequence[int], wanted: Sequence[int]) -> slice | torch.Tensor:
    """Where the first `wanted` rows of each utterance lie in the packed rows."""
    if list(lengths) == list(wanted):
        return slice(None)
    starts = torch.tensor(lengths).cumsum(0) - torch.tensor(lengths)
    return torch.cat([start + torch.arange(n) for start, n in zip(starts, wanted, strict=True)])
