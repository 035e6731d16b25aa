"""A tiny Whisper in the layout of a multilingual checkpoint, whose answer depends on the sound."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

# the order and the neighbours are those of the published vocabulary: end, start, languages, tasks, time stamps
SPECIAL = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|zh|>", "<|de|>", "<|es|>", "<|it|>", "<|translate|>"]
SPECIAL += ["<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
FIRST = 20
LANGUAGES = ("en", "zh", "de", "es", "it")


def tiny_identifier(folder: Path, *, languages: bool = True, seed: int = 0) -> Path:
    """Random weights with scaled-up attention over the sound, so that different sounds get different answers."""
    torch.manual_seed(seed)
    ids = {token: FIRST + i for i, token in enumerate(SPECIAL)}
    config = WhisperConfig(
        d_model=16,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        vocab_size=FIRST + len(SPECIAL),
        pad_token_id=ids["<|endoftext|>"],
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|endoftext|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"],
        suppress_tokens=None,
        begin_suppress_tokens=None,
        init_std=0.7,
    )
    model = WhisperForConditionalGeneration(config)
    settings = {"decoder_start_token_id": config.decoder_start_token_id, "is_multilingual": languages}
    if languages:
        settings |= {
            "lang_to_id": {f"<|{code}|>": ids[f"<|{code}|>"] for code in LANGUAGES},
            "task_to_id": {"translate": ids["<|translate|>"], "transcribe": ids["<|transcribe|>"]},
        }
    model.generation_config = GenerationConfig(**settings)
    model.save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    assert ("lang_to_id" in json.loads((folder / "generation_config.json").read_text())) is languages
    return folder
