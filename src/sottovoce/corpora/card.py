"""What is known of a corpus, and what reading a copy of it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sottovoce.speech.manifest import Manifest


@dataclass(frozen=True)
class CorpusCard:
    """Facts of one published corpus. What we could not establish says "not verified".

    `language` holds ISO 639-1 codes. `n_utterances`, `n_speakers` and `emotions` (by the names of `speech.emotions`)
    are what a complete copy gives (None or empty: not verified), `layout` is what the folder looks like as published,
    `encoding` how names or tables say label and speaker. `oddities` are the traps that a reader of results must know,
    `sources` is where these facts were read.
    """

    name: str
    title: str
    language: tuple[str, ...]
    n_utterances: int | None
    n_speakers: int | None
    emotions: Mapping[str, int]
    layout: str
    licence: str
    home: str
    citation: str
    encoding: str = ""
    oddities: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
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
        if expected is not None and found != expected
    ]
