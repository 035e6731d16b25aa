"""The readers by name."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path

from sottovoce.corpora import folder, interchange, published
from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.errors import CorpusError


@dataclass(frozen=True)
class Corpus:
    """A published corpus: its card, its reader, and its published parts where each can be read by itself."""

    card: CorpusCard
    prepare: Callable[..., Prepared]
    parts: tuple[str, ...] = ()


@cache
def corpora() -> Mapping[str, Corpus]:
    """The published corpora that can be read, by name: every file of `corpora.published`."""
    modules = [
        import_module(f"{published.__name__}.{found.name}") for found in pkgutil.iter_modules(published.__path__)
    ]
    return {m.CARD.name: Corpus(m.CARD, m.prepare, getattr(m, "PARTS", ())) for m in modules}


def prepare(
    name: str,
    place: str | Path,
    *,
    pattern: str | None = None,
    labels: Mapping[str, str] | None = None,
    language: str | None = None,
    part: str | None = None,
    audio_to: Path | None = None,
) -> Prepared:
    """Read the corpus `name` at `place`, or what another toolkit keeps there: `name` is a format of `interchange`, too.

    `pattern` belongs to the corpus `folder`, your own recordings; `labels` and `language` to it and to the formats.
    `part` is one of the corpus's published parts. `audio_to` is for recordings that lie inside a format's tables.

    Raises:
        CorpusError: no such corpus, an option that it does not take, or a folder that cannot be read.
    """
    known = corpora()
    if name == "folder":
        if pattern is None:
            raise CorpusError("The corpus 'folder' needs a pattern of its file names, e.g. '{speaker}_{_}_{emotion}'")
        return folder.prepare(place, pattern, labels=labels or {}, language=language)
    if name in interchange.formats():
        if pattern or part:
            raise CorpusError(f"pattern and part belong to corpora; '{name}' is a format and says itself what it holds")
        return interchange.read(name, place, labels=labels, language=language, audio_to=audio_to)
    if name not in known:
        names = [*known, "folder", *interchange.formats()]
        alike = get_close_matches(name.lower().replace("_", "-"), names, n=1)
        meant = f" (did you mean {alike[0]}?)" if alike else ""
        raise CorpusError(f"There is no reader for a corpus '{name}'{meant}; there are: {', '.join(names)}")
    if pattern or labels or language:
        raise CorpusError(f"pattern, labels and language belong to the corpus 'folder'; '{name}' knows its own")
    if part is None:
        return known[name].prepare(place)
    if part not in known[name].parts:
        there = ", ".join(known[name].parts) or "none"
        raise CorpusError(f"{known[name].card.title} has no part '{part}' that can be read; there are: {there}")
    return known[name].prepare(place, part)
