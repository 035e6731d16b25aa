"""Checkpoints in their authors' formats, written here: tensors under the published names, random values."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save_file

Tensors = dict[str, torch.Tensor]
Make = Callable[..., torch.Tensor]

KERNELS = (10, 3, 3, 3, 3, 2, 2)


def random(*shape: int) -> torch.Tensor:
    """Weights as of a layer that keeps the size of what it hears; biases and norms near 0."""
    return torch.randn(shape) / math.prod(shape[1:]) ** 0.5 if len(shape) > 1 else 0.1 * torch.randn(shape)


def like_trained(tensors: Tensors) -> Tensors:
    """With the weights of norms around 1."""
    return {n: t + 1 if t.ndim == 1 and n.endswith(".weight") else t for n, t in tensors.items()}


def repeated(*shape: int) -> torch.Tensor:
    """One random number of any shape: a file of the published shapes that takes no room."""
    return torch.randn(1).expand(shape)


def emotion2vec_settings(dimension: int, heads: int, depth: int = 8, prenet: int = 4, channels: int = 512) -> Any:
    """`config.yaml` as far as it says what the network is like, in the form that was published."""
    spec = f"[({channels}, 10, 5)] + [({channels}, 3, 2)] * 4 + [({channels},2,2)] + [({channels},2,2)]"
    audio = {
        "type": "AUDIO",
        "prenet_depth": prenet,
        "num_extra_tokens": 10,
        "use_alibi_encoder": True,
        "alibi_scale": 1.0,
        "learned_alibi": False,
        "alibi_max_pos": None,
        "learned_alibi_scale": True,
        "learned_alibi_scale_per_head": True,
        "learned_alibi_scale_per_layer": False,
        "num_alibi_heads": heads,
        "decoder": {"decoder_dim": 384, "decoder_groups": 16, "decoder_kernel": 7, "decoder_layers": 4},
        "extractor_mode": "layer_norm",
        "feature_encoder_spec": spec,
        "conv_pos_width": 95,
        "conv_pos_groups": 16,
        "conv_pos_depth": 5,
        "conv_pos_pre_ln": False,
    }
    model = {"depth": depth, "num_heads": heads, "norm_eps": 1e-5, "embed_dim": dimension, "mlp_ratio": 4.0}
    model |= {"layer_norm_first": False, "normalize": True, "layerdrop": 0.05, "modalities": {"audio": audio}}
    return {"model": "Emotion2vec", "model_conf": model}


def emotion2vec_tensors(
    dimension: int, heads: int, make: Make, depth: int = 8, prenet: int = 4, channels: int = 512
) -> Tensors:
    """The 183 tensors of the network: of emotion2vec base and of each emotion2vec+."""
    d, audio = dimension, "modality_encoders.AUDIO"
    tensors = {f"{audio}.alibi_scale": make(1, 1, heads, 1, 1), f"{audio}.extra_tokens": make(1, 10, d)}
    for number, width in enumerate(KERNELS):
        stage = f"{audio}.local_encoder.conv_layers.{number}"
        tensors[f"{stage}.0.weight"] = make(channels, channels if number else 1, width)
        tensors |= _pair(f"{stage}.2.1", make, channels)
    tensors |= _pair(f"{audio}.project_features.1", make, channels)
    tensors |= _pair(f"{audio}.project_features.2", make, d, channels)
    for number in range(1, 6):
        tensors |= _pair(f"{audio}.relative_positional_encoder.{number}.0", make, d, d // 16, 19)
    tensors |= _pair(f"{audio}.context_encoder.norm", make, d)
    blocks = [f"{audio}.context_encoder.blocks.{number}" for number in range(prenet)]
    for block in (*blocks, *(f"blocks.{number}" for number in range(depth))):
        tensors |= _pair(f"{block}.norm1", make, d) | _pair(f"{block}.norm2", make, d)
        tensors |= _pair(f"{block}.attn.qkv", make, 3 * d, d) | _pair(f"{block}.attn.proj", make, d, d)
        tensors |= _pair(f"{block}.mlp.fc1", make, 4 * d, d) | _pair(f"{block}.mlp.fc2", make, d, 4 * d)
    return tensors


def decoder_tensors(dimension: int, make: Make, inner: int = 384) -> Tensors:
    """What emotion2vec base was pretrained with, and still holds."""
    decoder = "modality_encoders.AUDIO.decoder"
    tensors = _pair(f"{decoder}.proj", make, dimension, inner)
    for number in range(4):
        inputs = (inner if number else dimension) // 16
        tensors |= _pair(f"{decoder}.blocks.{number}.0", make, inner, inputs, 7)
    return tensors


def classified(tensors: Tensors, dimension: int, make: Make) -> Tensors:
    """As emotion2vec+ holds them: beside a layer for nine emotions."""
    return {f"d2v_model.{name}": tensor for name, tensor in tensors.items()} | _pair("proj", make, 9, dimension)


def tiny_emotion2vec(folder: Path) -> Path:
    """As emotion2vec+, with two layers of 16."""
    size = {"depth": 1, "prenet": 1, "channels": 8}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tensors = classified(like_trained(emotion2vec_tensors(16, 2, random, **size)), 16, random)
    torch.save({"model": tensors, "optimizer": {"step": 3}}, folder / "model.pt")
    settings = emotion2vec_settings(16, 2, **size)
    (folder / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return folder


def expressivity_tensors(make: Make) -> Tensors:
    """The 138 tensors of the expressivity encoder."""
    tensors = _tdnn("blocks.0", make, 512, 80, 5)
    for number in (1, 2, 3):
        block = f"blocks.{number}"
        tensors |= _tdnn(f"{block}.tdnn1", make, 512, 512, 1) | _tdnn(f"{block}.tdnn2", make, 512, 512, 1)
        for group in range(7):
            tensors |= _tdnn(f"{block}.res2net_block.blocks.{group}", make, 64, 64, 3)
        tensors |= _pair(f"{block}.se_block.conv1", make, 128, 512, 1)
        tensors |= _pair(f"{block}.se_block.conv2", make, 512, 128, 1)
    tensors |= _tdnn("mfa", make, 1536, 1536, 1) | _tdnn("asp.tdnn", make, 128, 4608, 1)
    tensors |= _pair("asp.conv", make, 1536, 128, 1) | _pair("asp_norm", make, 3072)
    return tensors | _pair("fc", make, 512, 3072, 1)


def in_pretssel(tensors: Tensors) -> dict[str, Tensors]:
    """As the vocoder holds them, among its others."""
    own = {f"encoder_frontend.prosody_encoder.{name}": tensor for name, tensor in tensors.items()}
    return {"model": own | {"encoder_frontend.embed_tokens.weight": torch.zeros(4, 4), "postnet.weight": torch.ones(2)}}


def published_expressivity(folder: Path) -> Path:
    """At its own size: it has only one."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tensors = like_trained(expressivity_tensors(random))
    torch.save(in_pretssel(tensors), folder / "pretssel_melhifigan_wm.pt")
    return folder


def change(folder: Path, edit: Callable[[Tensors], object]) -> None:
    """Edit the tensors of the folder's pickled checkpoint."""
    (path,) = folder.glob("*.pt")
    content = torch.load(path, weights_only=True)
    edit(content["model"])
    torch.save(content, path)


def as_safetensors(folder: Path) -> None:
    """Write the checkpoint anew as safetensors, and take the pickle away."""
    (path,) = folder.glob("*.pt")
    content = torch.load(path, weights_only=True)["model"]
    save_file({name: tensor.contiguous() for name, tensor in content.items()}, folder / "model.safetensors")
    path.unlink()


def _pair(name: str, make: Make, *shape: int) -> Tensors:
    return {f"{name}.weight": make(*shape), f"{name}.bias": make(shape[0])}


def _tdnn(name: str, make: Make, *shape: int) -> Tensors:
    return _pair(f"{name}.conv", make, *shape) | _pair(f"{name}.norm", make, shape[0])
