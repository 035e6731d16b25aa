"""A text translator of transformers, NLLB, M2M-100 or Marian, as the second step of a cascade."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch

from sottovoce.errors import TranslationError
from sottovoce.translation.languages import ISO_639_3, text_token
from sottovoce.translation.parts import opened, reader
from sottovoce.weights.checkpoint import load_complete

KINDS = ("m2m_100", "nllb-moe", "marian")


class TextTranslator:
    """Text to text in one target language."""

    def __init__(
        self, weights: str, target_language: str, *, beams: int, allow_download: bool, device: torch.device
    ) -> None:
        """Check checkpoint and language, and read the tokenizer; the model is loaded when it is first asked.

        Raises:
            WeightsError: absent, incomplete, or of a kind that does not translate text.
            TranslationError: it does not know the language.
        """
        self.checkpoint = opened(weights, "text_translator", KINDS, allow_download)
        self._target_language, self._beams, self._device = target_language, beams, device
        self._tokens: dict[str, str | None] = {}
        if self._is_marian:
            self._check_marian()
        else:
            self._known_token(target_language)

    def size(self, text: str) -> int:
        """Texts of equal size may share a batch: they need no padding."""
        return len(self._tokenizer(text)["input_ids"])

    def translate(self, texts: Sequence[str], source_language: str | None) -> list[str]:
        """Translations of texts of equal size in one language (ISO 639-1).

        Raises:
            TranslationError: the source language is not known to a translator that must know it.
        """
        chosen: dict[str, Any] = {}
        if self._is_marian:
            token = self._token(self._target_language)
            texts = [f"{token} {text}" for text in texts] if token else texts
        else:
            if source_language is None:
                raise TranslationError("the manifest does not say which `language` it is in, which the translator asks")
            self._tokenizer.src_lang = self._known_token(source_language).strip("_")
            chosen["forced_bos_token_id"] = self._vocabulary[self._known_token(self._target_language)]
        inputs = self._tokenizer(list(texts), return_tensors="pt").to(self._device)
        with torch.inference_mode():
            tokens = self._model.generate(**inputs, num_beams=self._beams, do_sample=False, **chosen)
        said = [[token for token in row if token not in self._no_text] for row in tokens.tolist()]
        return [text.strip() for text in self._tokenizer.batch_decode(said)]

    @cached_property
    def _no_text(self) -> set[int]:
        """Tokens that are not spelled out; M2M-100's tokenizer does not count its languages among the special ones."""
        apart = getattr(self._tokenizer, "lang_token_to_id", {}).values()
        return {*self._tokenizer.all_special_ids, *apart}

    @property
    def _is_marian(self) -> bool:
        return self.checkpoint.config["model_type"] == "marian"

    def _token(self, language: str) -> str | None:
        """The token of a language, looked for once: a vocabulary has up to 256,000 entries."""
        if language not in self._tokens:
            self._tokens[language] = text_token(language, self._vocabulary)
        return self._tokens[language]

    def _known_token(self, language: str) -> str:
        token = self._token(language)
        if token is None:
            raise TranslationError(f"the text translator {self.checkpoint.weights} does not know '{language}'")
        return token

    def _check_marian(self) -> None:
        """A Marian model speaks the language of its name, or one of those among its tokens."""
        named = self.checkpoint.read_json("tokenizer_config.json").get("target_lang")
        several = [token for token in self._vocabulary if token.startswith(">>")]
        wanted = self._target_language
        if several and text_token(wanted, several) is None:
            raise TranslationError(f"{self.checkpoint.weights} writes {', '.join(sorted(several))}, and not '{wanted}'")
        if not several and named in ISO_639_3 and named != wanted:
            raise TranslationError(f"{self.checkpoint.weights} translates into '{named}', and not into '{wanted}'")

    @cached_property
    def _vocabulary(self) -> dict[str, int]:
        """Ids by token, the languages' among them."""
        languages = getattr(self._tokenizer, "lang_token_to_id", {})  # M2M-100 keeps them apart
        return {**self._tokenizer.get_vocab(), **languages}

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return reader(AutoTokenizer, self.checkpoint)

    @cached_property
    def _model(self) -> Any:
        from transformers import AutoModelForSeq2SeqLM

        return load_complete(AutoModelForSeq2SeqLM, self.checkpoint, device=self._device)

    def __getstate__(self) -> dict[str, Any]:  # a worker process loads the model for itself
        made = ("_model", "_tokenizer", "_vocabulary", "_no_text")
        return {name: content for name, content in vars(self).items() if name not in made}
