"""A speaking voice of transformers, VITS as in MMS-TTS, as the third step of a cascade."""

from __future__ import annotations

import hashlib
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from sottovoce.errors import TranslationError, WeightsError
from sottovoce.speech import audio
from sottovoce.speech.audio import Waveform
from sottovoce.translation.languages import ISO_639_3
from sottovoce.translation.parts import opened, reader
from sottovoce.weights.checkpoint import load_complete

KINDS = ("vits",)
"""Transformers' other voices need more than a text: a prompt, a code of the speaker, a package for phonemes."""


class Voice:
    """Text to sound at 16 kHz."""

    def __init__(self, weights: str, language: str, *, allow_download: bool, device: torch.device) -> None:
        """Check checkpoint and language, and read the tokenizer; the model is loaded when it is first asked.

        Raises:
            WeightsError: absent, incomplete, of a kind that needs more than a text, or in need of a package.
            TranslationError: it speaks another language.
        """
        self.checkpoint = opened(weights, "voice", KINDS, allow_download)
        self._device = device
        speaks = self._tokenizer.language  # ISO 639-3, as in urd-script_arabic; not all say
        if speaks and speaks.split("-")[0] not in (language, *ISO_639_3[language]):
            raise TranslationError(f"the voice {weights} speaks '{speaks}', and not '{language}'")
        if self._tokenizer.phonemize and language != "en":
            raise TranslationError(f"the voice {weights} reads every text as English, and not as '{language}'")
        if self._tokenizer.phonemize and find_spec("phonemizer") is None:
            raise WeightsError(f"the voice {weights} speaks from phonemes: pip install phonemizer")

    @property
    def spells_by_uroman(self) -> bool:
        """Whether the package uroman changes what is said: it writes other scripts in Latin letters."""
        return self._tokenizer.is_uroman and find_spec("uroman") is not None

    def speak(self, text: str) -> Waveform:
        """Say a text: float32 `[n]` at 16 kHz, peak at most 1; the same text is the same sound.

        VITS draws its durations and its timbre. It does so here from a generator that the text seeds.

        Raises:
            TranslationError: the voice has no letters for half of it or more, or says nothing.
        """
        self._check(text)
        inputs = self._tokenizer(text, return_tensors="pt").to(self._device)
        if self._model.config.num_speakers > 1:
            inputs["speaker_id"] = 0
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest())
        with torch.random.fork_rng([self._device] if self._device.type == "cuda" else []), torch.inference_mode():
            torch.manual_seed(seed)
            sound = self._model(**inputs).waveform[0].float().cpu().numpy()
        spoken = audio.resample(sound, self._model.config.sampling_rate, audio.RATE_HZ)
        if spoken.size < audio.SHORTEST_S * audio.RATE_HZ or not np.isfinite(spoken).all():
            raise TranslationError(f"the voice said nothing of '{text}'")
        return spoken / np.maximum(np.abs(spoken).max(), 1, dtype=np.float32)

    def _check(self, text: str) -> None:
        """What a voice has no letter for, its tokenizer leaves out without a word."""
        if self.spells_by_uroman or self._tokenizer.phonemize:
            return
        known, letters = self._tokenizer.get_vocab(), [c for c in text if c.isalnum()]
        unsaid = [c for c in letters if c not in known and c.lower() not in known]
        if unsaid and self._tokenizer.is_uroman:
            raise TranslationError(
                f"the voice {self.checkpoint.weights} reads Latin letters, into which the package uroman turns others "
                f"({' '.join(sorted(set(unsaid)))}): pip install uroman, or spell the manifest's `translation` so"
            )
        if 2 * len(unsaid) >= len(letters):
            raise TranslationError(f"the voice {self.checkpoint.weights} has letters for less than half of '{text}'")

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return reader(AutoTokenizer, self.checkpoint)

    @cached_property
    def _model(self) -> Any:
        from transformers import VitsModel

        return load_complete(VitsModel, self.checkpoint, device=self._device)

    def __getstate__(self) -> dict[str, Any]:  # a worker process loads the model for itself
        return {name: content for name, content in vars(self).items() if name not in ("_model", "_tokenizer")}
