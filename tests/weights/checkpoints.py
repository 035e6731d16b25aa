"""Tiny random checkpoints of every kind of upstream, saved to disk as the real ones are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import (
    Data2VecAudioConfig,
    Data2VecAudioModel,
    HubertConfig,
    HubertModel,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2BertConfig,
    Wav2Vec2BertModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
    WavLMConfig,
    WavLMModel,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

from sottovoce.upstreams.generalist_network import Generalist, GeneralistConfig

_CONVOLUTIONAL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": (8, 8, 8, 8, 8, 8, 8),
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}


def with_trained_norms(folder: Path) -> Path:
    """The same checkpoint, its layer norms no longer ones and zeros, which cannot be told from one another."""
    generator = torch.Generator().manual_seed(0)
    for path in folder.glob("*.safetensors"):
        tensors = load_file(path)
        for name, tensor in tensors.items():
            if "layer_norm" in name:
                tensors[name] = torch.rand(tensor.shape, generator=generator).to(tensor.dtype) + 0.5
        save_file(tensors, path, {"format": "pt"})
    return folder


def tiny_whisper(folder: Path) -> Path:
    """A Whisper with a decoder, to be left alone, and full-length positions."""
    config = WhisperConfig(
        d_model=16,
        encoder_layers=2,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        vocab_size=32,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    return _save(folder, WhisperForConditionalGeneration, config, WhisperFeatureExtractor())


def tiny_generalist(folder: Path) -> Path:
    """As `sottovoce train` writes it, with three classes and two corpora to tell apart."""
    config = GeneralistConfig(
        d_model=16,
        encoder_layers=2,
        encoder_attention_heads=2,
        encoder_ffn_dim=32,
        id2label={0: "angry", 1: "neutral", 2: "sad"},
        label2id={"angry": 0, "neutral": 1, "sad": 2},
        domain_sizes=[2],
        heard={"corpora": ["it", "ravdess"], "languages": ["en", "it"], "speakers": 4, "utterances": 24},
    )
    return _save(folder, Generalist, config, WhisperFeatureExtractor(return_attention_mask=True))


def tiny_wav2vec2(folder: Path) -> Path:
    """As wav2vec2-base: group norm over time, normalised input."""
    return _save(folder, Wav2Vec2Model, Wav2Vec2Config(**_CONVOLUTIONAL), Wav2Vec2FeatureExtractor(do_normalize=True))


def tiny_xlsr(folder: Path) -> Path:
    """As XLS-R: layer norm in the convolutions and before each transformer layer."""
    config = Wav2Vec2Config(**_CONVOLUTIONAL, feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True)
    return _save(folder, Wav2Vec2Model, config, Wav2Vec2FeatureExtractor(do_normalize=True))


def tiny_hubert(folder: Path) -> Path:
    return _save(folder, HubertModel, HubertConfig(**_CONVOLUTIONAL), Wav2Vec2FeatureExtractor(do_normalize=True))


def tiny_wavlm(folder: Path) -> Path:
    """As WavLM-base: the input is not normalised."""
    return _save(folder, WavLMModel, WavLMConfig(**_CONVOLUTIONAL), Wav2Vec2FeatureExtractor(do_normalize=False))


def tiny_wavlm_large(folder: Path) -> Path:
    """As WavLM-large: layer norm in the convolutions and before each transformer layer."""
    config = WavLMConfig(**_CONVOLUTIONAL, feat_extract_norm="layer", do_stable_layer_norm=True)
    return _save(folder, WavLMModel, config, Wav2Vec2FeatureExtractor(do_normalize=True))


def tiny_data2vec(folder: Path) -> Path:
    config = Data2VecAudioConfig(**{**_CONVOLUTIONAL, "num_conv_pos_embeddings": 2}, conv_pos_kernel_size=5)
    return _save(folder, Data2VecAudioModel, config, Wav2Vec2FeatureExtractor(do_normalize=True))


def tiny_w2v_bert(folder: Path) -> Path:
    config = Wav2Vec2BertConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, output_hidden_size=16
    )
    return _save(folder, Wav2Vec2BertModel, config, SeamlessM4TFeatureExtractor(stride=2))


TINY: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "whisper": ("whisper", tiny_whisper),
    "generalist": ("generalist", tiny_generalist),
    "wav2vec2": ("ssl", tiny_wav2vec2),
    "xls-r": ("ssl", tiny_xlsr),
    "hubert": ("ssl", tiny_hubert),
    "wavlm": ("ssl", tiny_wavlm),
    "wavlm-large": ("ssl", tiny_wavlm_large),
    "data2vec": ("ssl", tiny_data2vec),
    "w2v-bert": ("ssl", tiny_w2v_bert),
}
"""By kind: the upstream that reads it, and the function that writes it."""


def drop_tensor(folder: Path, ending: str) -> str:
    """Remove the first tensor whose name ends so from the checkpoint, and return its name."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    name = next(name for name in sorted(tensors) if name.endswith(ending))
    del tensors[name]
    save_file(tensors, path, metadata={"format": "pt"})
    return name


def _save(folder: Path, model_class: type, config: object, extractor: object) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = model_class(config)
    model.save_pretrained(folder)
    extractor.save_pretrained(folder)
    return folder
