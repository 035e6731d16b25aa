"""The translators' contract: utterances in, waveforms in another language and a record of each out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from sottovoce.speech.audio import Waveform
from sottovoce.speech.manifest import Utterance


@dataclass(frozen=True)
class TranslatorCard:
    """Facts of one translator. `licence_of_outputs` follows the translated speech into reports and model cards.

    `languages` are the ISO 639-1 codes it can speak; none where every language will do.
    """

    name: str
    languages: tuple[str, ...]
    expressive: bool
    licence_of_code: str
    licence_of_weights: str
    licence_of_outputs: str
    needs: str
    note: str = ""


@dataclass(frozen=True)
class Translation:
    """One translated utterance, or the reason there is none.

    `waveform` is mono float32 at `rate_hz`; `text` is what the translator says it said, where it knows; `language` is
    what it speaks, where that is not the target language; `measures` are figures of the translator's own.
    """

    id: str
    waveform: Waveform | None = None
    rate_hz: int = 16_000
    text: str | None = None
    language: str | None = None
    measures: dict[str, float] = field(default_factory=dict)
    error: str | None = None


@runtime_checkable
class Translator(Protocol):
    """Speech in one language to speech in another. The same utterance always gives the same sound."""

    card: TranslatorCard
    target_language: str

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the output depends on beside the utterance; part of the key under which it is kept."""
        ...

    def translate(self, utterances: Sequence[Utterance]) -> list[Translation]:
        """Translate each utterance; the result has the same order and ids.

        An utterance that fails becomes a `Translation` with `error`; it never ends the batch. What would not fail
        elsewhere (no room in memory, a GPU that broke) is raised instead, since a refusal is kept for good.
        """
        ...
