"""Where a model fails: its worst classes, what it takes them for, and the speakers it serves worst."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from sottovoce.judging import results

N_WORST = 3


@dataclass(frozen=True)
class Class:
    """Recall of one class with its interval over speakers, `n` utterances, and the class it is most taken for."""

    name: str
    recall: float
    ci95: tuple[float, float] | None
    n: int
    taken_for: str | None
    share: float


@dataclass(frozen=True)
class Speaker:
    """UA (mean recall of the classes they have) and WA of one speaker, over `n` utterances."""

    name: str
    n: int
    ua: float
    wa: float


@dataclass(frozen=True)
class Failures:
    """Classes and speakers, the worst first."""

    classes: list[Class]
    speakers: list[Speaker]

    @property
    def worst_speakers(self) -> list[Speaker]:
        """A few, and never more than half of them."""
        return self.speakers[: min(N_WORST, len(self.speakers) // 2)]

    @property
    def confusions(self) -> list[Class]:
        """The classes of which the largest shares are taken for one other."""
        found = [each for each in self.classes if each.taken_for]
        return sorted(found, key=lambda each: -each.share)[:N_WORST]

    @property
    def median_ua(self) -> float:
        """Over speakers."""
        return float(np.median([speaker.ua for speaker in self.speakers]))


def of(predictions: pa.Table, *, named: bool = True) -> Failures:
    """Where predictions fail, seeds averaged.

    Args:
        predictions: of one condition and round, all folds and seeds.
        named: call speakers by name; otherwise by number, in the order of their names.
    """
    [recalls], [confusion] = results.recalls(predictions), results.confusions(predictions)
    names, matrix = confusion["classes"], np.array(confusion["matrix"])
    classes = [_class(name, found, names, matrix) for name, found in recalls["recalls"].items()]
    rows = sorted(results.per_speaker(predictions), key=lambda row: row["speaker"])
    speakers = [
        Speaker(row["speaker"] if named else f"number {number} of {len(rows)}", row["n"], row["ua"], row["wa"])
        for number, row in enumerate(rows, 1)
    ]
    return Failures(sorted(classes, key=lambda c: c.recall), sorted(speakers, key=lambda s: (s.ua, s.name)))


def _class(name: str, found: dict[str, Any], names: list[str], matrix: np.ndarray) -> Class:
    shares = matrix[names.index(name)].copy()
    shares[names.index(name)] = 0
    most = int(shares.argmax())
    share = float(shares[most])
    return Class(name, found["recall"], found["ci95"], found["n"], names[most] if share else None, share)
