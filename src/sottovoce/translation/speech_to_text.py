"""A recogniser of transformers, Whisper or CTC, as the first step of a cascade."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch

from sottovoce.errors import TranslationError
from sottovoce.speech import audio
from sottovoce.speech.audio import Waveform
from sottovoce.translation.languages import ISO_639_3, whisper_token
from sottovoce.translation.parts import opened, reader
from sottovoce.weights.checkpoint import load_complete, quiet_transformers

KINDS = ("whisper", "wav2vec2", "wav2vec2-bert", "wav2vec2-conformer", "hubert", "wavlm", "data2vec-audio")

LONGEST_S = {"whisper": 30.0}
"""What one pass hears; beyond it a transcript would end in the middle."""


class Recogniser:
    """Sound to text, in the language that is spoken."""

    def __init__(self, weights: str, *, beams: int, allow_download: bool, device: torch.device) -> None:
        """Check the checkpoint and read its tokenizer; the model is loaded when it is first asked.

        Raises:
            WeightsError: absent, incomplete, or of a kind that does not recognise speech.
        """
        self.checkpoint = opened(weights, "recogniser", KINDS, allow_download)
        self._beams, self._device = beams, device
        _ = self._processor

    def size(self, sound: Waveform) -> int:
        """Sounds of equal size may share a batch: for Whisper all, since each is padded to 30 s."""
        return round(LONGEST_S["whisper"] * audio.RATE_HZ) if self._is_whisper else sound.size

    def hear(self, sounds: Sequence[Waveform], language: str | None) -> list[str]:
        """Transcripts of sounds at 16 kHz in one language (ISO 639-1; None: Whisper listens for it).

        Raises:
            TranslationError: too long, or the recogniser does not know the language.
        """
        longest_s = LONGEST_S.get(self.checkpoint.config["model_type"], audio.LONGEST_S)
        if any(sound.size > longest_s * audio.RATE_HZ for sound in sounds):
            raise TranslationError(f"the recogniser hears {longest_s:.0f} s at most; cut it with start_s and end_s")
        whole = {"return_attention_mask": True} if self._is_whisper else {}
        inputs = self._processor(audio=list(sounds), sampling_rate=audio.RATE_HZ, return_tensors="pt", **whole)
        inputs = inputs.to(self._device)
        with torch.inference_mode(), quiet_transformers():
            if self._has_adapters:
                self._adapt(language)
            if self._is_whisper:
                chosen = self._language(language)
                tokens = self._model.generate(**inputs, num_beams=self._beams, do_sample=False, **chosen)
            else:
                tokens = self._model(**inputs).logits.argmax(-1)
        return [text.strip() for text in self._processor.batch_decode(tokens, skip_special_tokens=True)]

    @property
    def _is_whisper(self) -> bool:
        return self.checkpoint.config["model_type"] == "whisper"

    def _language(self, language: str | None) -> dict[str, str]:
        known = self.checkpoint.read_json("generation_config.json").get("lang_to_id", {})
        if not known:  # English alone
            if language in (None, "en"):
                return {}
            raise TranslationError(f"the recogniser {self.checkpoint.weights} knows English alone, not '{language}'")
        if language is None:
            return {"task": "transcribe"}
        if whisper_token(language) not in known:
            raise TranslationError(f"the recogniser {self.checkpoint.weights} does not know '{language}'")
        return {"language": whisper_token(language), "task": "transcribe"}

    @cached_property
    def _has_adapters(self) -> bool:
        """Whether letters, and so weights, are kept by language, as MMS keeps them."""
        return any(isinstance(letters, dict) for letters in self.checkpoint.read_json("vocab.json").values())

    def _adapt(self, language: str | None) -> None:
        name = self._adapter(language)
        if self._model.target_lang != name:
            self._processor.tokenizer.set_target_lang(name)
            self._model.load_adapter(name, use_safetensors=True, local_files_only=True)

    def _adapter(self, language: str | None) -> str:
        """The name of the language's adapter: its ISO 639-3 code, with a script where it is written in several."""
        if language is None:
            raise TranslationError("the manifest does not say which `language` it is in, which the recogniser asks")
        codes = ISO_639_3.get(language, ())
        folder, found = self.checkpoint.folder, [n for n in self.checkpoint.adapters if n.split("-")[0] in codes]
        if not found:
            file = f"adapter.{(*codes, language)[0]}.safetensors"
            raise TranslationError(
                f"the recogniser has a file for each language, and {folder} lacks that of '{language}': {file}, or one "
                f"with a script in its name. Put it there; from the hub it comes with: hf download ID {file}"
            )
        if len(found) > 1:
            raise TranslationError(
                f"{folder} has several adapters for '{language}', {', '.join(found)}: leave one there"
            )
        return found[0]

    @cached_property
    def _processor(self) -> Any:
        from transformers import AutoProcessor

        return reader(AutoProcessor, self.checkpoint)

    @cached_property
    def _model(self) -> Any:
        from transformers import AutoModelForCTC, AutoModelForSpeechSeq2Seq

        kind = AutoModelForSpeechSeq2Seq if self._is_whisper else AutoModelForCTC
        return load_complete(kind, self.checkpoint, device=self._device)

    def __getstate__(self) -> dict[str, Any]:  # a worker process loads the model for itself
        return {name: content for name, content in vars(self).items() if name not in ("_model", "_processor")}
