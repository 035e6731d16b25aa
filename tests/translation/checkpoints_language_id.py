"""A tiny Whisper in the layout of a multilingual checkpoint, whose answer depends on the sound."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

from sottovoce.speech.audio import Waveform

# the order and the neighbours are those of the published vocabulary: end, start, languages, tasks, time stamps
SPECIAL = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|zh|>", "<|de|>", "<|es|>", "<|it|>", "<|translate|>"]
SPECIAL += ["<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
FIRST = 20
IDS = {token: FIRST + i for i, token in enumerate(SPECIAL)}
LANGUAGES = ("en", "zh", "de", "es", "it")


def tiny_identifier(folder: Path, *, languages: bool = True, mels: int = 80, seed: int = 0) -> Path:
    """Random weights larger than usual, so that different sounds get different answers."""
    config = WhisperConfig(
        d_model=16,
        num_mel_bins=mels,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        vocab_size=FIRST + len(SPECIAL),
        pad_token_id=IDS["<|endoftext|>"],
        bos_token_id=IDS["<|endoftext|>"],
        eos_token_id=IDS["<|endoftext|>"],
        decoder_start_token_id=IDS["<|startoftranscript|>"],
        suppress_tokens=None,
        begin_suppress_tokens=None,
        init_std=0.3,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = WhisperForConditionalGeneration(config)
    settings = {"decoder_start_token_id": config.decoder_start_token_id, "is_multilingual": languages}
    if languages:
        settings |= {
            "lang_to_id": {f"<|{code}|>": IDS[f"<|{code}|>"] for code in LANGUAGES},
            "task_to_id": {"translate": IDS["<|translate|>"], "transcribe": IDS["<|transcribe|>"]},
        }
    model.generation_config = GenerationConfig(**settings)
    model.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=mels).save_pretrained(folder)
    assert ("lang_to_id" in json.loads((folder / "generation_config.json").read_text())) is languages
    return folder


def teach(folder: Path, sounds: Mapping[str, Sequence[Waveform]], logit: float = 6.0) -> Path:
    """Let the checkpoint recognise these sounds: the tokens' rows are solved for, so that its logit is the highest.

    The rows of all languages are changed, and that of the start token, which the decoder is given, is not.
    """
    model = WhisperForConditionalGeneration.from_pretrained(folder).eval()
    extractor = WhisperFeatureExtractor.from_pretrained(folder)
    labels = [code for code, each in sounds.items() for _ in each]
    every = [sound for each in sounds.values() for sound in each]
    features = extractor(every, sampling_rate=16_000, return_tensors="pt").input_features
    start = torch.full((len(every), 1), IDS["<|startoftranscript|>"])
    with torch.inference_mode():
        decoded = model.model(features, decoder_input_ids=start).last_hidden_state[:, 0]
    wanted = torch.tensor([[logit if code == label else 0.0 for code in LANGUAGES] for label in labels])
    rows = (torch.linalg.pinv(decoded.double()) @ wanted.double()).T.float()
    with torch.no_grad():
        model.model.decoder.embed_tokens.weight[[IDS[f"<|{code}|>"] for code in LANGUAGES]] = rows
    model.save_pretrained(folder)
    return folder
