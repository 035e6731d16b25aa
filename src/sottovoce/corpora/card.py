"""What is known of a corpus, and what reading a copy of it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sottovoce.speech.manifest import Manifest


@dataclass(frozen=True)
class CorpusCard:
    """Facts of one published corpus. What we could not establish says "not verified".

    `language` is an ISO 639-1 code, `emotions` counts utterances by the names of `speech.emotions`, `layout` says
    what the folder looks like as published, `oddities` are the traps that a reader of results must know.
    """

    name: str
    title: str
    language: str
    n_utterances: int
    n_speakers: int
    emotions: Mapping[str, int]
    layout: str
    licence: str
    home: str
    citation: str
    oddities: tuple[str, ...] = ()
    synthetic: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Prepared:
    """A corpus as read from a folder, and notes on where the copy departs from what is published."""

    manifest: Manifest
    notes: tuple[str, ...] = ()


def departures(card: CorpusCard, manifest: Manifest) -> list[str]:
    """Where the counts of a copy differ from the card: one note for each, none for a complete copy."""
    counts = [("utterances", card.n_utterances, len(manifest)), ("speakers", card.n_speakers, len(manifest.speakers))]
    counts += [(f"'{e}' utterances", n, len(manifest.with_emotions([e]))) for e, n in card.emotions.items()]
    return [
        f"{card.title} has {expected} {what}; this copy has {found}"
        for what, expected, found in counts
        if found != expected
    ]
