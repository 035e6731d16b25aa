"""A translation that can be killed: `python -m tests.contracts.slow_translator PLACE EXECUTOR PAUSE_S`."""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Store
from sottovoce.store.shards import Execution
from sottovoce.translation.corpus import translate
from sottovoce.translation.translator import Translation, Translator

SHARD = 3


@dataclass
class Slow:
    """A translator that rests before each shard, so that there is a middle to be killed in."""

    translator: Translator
    pause_s: float

    def __getattr__(self, name: str) -> Any:
        return getattr(self.translator, name)

    def translate(self, utterances: Sequence[Utterance]) -> list[Translation]:
        """After a rest."""
        time.sleep(self.pause_s)
        return self.translator.translate(utterances)


def from_file(path: Path, pause_s: float) -> Slow:
    """The translator that a test has left there."""
    return Slow(pickle.loads(path.read_bytes()), pause_s)  # noqa: S301  (our own bytes: what a process pool does)


def run(place: Path, executor: str, pause_s: float = 0.0) -> Manifest:
    """Translate the manifest in `place` into its store, by the translator there."""
    make = partial(from_file, place / "translator", pause_s)
    execution = Execution(executor, workers=1 if executor == "serial" else 2, shard_size=SHARD)
    made = translate(Manifest.read(place / "source.jsonl"), make, Store(place / "store"), execution)
    assert not made.refused, made.refused
    return made.manifest


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
