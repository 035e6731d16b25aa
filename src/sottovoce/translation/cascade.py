"""Recognise, translate the text, speak it, and put the source's prosody on top: for languages Seamless does not speak.

Three models of transformers by id or folder, each of which a manifest can make unnecessary: its `text` is a better
transcript than any hypothesis, and its `translation` a better translation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from sottovoce.errors import SottovoceError, TranslationError, WeightsError
from sottovoce.speech import audio
from sottovoce.speech.audio import Waveform
from sottovoce.speech.manifest import Utterance
from sottovoce.translation import vocoder
from sottovoce.translation.prosody import analyse
from sottovoce.translation.transfer import PlainVoice, transfer
from sottovoce.translation.translator import Translation, TranslatorCard
from sottovoce.weights.arithmetic import resolve_device
from sottovoce.weights.checkpoint import Checkpoint, load_complete, open_checkpoint

METHOD = 1
"""Raised with every change of the code that changes the sound: it is part of the key of what is kept."""

CARD = TranslatorCard(
    name="cascade",
    languages=(),
    expressive=True,
    licence_of_code="Apache-2.0 (transformers); WORLD: modified BSD",
    licence_of_weights="those of the three checkpoints you name",
    licence_of_outputs="the strictest of the three checkpoints' (NLLB and MMS-TTS, for example: CC BY-NC 4.0, so "
    "non-commercial alone), and as the source recordings",
    needs="a text-to-speech checkpoint of the language; for a source without texts a recogniser and a text translator; "
    "the extra 'offline' for the prosody",
    note="Any language that has a voice, such as facebook/mms-tts-ell, -tur, -urd-script_arabic, -amh, -ben.",
)

NLLB = {
    "am": "amh_Ethi",
    "ar": "arb_Arab",
    "bn": "ben_Beng",
    "de": "deu_Latn",
    "el": "ell_Grek",
    "en": "eng_Latn",
    "es": "spa_Latn",
    "fa": "pes_Arab",
    "fr": "fra_Latn",
    "hi": "hin_Deva",
    "it": "ita_Latn",
    "ja": "jpn_Jpan",
    "ko": "kor_Hang",
    "nl": "nld_Latn",
    "pl": "pol_Latn",
    "pt": "por_Latn",
    "ru": "rus_Cyrl",
    "tr": "tur_Latn",
    "uk": "ukr_Cyrl",
    "ur": "urd_Arab",
    "vi": "vie_Latn",
    "zh": "zho_Hans",
}
"""What NLLB calls some languages; others are found by their two letters, or named in its own way by the manifest."""


class Cascade:
    """Speaks in any language that has a voice; `expressive=False` leaves the voice as it is."""

    def __init__(
        self,
        target_language: str,
        voice: str,
        *,
        recogniser: str | None = None,
        text_translator: str | None = None,
        expressive: bool = True,
        beams: int = 5,
        allow_download: bool = False,
        device: str = "cpu",
    ) -> None:
        """Check the three checkpoints; the models themselves are loaded when they are first asked.

        Args:
            target_language: ISO 639-1 code; the voice must speak it, which its checkpoint does not say.
            voice: a VITS checkpoint such as an MMS-TTS one: a folder or a hub id.
            recogniser: a Whisper or a CTC model; None where the manifest has texts.
            text_translator: an NLLB, M2M-100 or Marian model; None where the manifest has translations.
            expressive: put the source's prosody on the voice.
            beams: of the searches for the transcript and its translation.
            allow_download: permit fetching hub ids.
            device: `cpu` or `cuda`.

        Raises:
            TranslationError: the text translator does not know the language.
            WeightsError: a checkpoint is absent or of a kind that cannot do this.
            MissingExtra: WORLD is not installed.
        """
        if len(target_language) != 2 or not target_language.isalpha():
            raise TranslationError(f"'{target_language}' is no language: give its two letters (ISO 639-1), such as el")
        self.target_language = target_language
        self._voice = _opened(voice, allow_download, "voice", ("vits",))
        self._recogniser = recogniser and _opened(recogniser, allow_download, "recogniser", _RECOGNISERS)
        kinds = ("m2m_100", "marian", "nllb-moe")
        self._translator = text_translator and _opened(text_translator, allow_download, "text_translator", kinds)
        self._expressive, self._beams, self._device = expressive, beams, resolve_device(device)
        self._world = vocoder.version() if expressive else None
        self.card = replace(
            CARD,
            expressive=expressive,
            licence_of_weights="; ".join(f"{c.weights}: see its page" for c in self._checkpoints.values()),
        )
        if self._translator and self._translator.config["model_type"] != "marian":
            self._language_token(target_language)

    @property
    def _checkpoints(self) -> dict[str, Checkpoint]:
        named = {"recogniser": self._recogniser, "text_translator": self._translator, "voice": self._voice}
        return {name: checkpoint for name, checkpoint in named.items() if checkpoint}

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the output depends on beside the utterance."""
        return {
            "translator": CARD.name,
            "method": METHOD,
            "target_language": self.target_language,
            "checkpoints": {name: checkpoint.revision for name, checkpoint in self._checkpoints.items()},
            "expressive": self._expressive,
            "pyworld": self._world,
            "beams": self._beams,
            "device": self._device.type,
        }

    def translate(self, utterances: Sequence[Utterance]) -> list[Translation]:
        """Translate each utterance; same order, same ids; a failure is a `Translation` with `error`."""
        made: dict[int, Translation] = {}
        sounds: dict[int, Waveform] = {}
        texts: dict[int, str] = {}

        def attempt(stage: Callable[[int], Any], positions: Sequence[int]) -> None:
            for position in positions:
                try:
                    stage(position)
                except (SottovoceError, RuntimeError, ValueError, IndexError, KeyError) as problem:
                    made[position] = Translation(utterances[position].id, text=texts.get(position), error=str(problem))

        def read(position: int) -> None:
            u = utterances[position]
            sounds[position] = audio.read(u.path, start_s=u.start_s, end_s=u.end_s)

        def say(position: int) -> None:
            u = utterances[position]
            texts[position] = u.translation or self._translated(u.text or self._heard(sounds[position], u), u)
            made[position] = self._spoken(u, texts[position], sounds[position])

        attempt(read, range(len(utterances)))
        attempt(say, sorted(sounds, key=lambda p: -sounds[p].size))
        return [made[position] for position in range(len(utterances))]

    def _heard(self, sound: Waveform, utterance: Utterance) -> str:
        """What the recogniser hears."""
        if self._recogniser is None:
            raise TranslationError("the manifest has no `text` for it, and no recogniser was named")
        model, processor = self._listening
        inputs = processor(sound, sampling_rate=audio.RATE_HZ, return_tensors="pt").to(self._device)
        with torch.inference_mode():
            if model.can_generate():
                known = {"language": utterance.language, "task": "transcribe"} if utterance.language else {}
                tokens = model.generate(**inputs, num_beams=self._beams, do_sample=False, **known)
            else:
                tokens = model(**inputs).logits.argmax(-1)
        text = processor.batch_decode(tokens, skip_special_tokens=True)[0].strip()
        if not text:
            raise TranslationError("the recogniser heard nothing")
        return text

    def _translated(self, text: str, utterance: Utterance) -> str:
        """The text in the target language."""
        if utterance.language == self.target_language:
            return text
        if self._translator is None:
            raise TranslationError("the manifest has no `translation` for it, and no text_translator was named")
        model, tokenizer = self._translating
        choice: dict[str, Any] = {}
        if self._translator.config["model_type"] != "marian":
            if utterance.language is None:
                raise TranslationError("the manifest does not say which `language` it is in")
            tokenizer.src_lang = self._language_token(utterance.language)
            token = self._language_token(self.target_language)
            get_id = getattr(tokenizer, "get_lang_id", tokenizer.convert_tokens_to_ids)
            choice["forced_bos_token_id"] = get_id(token)
        inputs = tokenizer(text, return_tensors="pt").to(self._device)
        with torch.inference_mode():
            tokens = model.generate(**inputs, num_beams=self._beams, do_sample=False, **choice)
        translated = tokenizer.batch_decode(tokens, skip_special_tokens=True)[0].strip()
        if not translated:
            raise TranslationError(f"the text translator made nothing of '{text}'")
        return translated

    def _spoken(self, utterance: Utterance, text: str, source: Waveform) -> Translation:
        model, tokenizer = self._speaking
        inputs = tokenizer(text, return_tensors="pt").to(self._device)
        if not inputs["input_ids"].numel():
            raise TranslationError(f"the voice has no letter of '{text}'")
        # VITS draws its durations and its timbre: from the text, so that the same text is the same sound
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest())
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(seed)
            sound = model(**inputs).waveform[0].float().cpu().numpy()
        plain = audio.resample(sound, model.config.sampling_rate, audio.RATE_HZ)
        if plain.size < audio.SHORTEST_S * audio.RATE_HZ or not np.isfinite(plain).all():
            raise TranslationError(f"the voice said nothing of '{text}'")
        if self._expressive:
            plain = transfer(PlainVoice.of(plain), analyse(source), None)
        return Translation(utterance.id, plain, audio.RATE_HZ, text)

    def _language_token(self, language: str) -> str:
        """What the text translator calls a language."""
        _, tokenizer = self._translating
        known = set(getattr(tokenizer, "lang_code_to_id", {}) or getattr(tokenizer, "all_special_tokens", []))
        known |= set(tokenizer.get_vocab())
        for name in (NLLB.get(language, ""), language, f"__{language}__"):
            if name in known:
                return language if name == f"__{language}__" else name
        assert self._translator is not None
        raise TranslationError(f"the text translator {self._translator.weights} does not know '{language}'")

    @cached_property
    def _listening(self) -> tuple[Any, Any]:
        from transformers import AutoModelForCTC, AutoModelForSpeechSeq2Seq, AutoProcessor

        assert self._recogniser is not None
        whisper = self._recogniser.config["model_type"] == "whisper"
        model = load_complete(AutoModelForSpeechSeq2Seq if whisper else AutoModelForCTC, self._recogniser)
        return model.to(self._device), AutoProcessor.from_pretrained(self._recogniser.folder)

    @cached_property
    def _translating(self) -> tuple[Any, Any]:
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        assert self._translator is not None
        model = load_complete(AutoModelForSeq2SeqLM, self._translator)
        return model.to(self._device), AutoTokenizer.from_pretrained(self._translator.folder)

    @cached_property
    def _speaking(self) -> tuple[Any, Any]:
        from transformers import AutoTokenizer, VitsModel

        tokenizer = AutoTokenizer.from_pretrained(self._voice.folder)
        if getattr(tokenizer, "is_uroman", False):
            raise WeightsError(
                f"{self._voice.weights} reads its language in Latin letters that the program uroman writes, which is "
                "not part of this toolkit; take another voice of the language"
            )
        return load_complete(VitsModel, self._voice).to(self._device), tokenizer

    def __getstate__(self) -> dict[str, Any]:  # a worker process loads the models for itself
        return {n: content for n, content in vars(self).items() if n not in ("_listening", "_translating", "_speaking")}


_RECOGNISERS = ("whisper", "wav2vec2", "hubert", "wavlm", "wav2vec2-bert", "data2vec-audio")


def missing() -> str | None:
    """What keeps it from running here: it has no default voice."""
    try:
        vocoder.version()
    except SottovoceError as problem:
        return str(problem)
    return "a voice: --set voice=FOLDER or a hub id; see sottovoce translators cascade"


def _opened(weights: str, allow_download: bool, role: str, kinds: Sequence[str]) -> Checkpoint:
    checkpoint = open_checkpoint(weights, allow_download=allow_download)
    kind = checkpoint.config.get("model_type")
    if kind not in kinds:
        raise WeightsError(f"{role}: {weights} is a checkpoint of kind {kind!r}; this takes {', '.join(kinds)}")
    return checkpoint
