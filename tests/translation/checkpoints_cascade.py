"""Tiny random checkpoints of every kind that a cascade takes, with real tokenizers of few pieces."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from safetensors.torch import save_file
from transformers import (
    GenerationConfig,
    M2M100Config,
    M2M100ForConditionalGeneration,
    M2M100Tokenizer,
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
    NllbTokenizer,
    VitsConfig,
    VitsModel,
    VitsTokenizer,
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

SENTENCES = ["my cat sleeps", "the door is open", "no never", "yes all is well", "kids are talking by the door"]
GREEK = ["η γάτα μου κοιμάται", "η πόρτα είναι ανοιχτή", "όχι ποτέ", "ναι όλα καλά", "τα παιδιά μιλάνε"]
SMALL: dict[str, Any] = {
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
}
WORDS = ["cat", "door", "yes", "well", "talk", "open", "my", "is"]


def tiny_whisper(folder: Path, *, several: bool = True) -> Path:
    """Every word of its vocabulary is a token: a random model says words."""
    special = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|it|>", "<|translate|>"]
    special += ["<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    vocabulary = {word: i for i, word in enumerate([*(f"Ġ{word}" for word in WORDS), *special])}
    tokenizer = WhisperTokenizer(vocab=vocabulary, merges=[], extra_special_tokens=special[1:])
    end, start = vocabulary[special[0]], vocabulary[special[1]]
    config = WhisperConfig(
        **SMALL, vocab_size=len(vocabulary), pad_token_id=end, bos_token_id=end, eos_token_id=end,
        decoder_start_token_id=start, suppress_tokens=None, begin_suppress_tokens=None, init_std=0.7,
    )  # fmt: skip
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(config)
    known: dict[str, Any] = {"is_multilingual": several}
    if several:
        known |= {
            "lang_to_id": {token: vocabulary[token] for token in special[2:5]},
            "task_to_id": {task: vocabulary[f"<|{task}|>"] for task in ("translate", "transcribe")},
        }
    model.generation_config = GenerationConfig(
        pad_token_id=end, bos_token_id=end, eos_token_id=end, decoder_start_token_id=start, max_length=12,
        no_timestamps_token_id=vocabulary["<|notimestamps|>"],
        suppress_tokens=[i for token, i in vocabulary.items() if token in special[1:]], **known,
    )  # fmt: skip
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(), tokenizer).save_pretrained(folder)
    return folder


def tiny_ctc(folder: Path) -> Path:
    """Letters from wav2vec 2.0."""
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({letter: i for i, letter in enumerate(letters)}))
    config = Wav2Vec2Config(
        vocab_size=len(letters), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        conv_dim=(8,) * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2, pad_token_id=0,
        initializer_range=0.5,
    )  # fmt: skip
    torch.manual_seed(0)
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    tokenizer = Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    Wav2Vec2Processor(Wav2Vec2FeatureExtractor(), tokenizer).save_pretrained(folder)
    return folder


def tiny_mms(folder: Path, letters: dict[str, str]) -> Path:
    """A CTC model in the layout of MMS: letters by language, and their weights in an adapter each."""
    vocabularies = {
        name: {letter: i for i, letter in enumerate(["<pad>", "<s>", "</s>", "<unk>", "|", *own])}
        for name, own in letters.items()
    }
    first = next(iter(letters))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabularies))
    config = Wav2Vec2Config(
        vocab_size=len(vocabularies[first]), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, conv_dim=(8,) * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2,
        pad_token_id=0, initializer_range=0.5, adapter_attn_dim=4, do_stable_layer_norm=True,
    )  # fmt: skip
    torch.manual_seed(0)
    model = Wav2Vec2ForCTC(config)
    model.save_pretrained(folder)
    tokenizer = Wav2Vec2CTCTokenizer(str(folder / "vocab.json"), target_lang=first)
    Wav2Vec2Processor(Wav2Vec2FeatureExtractor(), tokenizer).save_pretrained(folder)
    for name, vocabulary in vocabularies.items():
        adapter = {n: torch.randn_like(weight) * 0.5 for n, weight in model._get_adapters().items()}
        adapter |= {"lm_head.weight": torch.randn(len(vocabulary), 16), "lm_head.bias": torch.zeros(len(vocabulary))}
        save_file(adapter, folder / f"adapter.{name}.safetensors")
    return folder


def tiny_nllb(folder: Path) -> Path:
    """M2M-100's architecture with NLLB's tokenizer and language codes."""
    pieces = sorted({f"▁{w}" for s in SENTENCES + GREEK for w in s.split()} | set("".join(SENTENCES + GREEK)) | {"▁"})
    codes = ["eng_Latn", "ell_Grek", "tur_Latn", "urd_Arab", "amh_Ethi", "ben_Beng", "ita_Latn"]
    vocabulary = {token: i for i, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *pieces])}
    tokenizer = NllbTokenizer(vocab=vocabulary, merges=[], extra_special_tokens=codes)
    return _translator(folder, tokenizer, len(tokenizer))


def tiny_m2m(folder: Path) -> Path:
    """M2M-100 with its own tokenizer, whose language tokens lie behind the vocabulary."""
    spm = _sentencepiece(folder, SENTENCES + GREEK)
    tokenizer = M2M100Tokenizer(str(folder / "vocab.json"), str(spm))
    return _translator(folder, tokenizer, tokenizer.encoder_size + len(tokenizer.lang_code_to_id) + 8)


def tiny_marian(folder: Path, *, target: str = "el", tokens: tuple[str, ...] = ()) -> Path:
    """Marian for one target language, or with tokens such as `>>ell<<` for several."""
    spm = _sentencepiece(folder, SENTENCES + GREEK, tokens)
    for name in ("source.spm", "target.spm"):
        shutil.copy(spm, folder / name)
    with warnings.catch_warnings(action="ignore"):  # it recommends a package
        tokenizer = MarianTokenizer(
            str(folder / "source.spm"), str(folder / "target.spm"), str(folder / "vocab.json"),
            source_lang="en", target_lang=target,
        )  # fmt: skip
    pad = tokenizer.convert_tokens_to_ids("<pad>")
    config = MarianConfig(
        **SMALL, vocab_size=len(tokenizer.encoder), pad_token_id=pad, decoder_start_token_id=pad, init_std=0.7,
        eos_token_id=tokenizer.convert_tokens_to_ids("</s>"), forced_eos_token_id=None, max_position_embeddings=64,
    )  # fmt: skip
    torch.manual_seed(0)
    model = MarianMTModel(config)
    model.generation_config = GenerationConfig(
        pad_token_id=pad, decoder_start_token_id=pad, eos_token_id=config.eos_token_id, max_length=12,
        bad_words_ids=[[pad]],
    )  # fmt: skip
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_vits(
    folder: Path,
    *,
    language: str | None = "ell",
    uroman: bool = False,
    speakers: int = 1,
    letters: str | None = None,
    speaking_rate: float = 4.0,
) -> Path:
    """A voice of one language in MMS-TTS's layout."""
    letters = letters or "".join(sorted(set("".join(GREEK + SENTENCES)) - {" "}))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({c: i for i, c in enumerate(["_", *letters, " ", "<unk>"])}))
    tokenizer = VitsTokenizer(
        str(folder / "vocab.json"), pad_token="_", language=language, phonemize=False, is_uroman=uroman
    )
    config = VitsConfig(
        vocab_size=len(letters) + 3, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, ffn_dim=32,
        flow_size=16, spectrogram_bins=9, prior_encoder_num_flows=1, prior_encoder_num_wavenet_layers=1,
        posterior_encoder_num_wavenet_layers=1, upsample_initial_channel=32, resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1]], duration_predictor_filter_channels=16, depth_separable_num_layers=1,
        duration_predictor_num_flows=2, num_speakers=speakers, speaker_embedding_size=8 if speakers > 1 else 0,
        sampling_rate=16_000, speaking_rate=speaking_rate, initializer_range=0.1,
    )  # fmt: skip
    torch.manual_seed(0)
    VitsModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _translator(folder: Path, tokenizer: Any, vocabulary: int) -> Path:
    config = M2M100Config(
        **SMALL, vocab_size=vocabulary, pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2,
        init_std=0.7, max_position_embeddings=64,
    )  # fmt: skip
    torch.manual_seed(0)
    model = M2M100ForConditionalGeneration(config)
    with torch.no_grad():  # these it reads, and hardly ever writes
        model.model.shared.weight[[*range(4), *range(tokenizer.vocab_size, vocabulary)]] *= 0.05
        for name, weight in model.named_parameters():
            if "encoder_attn" in name and weight.dim() == 2:
                weight *= 3  # or it would say the same whatever it reads
    model.generation_config = GenerationConfig(
        pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2, max_length=12,
    )  # fmt: skip
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _sentencepiece(folder: Path, sentences: list[str], tokens: tuple[str, ...] = ()) -> Path:
    """A SentencePiece model, and `vocab.json` in fairseq's order beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "sentencepiece.bpe.model", "wb") as stream:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences), model_writer=stream, vocab_size=60, model_type="bpe", minloglevel=2,
            hard_vocab_limit=False,
        )  # fmt: skip
    trained = sentencepiece.SentencePieceProcessor(str(folder / "sentencepiece.bpe.model"))
    pieces = [trained.id_to_piece(i) for i in range(3, trained.vocab_size())]
    vocabulary = {t: i for i, t in enumerate(["<s>", "<pad>", "</s>", "<unk>", *tokens, *pieces])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    return folder / "sentencepiece.bpe.model"
