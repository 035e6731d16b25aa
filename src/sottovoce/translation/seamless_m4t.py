"""SeamlessM4T v2: speech to speech without expression, in this process, through transformers.

It is the translator of row 3 of Table V of arXiv 2409.10985. One voice speaks all: what is said is carried over, how it
is said is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch

from sottovoce.errors import AudioError, TranslationError, WeightsError
from sottovoce.speech import audio
from sottovoce.speech.audio import Waveform
from sottovoce.speech.manifest import Utterance
from sottovoce.translation.batches import alike
from sottovoce.translation.translator import Translation, TranslatorCard
from sottovoce.weights.arithmetic import has_bf16, resolve_device
from sottovoce.weights.checkpoint import load_complete, open_checkpoint

METHOD = 1
"""Raised with every change of the code that changes the sound: it is part of the key of what is kept."""

WEIGHTS = "facebook/seamless-m4t-v2-large"

CODES = {
    "ar": "arb",
    "bn": "ben",
    "ca": "cat",
    "cs": "ces",
    "cy": "cym",
    "da": "dan",
    "de": "deu",
    "en": "eng",
    "es": "spa",
    "et": "est",
    "fa": "pes",
    "fi": "fin",
    "fr": "fra",
    "hi": "hin",
    "id": "ind",
    "it": "ita",
    "ja": "jpn",
    "ko": "kor",
    "mt": "mlt",
    "nl": "nld",
    "pl": "pol",
    "pt": "por",
    "ro": "ron",
    "ru": "rus",
    "sk": "slk",
    "sv": "swe",
    "sw": "swh",
    "te": "tel",
    "th": "tha",
    "tl": "tgl",
    "tr": "tur",
    "uk": "ukr",
    "ur": "urd",
    "uz": "uzn",
    "vi": "vie",
    "zh": "cmn",
}
"""The 36 languages it speaks, and its own names for them."""

CARD = TranslatorCard(
    name="seamless-m4t-v2",
    languages=tuple(sorted(CODES)),
    expressive=False,
    licence_of_code="Apache-2.0 (transformers)",
    licence_of_weights="CC BY-NC 4.0",
    licence_of_outputs="the weights may be used non-commercially alone (CC BY-NC 4.0), so treat what they make alike; "
    "and as the source recordings",
    needs=f"weights in safetensors ({WEIGHTS}: 2.3 billion parameters, 9 GB), a GPU for more than a few utterances",
    note="One voice for everybody: the source's prosody is lost.",
)

_UNIT_CONSTANTS = {"t2u_pad_token_id": 1, "t2u_eos_token_id": 2, "vocoder_offset": 4}
"""Names in the configuration, and what they are where it does not say (transformers' defaults)."""

_PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
Precision = Literal["auto", "fp32", "fp16", "bf16"]

BATCH_S = {"cpu": 20.0, "cuda": 240.0}
"""Seconds of sound in one pass, padding included."""

PADDED_TO = 16
"""The encoder reads a multiple of this many frames of 20 ms."""


class SeamlessM4T:
    """Translates batch by batch; utterances of like length share a batch, and a batch that fails is halved."""

    def __init__(
        self,
        target_language: str,
        weights: str = WEIGHTS,
        *,
        beams: int = 5,
        precision: Precision = "auto",
        allow_download: bool = False,
        device: str = "cpu",
    ) -> None:
        """Check language and checkpoint; the model itself is loaded when it is first asked.

        Args:
            target_language: ISO 639-1 code.
            weights: a folder or a hub id of a SeamlessM4T v2.
            beams: of the search for the text.
            precision: `auto` is bf16 or fp16 on a GPU and fp32 on a processor.
            allow_download: permit fetching a hub id.
            device: `cpu` or `cuda`.

        Raises:
            TranslationError: it does not speak the language.
            WeightsError: no checkpoint, or one of another kind.
        """
        if target_language not in CODES:
            raise TranslationError(
                f"seamless-m4t-v2 does not speak '{target_language}'; it speaks {' '.join(sorted(CODES))}. "
                "For others there is the translator 'cascade'"
            )
        self.target_language = target_language
        self._checkpoint = open_checkpoint(weights, allow_download=allow_download)
        kind = self._checkpoint.config.get("model_type")
        if kind != "seamless_m4t_v2":
            raise WeightsError(f"{weights} is a checkpoint of kind {kind!r}, not SeamlessM4T v2")
        self._spoken = self._checkpoint.read_json("generation_config.json")
        maps = ("text_decoder_lang_to_code_id", "t2u_lang_code_to_id", "vocoder_lang_code_to_id")
        if any(CODES[target_language] not in self._spoken.get(name, {}) for name in maps):
            raise WeightsError(f"{weights} lacks '{CODES[target_language]}' in its generation_config.json")
        self._device = resolve_device(device)
        self._beams, self._precision = beams, _resolved(precision, self._device)
        self.card = CARD

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the output depends on beside the utterance."""
        return {
            "translator": CARD.name,
            "method": METHOD,
            "target_language": self.target_language,
            "revision": self._checkpoint.revision,
            "languages": sorted(self._spoken.get("t2u_lang_code_to_id", {})),
            "beams": self._beams,
            "precision": self._precision,
            "device": self._device.type,
        }

    def translate(self, utterances: Sequence[Utterance]) -> list[Translation]:
        """Translate each utterance; same order, same ids; a failure is a `Translation` with `error`.

        What an utterance becomes does not depend on its batch: all in one batch are padded to the same length, which is
        given by each by itself. (The encoder hears padding, of however many frames there are.)
        """
        made: dict[int, Translation] = {}
        sounds: dict[int, Waveform] = {}
        for position, u in enumerate(utterances):
            try:
                sounds[position] = audio.read(u.path, start_s=u.start_s, end_s=u.end_s)
            except AudioError as problem:
                made[position] = Translation(u.id, error=str(problem))
        most = round(BATCH_S[self._device.type] * audio.RATE_HZ)
        for batch in alike({position: _padded(sound.size) for position, sound in sounds.items()}, most):
            made |= self._batch(batch, utterances, sounds)
        return [made[position] for position in range(len(utterances))]

    def _batch(
        self, batch: Sequence[int], utterances: Sequence[Utterance], sounds: dict[int, Waveform]
    ) -> dict[int, Translation]:
        """One pass; where it fails, two of half the size, down to the utterance that is the cause."""
        try:
            spoken = self._speak([sounds[position] for position in batch])
        except (RuntimeError, ValueError, IndexError) as problem:  # out of memory is a RuntimeError
            if len(batch) == 1:
                reason = (str(problem).splitlines() or [type(problem).__name__])[0]
                return {batch[0]: Translation(utterances[batch[0]].id, error=f"the model failed: {reason}")}
            half = len(batch) // 2
            return self._batch(batch[:half], utterances, sounds) | self._batch(batch[half:], utterances, sounds)
        return {
            position: Translation(utterances[position].id, waveform, self._rate_hz, text)
            if waveform.size
            else Translation(utterances[position].id, text=text, error="the model said nothing")
            for position, (waveform, text) in zip(batch, spoken, strict=True)
        }

    def _speak(self, waveforms: Sequence[Waveform]) -> list[tuple[Waveform, str]]:
        model, extractor, _ = self._model
        inputs = extractor(
            list(waveforms), sampling_rate=audio.RATE_HZ, return_tensors="pt", pad_to_multiple_of=2 * PADDED_TO
        )
        with torch.inference_mode():
            said = model.generate(
                input_features=inputs.input_features.to(self._device, _PRECISIONS[self._precision]),
                attention_mask=inputs.attention_mask.to(self._device),
                tgt_lang=CODES[self.target_language],
                text_num_beams=self._beams,
                speech_do_sample=False,
                return_intermediate_token_ids=True,
            )
            read = model.t2u_model.taken()
            n_tokens = (said.sequences != self._spoken["pad_token_id"]).sum(1) - 1  # the last ends the text
            spoken = [self._spoken_alone(read, i, int(n)) for i, n in enumerate(n_tokens)]
        return list(zip(spoken, map(self._text, said.sequences.tolist()), strict=True))

    def _spoken_alone(self, read: dict[str, torch.Tensor], i: int, n_tokens: int) -> Waveform:
        """From the text decoder's states of one utterance to units, and to sound, without anybody's padding."""
        _, _, (to_units, vocoder) = self._model
        counts = read["char_count_per_id"][i : i + 1, :n_tokens]
        logits = to_units(
            inputs_embeds=read["inputs_embeds"][i : i + 1, :n_tokens],
            char_input_ids=read["char_input_ids"][i : i + 1, : int(counts.sum())],
            char_count_per_id=counts,
            attention_mask=read["attention_mask"][i : i + 1, :n_tokens],
        )[0]
        config = self._checkpoint.config
        pad, end, offset = (config.get(n, d) for n, d in _UNIT_CONSTANTS.items())
        units = logits.argmax(-1)
        units = torch.where((units == end) | (units == pad), pad, units - offset)
        if bool((units == pad).all()):
            return np.zeros(0, np.float32)
        language = self._spoken["vocoder_lang_code_to_id"][CODES[self.target_language]]
        speaker, language = (torch.tensor([[number]], device=self._device) for number in (0, language))
        sound, length = vocoder(input_ids=units, speaker_id=speaker, lang_id=language)
        return sound.flatten()[: int(length)].float().cpu().numpy()

    def _text(self, tokens: Sequence[int]) -> str:
        """The checkpoint carries the spelling of each token, since the second half of the model reads characters."""
        spelling = self._spoken["id_to_text"]
        special = {self._spoken.get(f"{name}_token_id") for name in ("pad", "bos", "eos", "decoder_start")}
        special |= set(self._spoken["text_decoder_lang_to_code_id"].values())
        parts = [spelling.get(str(token), "") for token in tokens if token not in special]
        return "".join(parts).replace("▁", " ").strip()

    @property
    def _rate_hz(self) -> int:
        return int(self._checkpoint.config.get("sampling_rate", audio.RATE_HZ))

    @cached_property
    def _model(self) -> tuple[Any, Any, Any]:
        from transformers import GenerationConfig, SeamlessM4TFeatureExtractor, SeamlessM4Tv2ForSpeechToSpeech

        model = load_complete(SeamlessM4Tv2ForSpeechToSpeech, self._checkpoint)
        model.generation_config = GenerationConfig.from_pretrained(self._checkpoint.folder)
        model.to(self._device, _PRECISIONS[self._precision])
        second_half = model.t2u_model, model.vocoder
        model.t2u_model, model.vocoder = _Reader(), _Mute()
        return model, SeamlessM4TFeatureExtractor.from_pretrained(self._checkpoint.folder), second_half

    def __getstate__(self) -> dict[str, Any]:  # a worker process loads the model for itself
        return {name: content for name, content in vars(self).items() if name != "_model"}


class _Reader(torch.nn.Module):
    """Stands in for the text-to-unit model within `generate`, and keeps what it was to read.

    In a batch the end of a shorter text is read along with it and alone it is not, and the vocoder hears the padding
    behind its units: of 17 utterances through a random checkpoint, 4 had other durations than alone. So both are
    called afterwards, for each utterance by itself. They are no loops over tokens, so batches gain them little.
    """

    def forward(self, **read: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and mask of one unit an utterance, to be ignored."""
        self._read = read
        n = len(read["inputs_embeds"])
        return torch.zeros(n, 1, 2, device=read["inputs_embeds"].device), torch.ones(n, 1)

    def taken(self) -> dict[str, torch.Tensor]:
        """What was read last."""
        read, self._read = self._read, {}
        return read


class _Mute(torch.nn.Module):
    """Stands in for the vocoder within `generate`."""

    def forward(self, input_ids: torch.Tensor, **_: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """No sound."""
        return input_ids, input_ids


def missing() -> str | None:
    """What keeps the published checkpoint from running here."""
    try:
        open_checkpoint(WEIGHTS)
    except WeightsError:
        return "its weights: --set weights=FOLDER, or --set allow_download=true once (9 GB)"
    return None


def _padded(n_samples: int) -> int:
    """Samples that the encoder is given for so many: whole frames of 20 ms (windows of 25 ms every 10, in pairs)."""
    n_frames = max(1 + (n_samples - 400) // 160, 1)
    return -(-n_frames // (2 * PADDED_TO)) * 2 * PADDED_TO * 160


def _resolved(precision: Precision, device: torch.device) -> str:
    if precision == "auto":
        return "fp32" if device.type == "cpu" else "bf16" if has_bf16(device) else "fp16"
    if precision not in _PRECISIONS:
        raise WeightsError(f"precision {precision!r} is not known; use auto, {', '.join(_PRECISIONS)}")
    return precision
