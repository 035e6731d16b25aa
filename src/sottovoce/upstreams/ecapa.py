"""The ECAPA-TDNN (Desplanques et al. 2020) of SeamlessExpressive's expressivity encoder, under its published names.

It differs from the usual one: layer norms in place of batch norms, and no norm behind the squeeze and excitation. All
of its sizes are one published set; its checkpoint says none.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from sottovoce.upstreams.kaldi import N_MELS

WIDE = 1536
"""Channels of a frame before pooling."""

DIMENSION = 512
"""Of the pooled vector, and channels within the network."""

_DILATIONS = (2, 3, 4)
_SCALE, _SQUEEZED, _ATTENDING = 8, 128, 128
_EPSILON = 1e-12


class ExpressivityEncoder(nn.Module):
    """Filter-bank frames to frames, and frames to one vector of length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([_Tdnn(N_MELS, DIMENSION, 5), *(_Squeezed(dilation) for dilation in _DILATIONS)])
        self.mfa = _Tdnn(len(_DILATIONS) * DIMENSION, WIDE)
        self.asp = _Pooling()
        self.asp_norm = nn.LayerNorm(2 * WIDE, eps=_EPSILON)
        self.fc = nn.Conv1d(2 * WIDE, DIMENSION, 1)

    def frames(self, fbank: torch.Tensor) -> torch.Tensor:
        """What is pooled, `[T, 1536]`, of `[T, 80]`."""
        hidden, kept = fbank.T[None], []
        for block in self.blocks:
            hidden = block(hidden)
            kept.append(hidden)
        return self.mfa(torch.cat(kept[1:], dim=1))[0].T

    def pooled(self, frames: torch.Tensor) -> torch.Tensor:
        """The expressivity of an utterance, `[1, 512]`, of `[T, 1536]`."""
        statistics = self.asp_norm(self.asp(frames.T[None]).mT).mT
        return functional.normalize(self.fc(statistics)[0].T, dim=-1)


class _Tdnn(nn.Module):
    """A convolution over time of the same length, ReLU, layer norm over channels."""

    def __init__(self, n_inputs: int, n_outputs: int, width: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_inputs, n_outputs, width, dilation=dilation, padding=dilation * (width - 1) // 2)
        self.norm = nn.LayerNorm(n_outputs, eps=_EPSILON)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.norm(functional.relu(self.conv(hidden)).mT).mT


class _Squeezed(nn.Module):
    """SE-Res2Net: groups of channels that each hear what the one before made, weighed by the utterance's mean."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        group = DIMENSION // _SCALE
        self.tdnn1, self.tdnn2 = _Tdnn(DIMENSION, DIMENSION), _Tdnn(DIMENSION, DIMENSION)
        self.res2net_block = nn.ModuleDict(
            {"blocks": nn.ModuleList(_Tdnn(group, group, 3, dilation) for _ in range(_SCALE - 1))}
        )
        self.se_block = nn.ModuleDict(
            {"conv1": nn.Conv1d(DIMENSION, _SQUEEZED, 1), "conv2": nn.Conv1d(_SQUEEZED, DIMENSION, 1)}
        )

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        first, *others = self.tdnn1(hidden).chunk(_SCALE, dim=1)
        made: list[torch.Tensor] = []
        blocks: nn.ModuleList = self.res2net_block["blocks"]  # type: ignore[assignment]
        for block, group in zip(blocks, others, strict=True):
            made.append(block(group + made[-1] if made else group))
        heard = self.tdnn2(torch.cat([first, *made], dim=1))
        squeezed = functional.relu(self.se_block["conv1"](heard.mean(2, keepdim=True)))
        return hidden + heard * self.se_block["conv2"](squeezed).sigmoid()


class _Pooling(nn.Module):
    """Mean and deviation over time, each frame weighed by an attention that knows those of the whole (`[1, 2C, 1]`)."""

    def __init__(self) -> None:
        super().__init__()
        self.tdnn = _Tdnn(3 * WIDE, _ATTENDING)
        self.conv = nn.Conv1d(_ATTENDING, WIDE, 1)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        even = _statistics(frames, torch.ones_like(frames) / frames.shape[2])
        context = torch.cat([frames, *(part.expand_as(frames) for part in even)], dim=1)
        weights = self.conv(self.tdnn(context).tanh()).softmax(dim=2)
        return torch.cat(_statistics(frames, weights), dim=1)


def _statistics(frames: torch.Tensor, weights: torch.Tensor) -> list[torch.Tensor]:
    mean = (weights * frames).sum(2, keepdim=True)
    variance = (weights * (frames - mean).square()).sum(2, keepdim=True)
    return [mean, variance.clamp(min=_EPSILON).sqrt()]
