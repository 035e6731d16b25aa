"""Corpora in miniature: a few tones in the published layout, with the tables that lie beside them."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path

from sottovoce.corpora import published as readers
from sottovoce.corpora.card import Prepared
from sottovoce.speech import audio
from tests.corpora import published


@dataclass(frozen=True)
class Miniature:
    """Paths of recordings and contents of text files, both below the corpus's folder.

    `encoding` is that of the texts. `n_utterances` is what a reader finds where that is not one a recording.
    """

    recordings: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    n_utterances: int | None = None

    def __len__(self) -> int:
        return len(self.recordings) if self.n_utterances is None else self.n_utterances

    def write(self, folder: Path, tone, ending: str | None = None, *, backwards: bool = False) -> Path:
        """Write it below `folder`; `tone` makes a waveform of `duration_s` and `seed`, `ending` replaces every one."""
        for recording in sorted(self.recordings, reverse=backwards):
            path = folder / (recording if ending is None else Path(recording).with_suffix(ending))
            path.parent.mkdir(parents=True, exist_ok=True)
            audio.write(path, tone(duration_s=0.1, seed=self.recordings.index(recording)), 16_000)
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding=self.encoding)
        return folder


@cache
def miniatures() -> dict[str, Miniature]:
    """By the corpus's name: `MINIATURE` of every test of a reader."""
    names = [each.name for each in pkgutil.iter_modules(published.__path__) if each.name.startswith("test_")]
    modules = [import_module(f"{published.__name__}.{name}") for name in names]
    return {corpus_of(module.__name__): module.MINIATURE for module in modules}


def corpus_of(test: str) -> str:
    """The name of the corpus that a test module `test_<reader>` is about."""
    return import_module(f"{readers.__name__}.{test.rpartition('.test_')[2]}").CARD.name


def facts(prepared: Prepared) -> dict[str, tuple[str, str, str | None, str | None]]:
    """Speaker, emotion, text and language by utterance."""
    return {u.id: (u.speaker, u.emotion, u.text_id, u.language) for u in prepared.manifest}
