"""A generalist that `sottovoce train` wrote, as a model: its encoder, and a linear layer on the mean of its frames.

The folder is one of transformers and carries Python files for others' use. Here they are not looked at: `config.json`
is checked, tensors are read from safetensors, and the classes that hold them are ours and transformers'.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open
from torch.nn import functional

from sottovoce.errors import SottovoceError
from sottovoce.speech.audio import Waveform
from sottovoce.upstreams.card import Upstream
from sottovoce.upstreams.loading import load_upstream
from sottovoce.use.answering import Model
from sottovoce.use.config import Fraction, Reliance
from sottovoce.use.windows import Part
from sottovoce.weights.arithmetic import Precision
from sottovoce.weights.checkpoint import Checkpoint

KIND = "sottovoce-generalist"
"""`model_type` in its configuration."""

_SHARES = "multi_label_classification"
"""Its `problem_type` where the classes are shares that need not sum to 1."""

_SIZES = {
    "encoder.conv1.weight": ("d_model", "num_mel_bins", None),
    "encoder.embed_positions.weight": ("max_source_positions", "d_model"),
    "encoder.layers.0.fc1.weight": ("encoder_ffn_dim", "d_model"),
    "classifier.bias": ("K",),
    "classifier.weight": ("K", "d_model"),
}
"""Tensors whose shapes show that the configuration is about them, before anything of its sizes is made."""


class _Heard(BaseModel):
    corpora: list[str] = []
    languages: list[str] = []


class _Told(BaseModel):
    """What its configuration must say; what transformers adds is left aside."""

    model_config = ConfigDict(allow_inf_nan=False)

    id2label: Annotated[dict[str, Annotated[str, Field(min_length=1)]], Field(min_length=2, max_length=1000)]
    encoder_layers: int
    encoder_attention_heads: Annotated[int, Field(ge=1)]
    d_model: int
    num_mel_bins: int
    max_source_positions: int
    encoder_ffn_dim: int
    prior: list[Fraction] | None = None
    logit_adjustment: float = 0.0
    heard: _Heard | None = None
    problem_type: str | None = None

    @property
    def emotions(self) -> tuple[str, ...]:
        return tuple(self.id2label[str(i)] for i in range(len(self.id2label)))

    @model_validator(mode="after")
    def _agrees(self) -> _Told:
        n = len(self.id2label)
        if set(self.id2label) != {str(i) for i in range(n)} or len(set(self.id2label.values())) < n:
            raise ValueError("id2label must number distinct classes from 0")
        if self.d_model % self.encoder_attention_heads:
            raise ValueError(f"d_model {self.d_model} has no {self.encoder_attention_heads} heads of one size")
        if self.prior is not None and len(self.prior) != n:
            raise ValueError(f"prior has {len(self.prior)} shares for {n} classes")
        return self


@dataclass(frozen=True)
class GeneralistModel(Model):
    """The encoder of a generalist with its classifier: `weight [K, d]`, `bias [K]`.

    With `shares` its answers are not probabilities of one class but shares from 0 to 1 of each.
    """

    upstream: Upstream
    weight: torch.Tensor
    bias: torch.Tensor
    classes: tuple[str, ...]
    heard: tuple[str, ...]
    shares: bool
    digest: str

    @property
    def emotions(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of probabilities."""
        return self.classes

    @property
    def languages(self) -> Sequence[str]:
        """Those that it has heard in training."""
        return self.heard

    @property
    def reliance(self) -> Reliance | None:
        """None: no speaker was kept from it, so that nobody can say how far to rely on it."""
        return None

    def answer(self, waveforms: Sequence[Waveform], parts: Sequence[Part] | None = None) -> NDArray[np.float64]:
        """As `probabilities`, in one batch: the softmax (for shares the sigmoid) of the mean of the frames' logits."""
        pooled = [frames.mean(0) for frames in self.frames(waveforms, parts)]
        if not pooled:
            return np.empty((0, len(self.classes)))
        logits = functional.linear(torch.stack(pooled), self.weight, self.bias).double()
        return (logits.sigmoid() if self.shares else torch.softmax(logits, 1)).numpy()


def is_generalist(folder: Path) -> bool:
    """Whether its `config.json` says so; False where there is none that can be read."""
    try:
        content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("model_type") == KIND


def load(folder: Path, *, device: str = "cpu", precision: Precision = "auto") -> GeneralistModel:
    """Read what `sottovoce train` wrote.

    Raises:
        SottovoceError: a file is damaged, or the configuration does not fit the tensors.
    """
    checkpoint = Checkpoint(str(folder), folder)
    told = _told(checkpoint)
    weight, bias = _classifier(folder / "model.safetensors", told)
    if told.prior is not None:
        bias = bias - told.logit_adjustment * torch.tensor(told.prior).clamp(min=1e-6).log()
    upstream = load_upstream("generalist", str(folder), device=device, precision=precision)
    heard = tuple(told.heard.languages) if told.heard else ()
    shares = told.problem_type == _SHARES
    return GeneralistModel(upstream, weight, bias, told.emotions, heard, shares, upstream.card.revision)


def _told(checkpoint: Checkpoint) -> _Told:
    try:
        return _Told.model_validate(checkpoint.config)
    except ValidationError as problem:
        found = "".join(f"\n  - {'.'.join(map(str, e['loc'])) or 'whole'}: {e['msg']}" for e in problem.errors())
        raise SottovoceError(f"{checkpoint.folder}/config.json is not that of a generalist:{found}") from problem


def _classifier(path: Path, told: _Told) -> tuple[torch.Tensor, torch.Tensor]:
    """Its two tensors, once the shapes of the file are those of the configuration."""
    again = "Train the generalist again, or copy its folder anew"
    try:
        with safe_open(path, framework="pt") as tensors:
            if fault := _fault(tensors, told):
                raise SottovoceError(f"{path} does not fit its config.json: {fault}. {again}")
            weight, bias = (tensors.get_tensor(f"classifier.{name}").float() for name in ("weight", "bias"))
    except (OSError, SafetensorError) as problem:
        raise SottovoceError(f"{path} is damaged ({problem}). {again}") from problem
    if not (torch.isfinite(weight).all() and torch.isfinite(bias).all()):
        raise SottovoceError(f"{path} holds weights that are not finite numbers. {again}")
    return weight, bias


def _fault(tensors: Any, told: _Told) -> str | None:
    names = set(tensors.keys())
    layers = {name.split(".")[2] for name in names if name.startswith("encoder.layers.")}
    if len(layers) != told.encoder_layers:
        return f"it has {len(layers)} layers, and not {told.encoder_layers}"
    sizes = {
        **told.model_dump(include={size for each in _SIZES.values() for size in each if size}),
        "K": len(told.id2label),
    }
    for name, expected in _SIZES.items():
        if name not in names:
            return f"it lacks {name}"
        shape = tensors.get_slice(name).get_shape()
        if len(shape) != len(expected) or any(
            size is not None and n != sizes[size] for n, size in zip(shape, expected, strict=True)
        ):
            return f"{name} is {shape}"
    return None
