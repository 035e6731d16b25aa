"""The translation memory: sentences somebody has translated before.

A table of tab-separated text with the header `source_language, target_language, text, translation`. The one
that is shipped holds the sentences of RAVDESS, EmoDB and EMOVO; a user's own adds to it and overrides it.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sottovoce.errors import TranslationError

COLUMNS = ("source_language", "target_language", "text", "translation")

_SHIPPED = Path(__file__).with_name("sentences.tsv")

_Key = tuple[str, str, str]


@dataclass(frozen=True)
class TranslationMemory:
    """Translations by (source language, target language, normalised text)."""

    entries: Mapping[_Key, str]

    def lookup(self, text: str, source_language: str, target_language: str) -> str | None:
        """The translation of a text, whatever its case, punctuation and spacing, or None."""
        return self.entries.get((source_language.lower(), target_language.lower(), normalise(text)))

    def digest(self, target_language: str) -> str:
        """A fingerprint of every translation into one language."""
        relevant = sorted((*key, text) for key, text in self.entries.items() if key[1] == target_language.lower())
        return hashlib.sha256(json.dumps(relevant).encode()).hexdigest()[:16]


def load(own: str | Path | None = None) -> TranslationMemory:
    """The shipped memory with the user's own file, if any, laid over it.

    Raises:
        TranslationError: a file cannot be read or has malformed lines; lists all of them.
    """
    entries = _read(_SHIPPED) | ({} if own is None else _read(Path(own)))
    return TranslationMemory(entries)


def normalise(text: str) -> str:
    """A text in lower case, without punctuation, with single spaces: `Don't  STOP!` -> `dont stop`."""
    characters = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    return " ".join("".join(c if unicodedata.category(c)[0] not in "PSZC" else " " for c in characters).split())


def _read(path: Path) -> dict[_Key, str]:
    try:
        header, *lines = path.read_text(encoding="utf-8-sig").splitlines() or [""]
    except (OSError, UnicodeDecodeError) as problem:
        raise TranslationError(f"{path}: the translation memory cannot be read: {problem}") from problem
    if tuple(header.split("\t")) != COLUMNS:
        raise TranslationError(f"{path}: the first line must be these names, with tabs between: {', '.join(COLUMNS)}")
    entries: dict[_Key, str] = {}
    problems = []
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != len(COLUMNS):
            problems.append(f"line {number}: {len(cells)} cells between tabs, not {len(COLUMNS)}")
            continue
        if empty := [name for name, cell in zip(COLUMNS, cells, strict=True) if not normalise(cell)]:
            problems.append(f"line {number}: {' and '.join(empty)} empty")
            continue
        key = (cells[0].lower(), cells[1].lower(), normalise(cells[2]))
        if entries.setdefault(key, cells[3]) != cells[3]:
            problems.append(f"line {number}: a second, different translation of '{cells[2]}' into {cells[1]}")
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise TranslationError(f"{path}: {len(problems)} line(s) of the translation memory are malformed:\n{listed}")
    return entries
