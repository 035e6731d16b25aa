"""Corpora whose file names say everything: find the recordings below a folder and read their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared, departures
from sottovoce.errors import CorpusError
from sottovoce.speech.harmonisation import INTENSITY
from sottovoce.speech.manifest import Manifest, Utterance

LOSSLESS = (".wav", ".flac")
"""Endings of the published corpora, and of the copies that people pack to save space."""

ReadName = Callable[[str], Mapping[str, str] | None]
"""A recording's name without its ending -> speaker, emotion and, where it says them, text, text_id, language and
intensity (see `speech.harmonisation.INTENSITY`) and arousal; nothing for what the corpus holds and we leave out
(laughter, song); else None."""

ODD = 20
"""One name in so many may be none of the corpus's (a copy that a file manager made): the rest is read, with a note."""

_MEASURES = {"intensity": INTENSITY, "arousal": "arousal"}


def files_below(folder: Path) -> Iterator[Path]:
    """All files at any depth of `folder`, without hidden files and folders and what macOS packs beside a corpus.

    Linked folders are entered, each once: a loop ends.
    """
    waiting, entered = [folder], set[str]()
    while waiting:  # links last, so that a file is found where it lies rather than through one
        for place, names, files in os.walk(waiting.pop(0)):
            true = os.path.realpath(place)
            if true in entered:
                names.clear()
                continue
            entered.add(true)
            names[:] = [name for name in names if not _is_hidden(name)]
            yield from (Path(place, name) for name in files if not _is_hidden(name))
            waiting += (path for name in sorted(names) if (path := Path(place, name)).is_symlink())


def recordings(folder: Path, endings: Iterable[str]) -> list[Path]:
    """The files below `folder` with one of `endings` in any case, sorted; see `files_below`.

    Raises:
        CorpusError: there is no such folder, or a file's name is no text that a manifest could hold.
    """
    if not folder.is_dir():
        raise CorpusError(f"{folder}: there is no such folder")
    wanted = tuple(endings)
    found = sorted(path.absolute() for path in files_below(folder) if path.suffix.lower() in wanted and path.is_file())
    unwritable = [ascii(os.fsencode(path.name)) for path in found if not _is_text(str(path))]
    if unwritable:
        raise CorpusError(f"{folder}: {len(unwritable)} file names are not valid UTF-8; rename them:", unwritable)
    return found


def within(folder: str | Path, pattern: str) -> Path:
    """The first folder below `folder` whose name matches `pattern`, or `folder` itself where there is none."""
    folder = Path(folder)
    places = {place for path in files_below(folder) for place in path.relative_to(folder).parents}
    return next((folder / place for place in sorted(places) if fnmatchcase(place.name, pattern)), folder)


def prepare_by_name(
    folder: str | Path,
    card: CorpusCard,
    read_name: ReadName,
    votes: Callable[[str, str], Mapping[str, float]] = lambda recording, emotion: {},
    *,
    name_of: Callable[[Path], str] = lambda path: path.stem,
) -> Prepared:
    """Read a corpus from its file names.

    The recording's name (see `name_of`) is the utterance's id; speakers get the corpus's name as a prefix, for speaker
    `03` of one corpus is not speaker `03` of another. A recording that lies there twice (as WAV and FLAC, or in a
    doubled folder) is taken once.

    Args:
        folder: the corpus, at any level above the recordings.
        card: what the corpus should hold.
        read_name: what a name says.
        votes: listeners' votes by recording and emotion, where the corpus has them.
        name_of: the name of a recording, with folders where the file's alone is not unique.

    Raises:
        CorpusError: the folder is absent or holds something else, with what was expected and what is there; or more
            than one name in `ODD` cannot be read: all of them are listed.
    """
    folder = Path(folder)
    names = {path: name_of(path) for path in recordings(folder, LOSSLESS)}
    read = {path: read_name(name) for path, name in names.items()}
    unread = [str(path.relative_to(folder.absolute())) for path, fields in read.items() if fields is None]
    if not any(read.values()):
        raise wrong_folder(folder, card, [str(path.relative_to(folder.absolute())) for path in read])
    if len(unread) * ODD > len(read):
        headline = f"{folder}: {len(unread)} of {len(read)} names are none of {card.title}'s. Name the folder that"
        raise CorpusError(f"{headline} holds the corpus alone, or move these files away:", unread)
    once: dict[str, Utterance] = {}
    for path, fields in read.items():
        if fields:
            name = names[path]
            utterance = Utterance(
                id=name,
                path=str(path),
                corpus=card.name,
                language=fields.get("language", card.language[0] if len(card.language) == 1 else None),
                votes=votes(name, fields["emotion"]),
                speaker=f"{card.name}-{fields['speaker']}",
                emotion=fields["emotion"],
                text=fields.get("text"),
                text_id=fields.get("text_id"),
                measures={measure: float(fields[each]) for each, measure in _MEASURES.items() if each in fields},
            )
            once.setdefault(name.lower(), utterance)
    manifest = Manifest(tuple(once[name] for name in sorted(once)))
    notes = departures(card, manifest)
    n_taken = sum(bool(fields) for fields in read.values())
    if n_taken > len(once):
        notes.append(f"{n_taken - len(once)} recordings lie there more than once; each was taken once")
    if unread:
        some = ", ".join(unread[:10]) + (" ..." if len(unread) > 10 else "")
        notes.append(f"left out, for the names are none of {card.title}'s ({len(unread)} of {len(read)}): {some}")
    if n_other := len(read) - n_taken - len(unread):
        notes.append(f"{n_other} recordings were left out: the card of {card.title} says which")
    return Prepared(manifest, tuple(notes))


def wrong_folder(folder: Path, card: CorpusCard, unread: list[str]) -> CorpusError:
    """What to say of a folder that holds something else; `unread` are the recordings in it."""
    entries = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir())
    there = ", ".join(entries[:8]) + (" ..." if len(entries) > 8 else "") if entries else "nothing"
    sounds = f"{len(unread)} .wav or .flac files, the first is {unread[0]}" if unread else "no .wav or .flac file"
    return CorpusError(
        f"{folder} does not look like {card.title}. Expected: {card.layout}. Found: {there}; below it {sounds}. "
        f"Get the corpus at {card.home}, or read your own files with: sottovoce prepare folder {folder} --pattern ..."
    )


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
