"""Your own recordings: a folder and a pattern that says what their names mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from sottovoce.corpora.card import Prepared
from sottovoce.corpora.names import recordings
from sottovoce.errors import CorpusError
from sottovoce.speech import emotions, rows
from sottovoce.speech.manifest import Manifest

ENDINGS = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif")

FIELDS = ("speaker", "emotion", "text_id", "text", "language", "id")
"""What a pattern may name; a name that starts with `_` is read over."""


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern: each field as long as possible, and as short as possible."""

    source: str
    greedy: re.Pattern[str]
    lazy: re.Pattern[str]

    def read(self, name: str) -> dict[str, str]:
        """The fields of one name (the path below the folder, without the ending).

        Raises:
            ValueError: the name does not fit, or fits in more than one way; the message says which.
        """
        match, other = self.greedy.fullmatch(name), self.lazy.fullmatch(name)
        if match is None or other is None:
            raise ValueError(f"does not fit '{self.source}'")
        if match.groupdict() != other.groupdict():
            readings = " or ".join(f"{key}={m[key]}" for m in (other, match) for key in _differing(match, other))
            raise ValueError(f"fits '{self.source}' in more than one way ({readings})")
        return match.groupdict()


def compile_pattern(source: str) -> Pattern:
    """Compile a pattern such as `{emotion}/{speaker}_{text_id}`.

    A field holds at least one character and no slash. `{speaker:2}` is two characters long, `{_}` is read over, and
    a field that stands twice must read the same twice.

    Raises:
        CorpusError: the pattern is no pattern, lacks speaker or emotion, or names a field that no manifest has.
    """
    try:
        parts = [(literal, name, width) for literal, name, width, _ in Formatter().parse(source)]
        widths = [int(width) for _, _, width in parts if width]
    except ValueError as problem:
        raise CorpusError(
            f"The pattern '{source}' is not valid: {problem}. Example: {{speaker}}_{{emotion}}"
        ) from problem
    names = {name for _, name, _ in parts if name is not None}
    problems = [f"'{{{name}}}' is not one of {', '.join(FIELDS)}" for name in sorted(names) if not _allowed(name)]
    problems += [f"'{{{name}}}' is missing" for name in ("speaker", "emotion") if name not in names]
    problems += ["a width must be 1 or more" for width in widths if width < 1]
    if problems:
        raise CorpusError(
            f"The pattern '{source}' cannot be used; write {{_}} for a part that does not matter:", problems
        )
    return Pattern(source, *(re.compile("".join(_expression(parts, many))) for many in ("[^/]+", "[^/]+?")))


def prepare(
    folder: str | Path, pattern: str, *, labels: Mapping[str, str] | None = None, language: str | None = None
) -> Prepared:
    """Read recordings of any names: spaces and letters of any script are welcome.

    Args:
        folder: where the recordings lie, at any depth. Its name becomes the corpus.
        pattern: what the path below the folder means, without the ending; see `compile_pattern`.
        labels: emotions as your names have them, to those of `speech.emotions`, e.g. `{"W": "angry"}`. The usual
            spellings are known without.
        language: ISO 639-1 code of what is spoken, where the names do not say it.

    Raises:
        CorpusError: with every name that does not fit, every unknown emotion and every id that occurs twice.
    """
    folder, compiled, labels = Path(folder), compile_pattern(pattern), dict(labels or {})
    wrong = [f"'{label}={name}'" for label, name in labels.items() if emotions.canonical(name) is None]
    if wrong:
        raise CorpusError(f"No such emotion (known: {', '.join(emotions.NAMES)}):", wrong)
    paths = recordings(folder, ENDINGS)
    if not paths:
        raise CorpusError(f"{folder}: no recording below it; these endings count: {', '.join(ENDINGS)}")
    problems, cells, names = [], [], []
    for path in paths:
        relative = path.relative_to(folder.absolute())
        try:
            fields = compiled.read(unicodedata.normalize("NFC", relative.with_suffix("").as_posix()))
        except ValueError as problem:
            problems.append(f"{relative}: {problem}")
            continue
        fields = {name: content for name, content in fields.items() if not name.startswith("_")}
        cells.append(fields | {"path": str(relative), "emotion": labels.get(fields["emotion"], fields["emotion"])})
        names.append(str(relative))
    corpus = folder.absolute().name
    utterances, more = rows.parse(cells, names, folder, language=language, corpus=corpus) if cells else ([], [])
    problems += more
    if problems:
        advice = "mend them all and run again (labels such as W=angry translate emotions of your own)"
        raise CorpusError(f"{folder}: {len(problems)} problem(s); {advice}:", problems)
    return Prepared(Manifest(tuple(utterances)))


def _expression(parts: list[tuple[str, str | None, str | None]], many: str) -> Iterator[str]:
    seen: set[str] = set()
    for literal, name, width in parts:
        yield re.escape(unicodedata.normalize("NFC", literal))
        if name is None:
            continue
        characters = f"[^/]{{{width}}}" if width else many
        if name == "_":
            yield characters
        else:
            yield f"(?P={name})" if name in seen else f"(?P<{name}>{characters})"
            seen.add(name)


def _allowed(name: str) -> bool:
    return name in FIELDS or (name.startswith("_") and (name == "_" or name.isidentifier()))


def _differing(match: re.Match[str], other: re.Match[str]) -> list[str]:
    return [key for key, content in match.groupdict().items() if content != other[key]]
