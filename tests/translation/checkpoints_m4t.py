"""A tiny random SeamlessM4T v2 in the layout of the published checkpoint."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import GenerationConfig, SeamlessM4TFeatureExtractor, SeamlessM4Tv2Config
from transformers import SeamlessM4Tv2ForSpeechToSpeech as Model

LANGUAGES = ("deu", "ita")
PIECES = ["▁ca", "sa", "▁il", "▁ga", "tto", "▁por", "ta", "▁va", "no", "▁bene", "e", "a"]
FIRST_PIECE = 4  # after pad, unknown, bos, eos
CHARACTERS = sorted({c for piece in PIECES for c in piece})


def tiny_m4t(folder: Path, *, max_new_tokens: int = 12, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    vocabulary = FIRST_PIECE + len(PIECES) + len(LANGUAGES)
    small = {"hidden_size": 16, "num_hidden_layers": 1}
    config = SeamlessM4Tv2Config(
        **small,
        vocab_size=vocabulary,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
        decoder_start_token_id=3,
        speech_encoder_layers=2,
        speech_encoder_attention_heads=2,
        speech_encoder_intermediate_size=32,
        encoder_layers=1,
        encoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=32,
        t2u_vocab_size=40,
        t2u_pad_token_id=1,
        t2u_eos_token_id=2,
        t2u_bos_token_id=0,
        t2u_encoder_layers=1,
        t2u_encoder_attention_heads=2,
        t2u_encoder_ffn_dim=32,
        t2u_decoder_layers=1,
        t2u_decoder_attention_heads=2,
        t2u_decoder_ffn_dim=32,
        char_vocab_size=4 + len(CHARACTERS),
        unit_hifi_gan_vocab_size=40,
        unit_embed_dim=16,
        lang_embed_dim=8,
        spkr_embed_dim=8,
        vocoder_num_langs=4,
        vocoder_num_spkrs=3,
        vocoder_offset=0,
        upsample_initial_channel=32,
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3]],
        t2u_variance_predictor_embed_dim=16,
        t2u_variance_predictor_hidden_dim=16,
        initializer_range=0.3,
    )
    model = Model(config)
    with torch.no_grad():  # or random weights would say the same of every sound
        for name, weight in model.named_parameters():
            if name.startswith(("text_decoder", "speech_encoder")) and weight.dim() > 1:
                weight *= 2.5
    model.generation_config = GenerationConfig(
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
        decoder_start_token_id=3,
        max_new_tokens=max_new_tokens,
        text_decoder_lang_to_code_id={c: FIRST_PIECE + len(PIECES) + i for i, c in enumerate(LANGUAGES)},
        t2u_lang_code_to_id={c: i for i, c in enumerate(LANGUAGES)},
        vocoder_lang_code_to_id={c: i for i, c in enumerate(LANGUAGES)},
        id_to_text={str(i): "<unk>" for i in range(FIRST_PIECE)}
        | {str(FIRST_PIECE + i): piece for i, piece in enumerate(PIECES)}
        | {str(FIRST_PIECE + len(PIECES) + i): f"__{c}__" for i, c in enumerate(LANGUAGES)},
        char_to_id={c: 4 + i for i, c in enumerate(CHARACTERS)},
    )
    model.save_pretrained(folder)
    SeamlessM4TFeatureExtractor(feature_size=80, num_mel_bins=80, sampling_rate=16_000, stride=2).save_pretrained(
        folder
    )
    return folder
