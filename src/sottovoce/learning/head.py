"""The downstream head: `Linear(d, h) -> ReLU -> mean over valid frames -> Linear(h, K)` on frozen features.

It is the two-layer network with pooling between the layers of arXiv 2409.10985, section III-D. Frames stay ragged: the
frames of several utterances lie one behind the other in one matrix, and the mean is taken segment by segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

_ROWS = 16
"""The matrix that sums over segments has a multiple of so many rows: see `features.SHAPES`."""


class _PooledHidden(torch.autograd.Function):
    """Segment means of `relu(X W + b)`: X `[F, d]`, W `[d, n]`, b `[n]`, lengths of B segments -> `[B, n]` fp32.

    Written out because autograd would make four more matrices of the size `[F, n]`, the largest there is. Sums over
    segments are products with a matrix of ones and zeros: a few large operations cost less than many small ones.
    """

    @staticmethod
    def forward(ctx: Any, X: torch.Tensor, W: torch.Tensor, b: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        n = len(lengths)
        each = torch.nn.functional.pad(lengths, (0, 1), value=len(X) - int(lengths.sum()))  # what is no utterance's
        lengths, each = lengths.to(X.device), each.to(X.device)
        segments = torch.repeat_interleave(torch.arange(n + 1, device=X.device), each)
        member = torch.zeros(n + 1 + -(n + 1) % _ROWS, len(X), dtype=X.dtype, device=X.device)
        member[segments, torch.arange(len(X), device=X.device)] = 1.0
        hidden = torch.addmm(b.to(X.dtype), X, W.to(X.dtype)).relu_()
        ctx.save_for_backward(X, W, hidden, lengths, segments)
        return (member @ hidden)[:n].float() / lengths[:, None]

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        X, W, hidden, lengths, segments = ctx.saved_tensors
        by_segment = torch.nn.functional.pad(grads[0] / lengths[:, None], (0, 0, 0, 1))
        spread = by_segment.to(X.dtype).index_select(0, segments)
        # the gradient takes the place of the activations, which are needed no more
        torch.ops.aten.threshold_backward.grad_input(spread, hidden, 0, grad_input=hidden)
        d_X = hidden @ W.to(X.dtype).T if ctx.needs_input_grad[0] else None
        return d_X, (X.T @ hidden).to(W.dtype), hidden.sum(0, dtype=torch.float32), None


def pooled_hidden(X: torch.Tensor, W: torch.Tensor, b: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Mean over each utterance's frames of `relu(X W + b)`.

    Args:
        X: frames of B utterances one behind the other, `[F, d]`, fp32 or bf16 (then the matrix products are bf16); rows
            that follow the last utterance count for nothing.
        W: weights `[d, n]`; several heads may stand side by side in the n columns.
        b: bias `[n]`.
        lengths: frames of each utterance, `[B]` int64 on the CPU, their sum at most F.

    Returns:
        `[B, n]` fp32.
    """
    return _PooledHidden.apply(X, W, b, lengths)  # type: ignore[return-value]


def mix_layers(X: torch.Tensor, mix: torch.Tensor) -> torch.Tensor:
    """Weighted sums of layers with softmax weights: X `[F, L, d]`, mix `[L]` or, of H heads, `[H, L]` -> `[(H,) F, d]`.

    With each layer in one piece, frames and dimensions are one long axis, and all mixing is one product.
    """
    F, L, d = X.shape
    return (torch.softmax(mix, -1).to(X.dtype) @ X.transpose(0, 1).reshape(L, F * d)).unflatten(-1, (F, d))


@dataclass(frozen=True)
class Head:
    """Weights of a trained head: `w1 [d, h]`, `b1 [h]`, `w2 [h, K]`, `b2 [K]`.

    `mix [L]` where layers are mixed; `[G, L]` where the hidden units fall into G equal parts, one behind the other, and
    each hears a mix of its own.
    """

    w1: torch.Tensor
    b1: torch.Tensor
    w2: torch.Tensor
    b2: torch.Tensor
    mix: torch.Tensor | None = None

    @classmethod
    def fresh(cls, dimension: int, hidden: int, n_classes: int, n_layers: int | None, seed: int) -> Head:
        """Random weights in the range of `torch.nn.Linear`, from `seed` alone."""
        generator = torch.Generator().manual_seed(seed)

        def uniform(*shape: int, fan_in: int) -> torch.Tensor:
            return (torch.rand(*shape, generator=generator) * 2 - 1) / fan_in**0.5

        return cls(
            uniform(dimension, hidden, fan_in=dimension),
            uniform(hidden, fan_in=dimension),
            uniform(hidden, n_classes, fan_in=hidden),
            uniform(n_classes, fan_in=hidden),
            None if n_layers is None else torch.zeros(n_layers),
        )

    def tensors(self) -> dict[str, torch.Tensor]:
        """Named weights; `mix` only where there is one."""
        named = {"w1": self.w1, "b1": self.b1, "w2": self.w2, "b2": self.b2}
        return named if self.mix is None else named | {"mix": self.mix}

    def to(self, device: str | torch.device) -> Head:
        """The same weights elsewhere."""
        return Head(**{name: tensor.detach().to(device) for name, tensor in self.tensors().items()})

    def outputs(self, frames: Sequence[torch.Tensor]) -> torch.Tensor:
        """What the last layer gives for whole utterances: each `[T, d]` or `[T, L, d]` -> `[B, K]` fp32."""
        with torch.inference_mode():
            X, lengths = torch.cat([f.float() for f in frames]), torch.tensor([len(f) for f in frames])
            heard = X[None] if self.mix is None else mix_layers(X, torch.atleast_2d(self.mix))
            parts = zip(heard, self.w1.tensor_split(len(heard), 1), self.b1.tensor_split(len(heard)), strict=True)
            pooled = torch.cat([pooled_hidden(mixed, w, b, lengths) for mixed, w, b in parts], 1)
            return pooled @ self.w2 + self.b2

    def probabilities(self, frames: Sequence[torch.Tensor]) -> torch.Tensor:
        """Class probabilities of whole utterances: each `[T, d]` or `[T, L, d]` -> `[B, K]` fp32."""
        return torch.softmax(self.outputs(frames), dim=-1)
