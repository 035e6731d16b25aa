"""Recognise, translate the text, speak it, and put the source's prosody on top: for languages Seamless does not speak.

Three models of transformers by id or folder, two of which a manifest can make unnecessary: its `text` is a better
transcript than any hypothesis, and its `translation` a better translation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from importlib.util import find_spec
from typing import Any, TypeAlias

from sottovoce.errors import MissingExtra
from sottovoce.speech import audio
from sottovoce.speech.audio import Waveform
from sottovoce.speech.manifest import Utterance
from sottovoce.translation import languages, parts, vocoder
from sottovoce.translation.batches import Failure, Made, alike, halving
from sottovoce.translation.prosody import analyse
from sottovoce.translation.speech_to_text import Recogniser
from sottovoce.translation.text_to_speech import Voice
from sottovoce.translation.text_to_text import TextTranslator
from sottovoce.translation.transfer import PlainVoice, transfer
from sottovoce.translation.translator import Translation, TranslatorCard
from sottovoce.weights.arithmetic import resolve_device
from sottovoce.weights.checkpoint import Checkpoint

Outcome: TypeAlias = tuple[dict[int, Made], dict[int, str]]
"""Results by position, and reasons why there is none."""

METHOD = 2
"""Raised with every change of the code that changes the sound: it is part of the key of what is kept."""

CARD = TranslatorCard(
    name="cascade",
    languages=(),
    expressive=True,
    licence_of_code="Apache-2.0 (transformers); WORLD: modified BSD",
    licence_of_weights="those of the checkpoints you name",
    licence_of_outputs="the strictest of the checkpoints' (NLLB and MMS-TTS, as remembered: CC BY-NC 4.0, so "
    "non-commercial alone), and as the source recordings",
    needs="a text-to-speech checkpoint of the language (VITS, as in MMS-TTS); for a source without texts a recogniser "
    "and a text translator; the extra 'prosody' for the prosody",
    note="Any language that has a voice, such as facebook/mms-tts-ell, -tur, -urd-script_arabic, -amh, -ben.",
)

BATCH_S = {"cpu": 60.0, "cuda": 960.0}
"""Seconds of sound that a recogniser hears in one pass, padding included (Whisper: 30 an utterance)."""

BATCH_TOKENS = {"cpu": 512, "cuda": 8192}
"""Tokens of text in one pass."""


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
        """Check the checkpoints and read their tokenizers; the models are loaded when they are first asked.

        Args:
            target_language: ISO 639-1 code.
            voice: a VITS checkpoint such as an MMS-TTS one: a folder or a hub id.
            recogniser: a Whisper or a CTC model; None where the manifest has texts.
            text_translator: an NLLB, M2M-100 or Marian model; None where the manifest has translations.
            expressive: put the source's prosody on the voice.
            beams: of the searches for the transcript and its translation.
            allow_download: permit fetching hub ids.
            device: `cpu` or `cuda`.

        Raises:
            TranslationError: no language, or the text translator or the voice speaks another one.
            WeightsError: a checkpoint is absent or of a kind that cannot do this.
            MissingExtra: WORLD is not installed.
        """
        languages.check(target_language)
        self.target_language = target_language
        self._expressive, self._beams, self._device = expressive, beams, resolve_device(device)
        self._world = vocoder.version() if expressive else None
        how = {"allow_download": allow_download, "device": self._device}
        self._recogniser = Recogniser(recogniser, beams=beams, **how) if recogniser else None
        self._translator = (
            TextTranslator(text_translator, target_language, beams=beams, **how) if text_translator else None
        )
        self._voice = Voice(voice, target_language, **how)
        named = list(self._checkpoints.values())
        self.card = replace(
            CARD,
            languages=(target_language,),
            expressive=expressive,
            licence_of_weights=parts.licences(named),
            licence_of_outputs=parts.licence_of_outputs(named),
        )

    @property
    def _checkpoints(self) -> dict[str, Checkpoint]:
        steps = {"recogniser": self._recogniser, "text_translator": self._translator, "voice": self._voice}
        return {name: step.checkpoint for name, step in steps.items() if step}

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the output depends on beside the utterance."""
        return {
            "translator": CARD.name,
            "method": METHOD,
            "target_language": self.target_language,
            "checkpoints": {name: checkpoint.language_revision for name, checkpoint in self._checkpoints.items()},
            "expressive": self._expressive,
            "pyworld": self._world,
            "beams": self._beams,
            "device": self._device.type,
            "uroman": self._voice.spells_by_uroman,
            "sacremoses": find_spec("sacremoses") is not None,  # Marian's tokenizer tidies punctuation with it
        }

    def translate(self, utterances: Sequence[Utterance]) -> list[Translation]:
        """Translate each utterance; same order, same ids; a failure is a `Translation` with `error`.

        A batch holds what is padded to one length by itself, so neighbours change sums in the last bit and a text where
        two hypotheses are as good as equal; the voice speaks each text by itself.

        Raises:
            WeightsError: a model cannot be loaded.
            TranslationError: the GPU has failed altogether, or has no room for one utterance alone.
        """
        names = [u.id for u in utterances]
        sounds, failed = _each(range(len(utterances)), lambda p: _read(utterances[p]), names)
        texts, unheard = self._heard(utterances, sounds)
        translations, untranslated = self._translated(utterances, texts)
        spoken, unspoken = _each(translations, lambda p: self._spoken(translations[p], sounds[p]), names)
        failed = {**failed, **unheard, **untranslated, **unspoken}
        return [
            Translation(u.id, spoken.get(p), audio.RATE_HZ, translations.get(p), error=failed.get(p))
            for p, u in enumerate(utterances)
        ]

    def _heard(self, utterances: Sequence[Utterance], sounds: Mapping[int, Waveform]) -> Outcome[str]:
        """The texts that were said: the manifest's, or else what the recogniser hears."""
        given = {p: utterances[p].text or "" for p in sounds if utterances[p].text or utterances[p].translation}
        listener = self._recogniser
        silent = [p for p in sounds if p not in given]
        if listener is None:
            return given, dict.fromkeys(silent, "the manifest has no `text` for it, and no recogniser was named")

        def hear(batch: Sequence[int]) -> list[str]:
            return listener.hear([sounds[p] for p in batch], utterances[batch[0]].language)

        most = round(BATCH_S[self._device.type] * audio.RATE_HZ)
        batches = _by_language(silent, utterances, {p: listener.size(sounds[p]) for p in silent}, most)
        texts, failed = _batched(batches, hear, [u.id for u in utterances])
        empty = {p: "the recogniser heard nothing" for p, text in texts.items() if not text}
        return given | {p: text for p, text in texts.items() if text}, failed | empty

    def _translated(self, utterances: Sequence[Utterance], texts: Mapping[int, str]) -> Outcome[str]:
        """The texts in the target language: the manifest's, or else what the text translator writes, each text once."""
        given = {p: utterances[p].translation or "" for p in texts if utterances[p].translation}
        given |= {p: t for p, t in texts.items() if p not in given and utterances[p].language == self.target_language}
        foreign = {p: (utterances[p].language, texts[p]) for p in texts if p not in given}
        writer = self._translator
        if writer is None:
            reason = "the manifest has no `translation` for it, and no text_translator was named"
            return given, dict.fromkeys(foreign, reason)

        def write(batch: Sequence[int]) -> list[str]:
            return writer.translate([texts[p] for p in batch], utterances[batch[0]].language)

        first = {text: p for p, text in reversed(foreign.items())}
        lengths = {p: writer.size(texts[p]) for p in first.values()}
        batches = _by_language(lengths, utterances, lengths, BATCH_TOKENS[self._device.type])
        written, failed = _batched(batches, write, [u.id for u in utterances])
        failed |= {p: f"the text translator made nothing of '{texts[p]}'" for p, text in written.items() if not text}
        same = {p: first[text] for p, text in foreign.items()}
        return (
            given | {p: written[q] for p, q in same.items() if q not in failed},
            {p: failed[q] for p, q in same.items() if q in failed},
        )

    def _spoken(self, text: str, source: Waveform) -> Waveform:
        if not self._expressive:
            return self._voice.speak(text)
        return transfer(self._plain_voice(text), analyse(source), None)

    @cached_property
    def _plain_voice(self) -> Callable[[str], PlainVoice]:
        """Acted corpora say few texts many times."""
        return lru_cache(maxsize=32)(lambda text: PlainVoice.of(self._voice.speak(text)))

    def __getstate__(self) -> dict[str, Any]:
        return {name: content for name, content in vars(self).items() if name != "_plain_voice"}


def missing() -> str | None:
    """What keeps it from running here: it has no default voice."""
    try:
        vocoder.version()
    except MissingExtra as problem:
        return str(problem)
    return "a voice of the language: --set voice=FOLDER or a hub id such as facebook/mms-tts-ell"


def _read(utterance: Utterance) -> Waveform:
    return audio.read(utterance.path, start_s=utterance.start_s, end_s=utterance.end_s)


def _by_language(
    positions: Iterable[int], utterances: Sequence[Utterance], sizes: Mapping[int, int], most: int
) -> list[list[int]]:
    """Batches of one language and one size."""
    groups: dict[str | None, dict[int, int]] = {}
    for p in positions:
        groups.setdefault(utterances[p].language, {})[p] = sizes[p]
    return [batch for group in groups.values() for batch in alike(group, most)]


def _each(positions: Iterable[int], work: Callable[[int], Made], names: Sequence[str]) -> Outcome[Made]:
    return _batched([[p] for p in positions], lambda batch: [work(batch[0])], names)


def _batched(
    batches: Iterable[Sequence[int]], work: Callable[[Sequence[int]], Sequence[Made]], names: Sequence[str]
) -> Outcome[Made]:
    done = {p: made for batch in batches for p, made in halving(batch, work, names).items()}
    failed = {p: made.reason for p, made in done.items() if isinstance(made, Failure)}
    return {p: made for p, made in done.items() if not isinstance(made, Failure)}, failed
