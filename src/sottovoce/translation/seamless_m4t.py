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
from sottovoce.translation.batches import Failure, alike, halving
from sottovoce.translation.languages import M4T
from sottovoce.translation.translator import Translation, TranslatorCard
from sottovoce.weights.arithmetic import DTYPES, resolve_device, resolve_whole
from sottovoce.weights.checkpoint import in_hub_cache, load_complete, open_checkpoint

METHOD = 2
"""Raised with every change of the code that changes the sound: it is part of the key of what is kept."""

WEIGHTS = "facebook/seamless-m4t-v2-large"

CARD = TranslatorCard(
    name="seamless-m4t-v2",
    languages=tuple(sorted(M4T)),
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
        precision: Literal["auto", "fp32", "fp16", "bf16"] = "auto",
        allow_download: bool = False,
        device: str = "cpu",
    ) -> None:
        """Check language and checkpoint; the model itself is loaded when it is first asked.

        Args:
            target_language: ISO 639-1 code.
            weights: a folder or a hub id of a SeamlessM4T v2.
            beams: of the search for the text.
            precision: `auto` is bf16 or fp16 on a GPU and fp32 on a processor; the vocoder is fp32 always.
            allow_download: permit fetching a hub id.
            device: `cpu` or `cuda`.

        Raises:
            TranslationError: it does not speak the language.
            WeightsError: no checkpoint, or one of another kind.
        """
        if target_language not in M4T:
            raise TranslationError(
                f"seamless-m4t-v2 does not speak '{target_language}'; it speaks {' '.join(sorted(M4T))}. "
                "For others there is the translator 'cascade'"
            )
        self.target_language = target_language
        self._checkpoint = open_checkpoint(weights, allow_download=allow_download)
        kind = self._checkpoint.config.get("model_type")
        if kind != "seamless_m4t_v2":
            raise WeightsError(f"{weights} is a checkpoint of kind {kind!r}, not SeamlessM4T v2")
        self._spoken = self._checkpoint.read_json("generation_config.json")
        maps = ("text_decoder_lang_to_code_id", "t2u_lang_code_to_id", "vocoder_lang_code_to_id")
        if any(M4T[target_language] not in self._spoken.get(name, {}) for name in maps):
            raise WeightsError(f"{weights} lacks '{M4T[target_language]}' in its generation_config.json")
        if not self._checkpoint.read_json("preprocessor_config.json"):
            raise WeightsError(f"{weights} lacks preprocessor_config.json, which says how the sound is to be read")
        self._device = resolve_device(device)
        self._beams, self._precision = beams, resolve_whole(precision, self._device)
        self.card = CARD

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the output depends on beside the utterance."""
        return {
            "translator": CARD.name,
            "method": METHOD,
            "target_language": self.target_language,
            "revision": self._checkpoint.language_revision,
            "beams": self._beams,
            "precision": self._precision,
            "device": self._device.type,
        }

    def translate(self, utterances: Sequence[Utterance]) -> list[Translation]:
        """Translate each utterance; same order, same ids; a failure is a `Translation` with `error`.

        A batch holds utterances that are padded to one length, which each has by itself, and only the search for the
        text is shared. Its sums still differ in the last bit with the number of neighbours, so a text changes where
        two hypotheses are as good as equal; where it does not, nor do the units and the sound (in fp32).

        Raises:
            WeightsError: the model cannot be loaded.
            TranslationError: the GPU has failed altogether, or has no room for one utterance alone.
        """
        names = [u.id for u in utterances]
        made: dict[int, Translation] = {}
        sounds: dict[int, Waveform] = {}
        for position, u in enumerate(utterances):
            try:
                sounds[position] = audio.read(u.path, start_s=u.start_s, end_s=u.end_s)
            except AudioError as problem:
                made[position] = Translation(u.id, error=str(problem))
        most = round(BATCH_S[self._device.type] * audio.RATE_HZ)
        for batch in alike({position: _padded(sound.size) for position, sound in sounds.items()}, most):
            spoken = halving(batch, lambda part: self._speak([sounds[position] for position in part]), names)
            made |= {position: self._translation(utterances[position].id, said) for position, said in spoken.items()}
        return [made[position] for position in range(len(utterances))]

    def _translation(self, name: str, said: tuple[Waveform, str] | Failure) -> Translation:
        if isinstance(said, Failure):
            return Translation(name, error=said.reason)
        waveform, text = said
        if not (waveform.size and np.isfinite(waveform).all()):
            return Translation(name, text=text, error="the model said nothing, or no numbers")
        return Translation(name, waveform, self._rate_hz, text)

    def _speak(self, waveforms: Sequence[Waveform]) -> list[tuple[Waveform, str]]:
        model, extractor, _ = self._model
        inputs = extractor(
            list(waveforms), sampling_rate=audio.RATE_HZ, return_tensors="pt", pad_to_multiple_of=2 * PADDED_TO
        )
        with torch.inference_mode():
            said = model.generate(
                input_features=inputs.input_features.to(self._device, DTYPES[self._precision]),
                attention_mask=inputs.attention_mask.to(self._device),
                tgt_lang=M4T[self.target_language],
                text_num_beams=self._beams,
                speech_do_sample=False,
                return_intermediate_token_ids=True,
            )
            read = model.t2u_model.taken()
            end = self._spoken["eos_token_id"]
            spoken = [self._spoken_alone(read, i, _before(end, t)) for i, t in enumerate(said.sequences.tolist())]
        return list(zip(spoken, map(self._text, said.sequences.tolist()), strict=True))

    def _spoken_alone(self, read: dict[str, torch.Tensor], i: int, n_tokens: int) -> Waveform:
        """From the text decoder's states of one utterance to units, and to sound, without anybody's padding."""
        _, _, (to_units, vocoder) = self._model
        counts = read["char_count_per_id"][i : i + 1, :n_tokens]
        if not int(counts.sum()):
            return np.zeros(0, np.float32)
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
        language = self._spoken["vocoder_lang_code_to_id"][M4T[self.target_language]]
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
        from transformers.models.seamless_m4t_v2.modeling_seamless_m4t_v2 import SeamlessM4Tv2CodeHifiGan

        how = {"dtype": DTYPES[self._precision], "device": self._device}
        model = load_complete(SeamlessM4Tv2ForSpeechToSpeech, self._checkpoint, **how)
        model.generation_config = GenerationConfig.from_pretrained(self._checkpoint.folder)
        # The vocoder in fp32 whatever the precision: it holds 2 % of the parameters, and rounded to bf16 a random one
        # of the published size has noise 38 dB below its sound (47 dB with the weights alone rounded).
        vocoder = load_complete(
            SeamlessM4Tv2CodeHifiGan, self._checkpoint, rename={r"^vocoder\.": ""}, device=self._device
        )
        second_half = model.t2u_model, vocoder
        model.t2u_model, model.vocoder = _Reader(), _Mute()
        return model, SeamlessM4TFeatureExtractor.from_pretrained(self._checkpoint.folder), second_half

    def __getstate__(self) -> dict[str, Any]:  # a worker process loads the model for itself
        return {name: content for name, content in vars(self).items() if name != "_model"}


class _Reader(torch.nn.Module):
    """Stands in for the text-to-unit model within `generate`, and keeps what it was to read.

    In a batch the end of a shorter text is read along with it and alone it is not, and the vocoder hears the padding
    behind its units: of 40 utterances through a random checkpoint in batches of equal length, 38 sounded otherwise than
    alone, 28 of them in another duration. So both are called afterwards, for each utterance by itself (none of the 40).
    They are no loops over tokens, so batches gain them little.
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
    return None if in_hub_cache(WEIGHTS) else "its weights: --set weights=FOLDER, or --set allow_download=true (9 GB)"


def _before(end: int, tokens: Sequence[int]) -> int:
    """How many tokens there are before the end of the text, the two that begin it included.

    Behind the end of a shorter text of a batch may be more of the same token instead of padding: the beam search of
    transformers 5.23 takes a padding token whose id is 0, as this model's is, for none.
    """
    return tokens.index(end, 2) if end in tokens[2:] else len(tokens) - 1


def _padded(n_samples: int) -> int:
    """Samples that the encoder is given for so many: whole frames of 20 ms (windows of 25 ms every 10, in pairs)."""
    n_frames = max(1 + (n_samples - 400) // 160, 1)
    return -(-n_frames // (2 * PADDED_TO)) * 2 * PADDED_TO * 160
