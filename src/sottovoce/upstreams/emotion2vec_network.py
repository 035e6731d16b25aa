"""The network of emotion2vec (Ma et al. 2023), that of data2vec 2.0 (Baevski et al. 2022), under its published names.

Seven convolutions over the waveform, positions from five more, ten learnt tokens before the frames, and transformer
layers with the layer norm behind each half (post-norm) whose attention fades with distance (ALiBi, Press et al. 2021).
The first four of them and their norm are the "context encoder" of the checkpoint.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

import torch
from pydantic import AfterValidator, BaseModel, Field, model_validator
from torch import nn
from torch.nn import functional

Size = Annotated[int, Field(ge=1, le=8192)]
Count = Annotated[int, Field(ge=0, le=100)]

_STAGE = r"\(\s*(\d{1,5})\s*,\s*(\d{1,5})\s*,\s*(\d{1,5})\s*\)"
_TERM = rf"\[\s*{_STAGE}(?:\s*,\s*{_STAGE})*\s*\](?:\s*\*\s*\d{{1,2}})?"


def stages_of(spec: str) -> list[tuple[int, int, int]]:
    """Channels, width and stride of each convolution, from an expression such as `[(512, 10, 5)] + [(512, 3, 2)] * 4`.

    Raises:
        ValueError: it is no such expression.
    """
    if not re.fullmatch(rf"\s*{_TERM}(?:\s*\+\s*{_TERM})*\s*", spec):
        raise ValueError("write lists of (channels, width, stride), added or multiplied: [(512, 10, 5)] * 2")
    stages = []
    for term in spec.split("+"):
        listed, _, times = term.partition("*")
        sizes = [(int(channels), int(width), int(stride)) for channels, width, stride in re.findall(_STAGE, listed)]
        stages += sizes * int(times or 1)
    if not stages or min(min(stage) for stage in stages) < 1:
        raise ValueError("a convolution needs channels, a width and a stride")
    return stages


def _is_expression(spec: str) -> str:
    stages_of(spec)
    return spec


class Audio(BaseModel):
    """`modalities.audio` of the settings."""

    feature_encoder_spec: Annotated[str, AfterValidator(_is_expression)]
    extractor_mode: Literal["layer_norm"]
    conv_pos_width: Size
    conv_pos_groups: Size
    conv_pos_depth: Count
    conv_pos_pre_ln: Literal[False]
    prenet_depth: Count
    num_extra_tokens: Count
    use_alibi_encoder: Literal[True]
    learned_alibi: Literal[False] = False
    learned_alibi_scale_per_head: Literal[True]
    learned_alibi_scale_per_layer: Literal[False]
    num_alibi_heads: Size


class Modalities(BaseModel):
    """One of them, sound."""

    audio: Audio


class Settings(BaseModel):
    """What a published `config.yaml` says of the network, as far as it is one that was published."""

    embed_dim: Size
    depth: Count
    num_heads: Size
    mlp_ratio: Annotated[float, Field(gt=0, le=16)]
    norm_eps: Annotated[float, Field(gt=0)]
    layer_norm_first: Literal[False]
    normalize: bool
    modalities: Modalities

    @model_validator(mode="after")
    def _agrees(self) -> Settings:
        audio = self.modalities.audio
        if self.embed_dim % self.num_heads or self.embed_dim % audio.conv_pos_groups:
            raise ValueError("embed_dim must be a multiple of num_heads and of conv_pos_groups")
        if audio.num_alibi_heads != self.num_heads:
            raise ValueError("num_alibi_heads must be num_heads")
        return self


class Emotion2vec(nn.Module):
    """`modality_encoders.AUDIO` and `blocks`, as in the checkpoint."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        audio = settings.modalities.audio
        self.modality_encoders = nn.ModuleDict({"AUDIO": _AudioEncoder(settings, audio)})
        self.blocks = nn.ModuleList(_Block(settings) for _ in range(settings.depth))

    def forward(self, waveforms: torch.Tensor) -> list[torch.Tensor]:
        """What the first transformer layer reads and what each gives, `[B, T, d]` each, of waveforms `[B, n]`."""
        encoder: Any = self.modality_encoders["AUDIO"]
        frames = encoder.frames(waveforms)
        hidden, fading = encoder.begin(frames)
        states = [hidden]
        for block in (*encoder.context_encoder["blocks"], *self.blocks):
            states.append(block(states[-1], fading))
        return [state[:, encoder.extra_tokens.shape[1] :] for state in states]


class _AudioEncoder(nn.Module):
    def __init__(self, settings: Settings, audio: Audio) -> None:
        super().__init__()
        d, stages = settings.embed_dim, stages_of(audio.feature_encoder_spec)
        inputs = [1, *(channels for channels, _, _ in stages)]
        self.local_encoder = nn.ModuleDict(
            {"conv_layers": nn.ModuleList(_Stage(n, *stage) for n, stage in zip(inputs, stages, strict=False))}
        )
        self.project_features = nn.ModuleDict({"1": nn.LayerNorm(inputs[-1]), "2": nn.Linear(inputs[-1], d)})
        width = max(3, audio.conv_pos_width // audio.conv_pos_depth) if audio.conv_pos_depth else 3
        self.relative_positional_encoder = nn.ModuleDict(
            {
                str(number + 1): nn.ModuleDict(
                    {"0": nn.Conv1d(d, d, width, padding=width // 2, groups=audio.conv_pos_groups)}
                )
                for number in range(audio.conv_pos_depth)
            }
        )
        self.context_encoder = nn.ModuleDict(
            {
                "blocks": nn.ModuleList(_Block(settings) for _ in range(audio.prenet_depth)),
                "norm": nn.LayerNorm(d, eps=settings.norm_eps),
            }
        )
        self.extra_tokens = nn.Parameter(torch.empty(1, audio.num_extra_tokens, d))
        self.alibi_scale = nn.Parameter(torch.empty(1, 1, audio.num_alibi_heads, 1, 1))

    def frames(self, waveforms: torch.Tensor) -> torch.Tensor:
        """`[B, T, d]` of waveforms `[B, n]`, without positions."""
        sound = waveforms[:, None]
        stages: Any = self.local_encoder["conv_layers"]
        for stage in stages:
            sound = stage(sound)
        return self.project_features["2"](self.project_features["1"](sound.mT))

    def begin(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens and frames with positions `[B, N + T, d]`, and what attention loses `[1, H, N + T, N + T]`."""
        positions = frames.mT
        for stage in self.relative_positional_encoder.values():
            convolution: Any = stage["0"]  # type: ignore[index]
            positions = convolution(positions)[:, :, : frames.shape[1]]
            positions = functional.gelu(functional.layer_norm(positions.mT, positions.shape[1:2])).mT
        tokens = self.extra_tokens.expand(frames.shape[0], -1, -1)
        hidden = self.context_encoder["norm"](torch.cat([tokens.to(frames.dtype), frames + positions.mT], dim=1))
        n = self.extra_tokens.shape[1]
        return hidden, functional.pad(self._fading(frames.shape[1]), (n, 0, n, 0))

    def _fading(self, n_frames: int) -> torch.Tensor:
        """ALiBi between frames, symmetric, times the learnt scale of each head; the tokens are near to all."""
        scale = self.alibi_scale.clamp(min=0)[0]
        places = torch.arange(n_frames, device=scale.device)
        distances = (places[None] - places[:, None]).abs()
        slopes = torch.tensor(alibi_slopes(scale.shape[1]), device=scale.device)
        return -distances * slopes[:, None, None] * scale


class _Stage(nn.ModuleDict):
    """A convolution, the layer norm over its channels, GELU."""

    def __init__(self, n_inputs: int, channels: int, width: int, stride: int) -> None:
        convolution = nn.Conv1d(n_inputs, channels, width, stride=stride, bias=False)
        super().__init__({"0": convolution, "2": nn.ModuleDict({"1": nn.LayerNorm(channels)})})

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        norm: Any = self["2"]["1"]  # type: ignore[index]
        return functional.gelu(norm(self["0"](sound).mT)).mT


class _Block(nn.Module):
    """One transformer layer, post-norm."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        d, inner = settings.embed_dim, int(settings.embed_dim * settings.mlp_ratio)
        self.n_heads = settings.num_heads
        self.attn = nn.ModuleDict({"qkv": nn.Linear(d, 3 * d), "proj": nn.Linear(d, d)})
        self.norm1, self.norm2 = (nn.LayerNorm(d, eps=settings.norm_eps) for _ in range(2))
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(d, inner), "fc2": nn.Linear(inner, d)})

    def forward(self, hidden: torch.Tensor, fading: torch.Tensor) -> torch.Tensor:
        """`[B, N, d]`, and `fading [1, H, N, N]` is added to the attention's logits."""
        parts = self.attn["qkv"](hidden).unflatten(2, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        heard = functional.scaled_dot_product_attention(*parts.unbind(), attn_mask=fading.to(parts.dtype))
        hidden = self.norm1(hidden + self.attn["proj"](heard.transpose(1, 2).flatten(2)))
        return self.norm2(hidden + self.mlp["fc2"](functional.gelu(self.mlp["fc1"](hidden))))


def alibi_slopes(n_heads: int) -> list[float]:
    """The slope of each head: a geometric row for a power of two, else that and every other one of the next row."""
    power = 2 ** math.floor(math.log2(n_heads))
    own = [2.0 ** (-8 * number / power) for number in range(1, power + 1)]
    between = [2.0 ** (-4 * number / power) for number in range(1, 2 * (n_heads - power), 2)]
    return own + between
