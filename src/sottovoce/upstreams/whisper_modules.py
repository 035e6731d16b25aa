"""The modules of Whisper's encoder under the names of its checkpoints, and how they are filled.

They are those of transformers' `WhisperEncoder` as far as `whisper_encoder` uses them. Importing transformers takes
longer than importing torch, and whoever labels one recording would wait for it.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from sottovoce.errors import WeightsError
from sottovoce.weights.checkpoint import Checkpoint

_OUTER = re.compile(r"^(model\.)?encoder\.")
"""Before the names of the encoder's tensors, in a checkpoint of the model or of the model with a task's head."""

_SIZES = ("d_model", "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim")


class Encoder(nn.Module):
    """`settings` are those of a Whisper checkpoint."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        d = settings["d_model"]
        self.n_mels: int = settings.get("num_mel_bins", 80)
        self.n_positions: int = settings.get("max_source_positions", 1500)
        self.conv1 = nn.Conv1d(self.n_mels, d, 3, padding=1)
        self.conv2 = nn.Conv1d(d, d, 3, stride=2, padding=1)
        self.embed_positions = Positions(self.n_positions, d)
        self.layers = nn.ModuleList(
            Layer(d, settings["encoder_attention_heads"], settings["encoder_ffn_dim"])
            for _ in range(settings["encoder_layers"])
        )
        self.layer_norm = nn.LayerNorm(d)


class Positions(nn.Module):
    """`weight [T, d]`. (To fill an `nn.Embedding` torch imports its compiler, for seconds.)"""

    def __init__(self, n: int, d: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n, d))


class Layer(nn.Module):
    """One transformer layer."""

    def __init__(self, d: int, n_heads: int, d_inner: int) -> None:
        super().__init__()
        self.self_attn = Attention(d, n_heads)
        self.self_attn_layer_norm = nn.LayerNorm(d)
        self.fc1, self.fc2 = nn.Linear(d, d_inner), nn.Linear(d_inner, d)
        self.final_layer_norm = nn.LayerNorm(d)
        self.activation_fn = nn.GELU()


class Attention(nn.Module):
    """The products of its self-attention; keys have no bias."""

    def __init__(self, d: int, n_heads: int) -> None:
        super().__init__()
        self.num_heads, self.head_dim = n_heads, d // n_heads
        self.q_proj, self.v_proj, self.out_proj = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
        self.k_proj = nn.Linear(d, d, bias=False)


def load_encoder(checkpoint: Checkpoint) -> Encoder:
    """The encoder alone, in fp32, from a checkpoint of the encoder, of the model, or of the model with a task's head.

    Raises:
        WeightsError: unreadable, of another shape than the configuration says, of an activation that Whisper does not
            have, or tensors are missing or too many (lists them).
    """
    settings = checkpoint.config
    wrong = [name for name in _SIZES if not (isinstance(settings.get(name), int) and settings[name] > 0)]
    if wrong or settings.get("activation_function", "gelu") != "gelu":
        raise WeightsError(
            f"{checkpoint.weights} cannot be loaded: its config.json is not that of a Whisper, see "
            f"{', '.join(wrong) or 'activation_function'}"
        )
    with torch.device("meta"):  # nothing is made of these sizes before the tensors are seen to have them
        encoder = Encoder(settings)
    wanted = encoder.state_dict()
    try:
        read = _tensors(checkpoint, {name.partition(".")[0] for name in wanted})
    except (OSError, SafetensorError) as problem:
        raise WeightsError(f"{checkpoint.weights} cannot be loaded: {problem}") from problem
    if missing := sorted(set(wanted) - set(read)):
        raise WeightsError(
            f"{checkpoint.weights} lacks {len(missing)} tensors of Whisper's encoder, which would be random: "
            f"{', '.join(missing)}. Take a complete checkpoint of this kind"
        )
    if extra := sorted(set(read) - set(wanted)):
        raise WeightsError(
            f"{checkpoint.weights} holds {len(extra)} tensors of Whisper's encoder that its config.json has no place "
            f"for: {', '.join(extra)}. Take the config.json that was published with them"
        )
    if other := [name for name, tensor in read.items() if tensor.shape != wanted[name].shape]:
        raise WeightsError(
            f"{checkpoint.weights} cannot be loaded: its config.json speaks of other sizes than {', '.join(other)} have"
        )
    encoder.load_state_dict(read, assign=True)
    return encoder.eval().requires_grad_(False)


def _tensors(checkpoint: Checkpoint, parts: set[str]) -> dict[str, torch.Tensor]:
    """Those of the encoder's parts, in fp32."""
    read = {}
    for path in checkpoint.tensor_files:
        with safe_open(path, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118
                if (own := _OUTER.sub("", name)).partition(".")[0] in parts:
                    read[own] = tensors.get_tensor(name).to(torch.float32)
    return read
