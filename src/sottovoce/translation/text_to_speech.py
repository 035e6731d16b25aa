"""A speaking voice of transformers, VITS as in MMS-TTS, as the third step of a cascade."""

from __future__ import annotations

import hashlib
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from sottovoce.errors import TranslationError
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
            WeightsError: absent, incomplete, or of a kind that needs more than a text.
            TranslationError: it says of itself that it speaks another language.
        """
        self.checkpoint = opened(weights, "voice", KINDS, allow_download)
        self._device = device
        speaks = getattr(self._tokenizer, "language", None)  # ISO 639-3, as in urd-script_arabic; not all say
        if speaks and speaks.split("-")[0] not in (language, *ISO_639_3[language]):
            raise TranslationError(f"the voice {weights} speaks '{speaks}', and not '{language}'")

    @property
    def spells_by_uroman(self) -> bool:
        """Whether the package uroman changes what is said: it writes other scripts in Latin letters."""
        return bool(getattr(self._tokenizer, "is_uroman", False)) and find_spec("uroman") is not None

    def speak(self, text: str) -> Waveform:
        """Say a text: float32 `[n]` at 16 kHz, peak at most 1; the same text is the same sound.

        VITS draws its durations and its timbre. It does so here from a generator that the text seeds.

        Raises:
            TranslationError: the voice has no letters for it, or says nothing.
        """
        self._check(text)
        inputs = self._tokenizer(text, return_tensors="pt").to(self._device)
        if self._model.config.num_speakers > 1:
            inputs["speaker_id"] = 0
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest())
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(seed)
            sound = self._model(**inputs).waveform[0].float().cpu().numpy()
        spoken = audio.resample(sound, self._model.config.sampling_rate, audio.RATE_HZ)
        if spoken.size < audio.SHORTEST_S * audio.RATE_HZ or not np.isfinite(spoken).all():
            raise TranslationError(f"the voice said nothing of '{text}'")
        return spoken / np.maximum(np.abs(spoken).max(), 1, dtype=np.float32)

    def _check(self, text: str) -> None:
        letters = {character for character in text if character.isalpha()}
        by_uroman = getattr(self._tokenizer, "is_uroman", False)
        if by_uroman and not self.spells_by_uroman and any(ord(c) > _LAST_OF_LATIN for c in letters):
            raise TranslationError(
                f"the voice {self.checkpoint.weights} reads Latin letters, into which the package uroman turns other "
                "scripts: pip install uroman, or write the manifest's `translation` in Latin letters"
            )
        known = set(self._tokenizer.get_vocab())
        if not by_uroman and not any(c in known or c.lower() in known for c in letters):
            raise TranslationError(f"the voice {self.checkpoint.weights} has no letter of '{text}'")

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


_LAST_OF_LATIN = 0x024F
"""The last code point of Latin Extended-B."""
