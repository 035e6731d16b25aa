from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from sottovoce.learning.head import Head, mix_layers, pooled_hidden

LENGTHS = [5, 1, 33, 700, 12]
D, N = 16, 24


def ragged(d: int = D, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(length, d, generator=generator) for length in LENGTHS]


def parameters(d: int = D, n: int = N) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(d, n, generator=generator), torch.randn(n, generator=generator)


def the_usual_way(frames: list[torch.Tensor], W: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Padded batch, mask, plain autograd, in the precision of what is given."""
    X = nn.utils.rnn.pad_sequence(frames, batch_first=True)
    lengths = torch.tensor([len(f) for f in frames])
    mask = (torch.arange(X.shape[1]) < lengths[:, None])[..., None].to(X.dtype)
    return (torch.relu(X @ W + b) * mask).sum(1) / lengths[:, None]


def ours_and_theirs(dtype: torch.dtype = torch.float32, reference: torch.dtype = torch.float64):
    """Output and gradients of X, W and b for one random direction of the output, by both ways."""
    made = []
    direction = torch.randn(len(LENGTHS), N, generator=torch.Generator().manual_seed(2))
    for way, kind in ((pooled_hidden, dtype), (the_usual_way, reference)):
        frames = [f.to(dtype).to(kind).requires_grad_(True) for f in ragged()]
        W, b = (t.to(kind if kind is reference else torch.float32).requires_grad_(True) for t in parameters())
        if way is pooled_hidden:
            out = pooled_hidden(torch.cat(frames), W, b, torch.tensor(LENGTHS))
        else:
            out = the_usual_way(frames, W, b)
        (out * direction.to(out.dtype)).sum().backward()
        grads = [torch.cat([f.grad for f in frames if f.grad is not None]), W.grad, b.grad]
        made.append([t.detach().double() for t in (out, *grads) if t is not None])
    return made


def test_forward_and_backward_equal_padded_batches_with_masks():
    for ours, theirs in zip(*ours_and_theirs(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_bf16_stays_near_fp32():
    ours, theirs = ours_and_theirs(torch.bfloat16)
    for o, t in zip(ours, theirs, strict=True):
        assert (o - t).norm() < 0.02 * t.norm()


def test_output_and_gradients_of_the_weights_are_fp32_whatever_the_frames_are():
    W, b = (t.requires_grad_(True) for t in parameters())
    out = pooled_hidden(torch.cat(ragged()).bfloat16(), W, b, torch.tensor(LENGTHS))
    out.sum().backward()
    assert out.dtype == torch.float32
    assert W.grad is not None and W.grad.dtype == torch.float32
    assert b.grad is not None and b.grad.dtype == torch.float32


def test_gradients_cannot_be_asked_for_twice_by_mistake():
    W, b = (t.requires_grad_(True) for t in parameters())
    out = pooled_hidden(torch.cat(ragged()), W, b, torch.tensor(LENGTHS)).sum()
    out.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


def test_an_utterance_does_not_feel_its_neighbours():
    W, b = parameters()
    together = pooled_hidden(torch.cat(ragged()), W, b, torch.tensor(LENGTHS))
    for i, frames in enumerate(ragged()):
        alone = pooled_hidden(frames, W, b, torch.tensor([len(frames)]))
        torch.testing.assert_close(alone[0], together[i], rtol=1e-5, atol=1e-6)


def test_heads_side_by_side_are_heads_alone():
    W, b = parameters()
    X, lengths = torch.cat(ragged()), torch.tensor(LENGTHS)
    wide = pooled_hidden(X, torch.cat([W, -W], 1), torch.cat([b, 2 * b]), lengths)
    torch.testing.assert_close(wide[:, :N], pooled_hidden(X, W, b, lengths), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(wide[:, N:], pooled_hidden(X, -W, 2 * b, lengths), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rows_after_the_last_utterance_count_for_nothing(dtype: torch.dtype):
    X, lengths = torch.cat(ragged()).to(dtype), torch.tensor(LENGTHS)
    made = []
    for frames in (X, torch.cat([X, 1e3 * torch.ones(7, D, dtype=dtype)])):
        W, b = torch.linspace(-1, 1, D * N).view(D, N).requires_grad_(), torch.linspace(-1, 1, N).requires_grad_()
        out = pooled_hidden(frames, W, b, lengths)
        out.square().sum().backward()
        assert out.shape == (len(LENGTHS), N)
        made.append((out.detach(), W.grad, b.grad))
    for alone, followed in zip(*made, strict=True):
        torch.testing.assert_close(followed, alone, rtol=1e-3, atol=1e-3)


def test_layers_are_mixed_with_softmax_weights():
    X = torch.randn(7, 3, 4, generator=torch.Generator().manual_seed(0))
    mix = torch.tensor([0.0, 1.0, -2.0])
    weights = np.exp(mix.numpy()) / np.exp(mix.numpy()).sum()
    expected = sum(weights[i] * X[:, i] for i in range(3))
    torch.testing.assert_close(mix_layers(X, mix), expected)
    torch.testing.assert_close(mix_layers(X, torch.tensor([0.0, 0.0, 99.0])), X[:, 2])


def test_a_head_is_two_linear_layers_with_the_mean_between():
    head = Head.fresh(D, N, 4, None, seed=3)
    first, second = nn.Linear(D, N), nn.Linear(N, 4)
    with torch.no_grad():
        for layer, w, b in ((first, head.w1, head.b1), (second, head.w2, head.b2)):
            layer.weight.copy_(w.T)
            layer.bias.copy_(b)
        expected = torch.stack([second(first(f).relu().mean(0)).softmax(-1) for f in ragged()])
    probabilities = head.probabilities(ragged())
    torch.testing.assert_close(probabilities, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(len(LENGTHS)))


def test_a_fresh_head_depends_on_its_seed_alone_and_lies_in_the_range_of_linear():
    one, same, other = (Head.fresh(100, 50, 4, None, seed) for seed in (1, 1, 2))
    torch.manual_seed(99)
    assert all(torch.equal(t, same.tensors()[n]) and t.dtype == torch.float32 for n, t in one.tensors().items())
    assert not torch.equal(one.w1, other.w1)
    for tensor, fan_in in ((one.w1, 100), (one.b1, 100), (one.w2, 50), (one.b2, 50)):
        assert tensor.abs().max() <= fan_in**-0.5
    assert one.w1.abs().max() > 0.99 * 100**-0.5 and abs(float(one.w1.mean())) < 0.005


def test_a_head_that_mixes_begins_with_equal_weights():
    head = Head.fresh(D, N, 4, 3, seed=0)
    assert head.mix is not None and torch.equal(head.mix, torch.zeros(3))
    frames = [torch.stack([f, f + 1, f - 1], 1) for f in ragged()]
    plain = Head(head.w1, head.b1, head.w2, head.b2)
    torch.testing.assert_close(head.probabilities(frames), plain.probabilities(ragged()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_layers", [None, 3])
def test_probabilities_of_many_are_those_of_each(n_layers: int | None):
    head = Head.fresh(D, N, 4, n_layers, seed=0)
    frames = ragged() if n_layers is None else [torch.stack([f, f + 1, f - 1], 1) for f in ragged()]
    alone = torch.cat([head.probabilities([f]) for f in frames])
    torch.testing.assert_close(head.probabilities(frames), alone, rtol=1e-5, atol=1e-6)
