"""The readers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sottovoce.corpora import emodb, emovo, folder, hume_prosody, ravdess, urdu
from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.errors import CorpusError


@dataclass(frozen=True)
class Corpus:
    """A published corpus: its card and its reader."""

    card: CorpusCard
    prepare: Callable[..., Prepared]


def corpora() -> dict[str, Corpus]:
    """The published corpora that can be read, by name."""
    modules = (emodb, emovo, ravdess, urdu, hume_prosody)
    return {module.CARD.name: Corpus(module.CARD, module.prepare) for module in modules}


def prepare(
    name: str,
    place: str | Path,
    *,
    pattern: str | None = None,
    labels: Mapping[str, str] | None = None,
    language: str | None = None,
    part: str | None = None,
) -> Prepared:
    """Read the corpus `name` at `place`.

    `pattern`, `labels` and `language` belong to the corpus `folder`: your own recordings. `part` is a published part
    of `hume-prosody`.

    Raises:
        CorpusError: no such corpus, an option that it does not take, or a folder that cannot be read.
    """
    known = corpora()
    if part is not None and name != hume_prosody.CARD.name:
        raise CorpusError(f"parts belong to the corpus '{hume_prosody.CARD.name}'; '{name}' has none")
    if name == "folder":
        if pattern is None:
            raise CorpusError("The corpus 'folder' needs a pattern of its file names, e.g. '{speaker}_{_}_{emotion}'")
        return folder.prepare(place, pattern, labels=labels or {}, language=language)
    if name not in known:
        raise CorpusError(f"There is no reader for a corpus '{name}'; there are: {', '.join([*known, 'folder'])}")
    if pattern or labels or language:
        raise CorpusError(f"pattern, labels and language belong to the corpus 'folder'; '{name}' knows its own")
    return known[name].prepare(place) if part is None else known[name].prepare(place, part)
