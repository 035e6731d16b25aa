"""One utterance, and the columns that hold it in every file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from sottovoce.speech import emotions as emotion_names

VOTES, MEASURES = "votes_", "measure_"
"""Prefixes of the columns that hold one emotion's votes and one measured figure."""


@dataclass(frozen=True)
class Utterance:
    """One stretch of speech by one speaker. The table in `speech.manifest` says what each field holds.

    No votes and a figure that could not be measured (NaN) are left out, so that equal utterances compare equal
    whichever file they came from.
    """

    id: str
    path: str
    speaker: str
    emotion: str
    corpus: str = ""
    language: str | None = None
    text: str | None = None
    text_id: str | None = None
    translation: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    translated_from: str | None = None
    translator: str | None = None
    votes: Mapping[str, float] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        votes = {name: float(count) for name, count in self.votes.items() if count}
        measures = {name: float(figure) for name, figure in self.measures.items() if math.isfinite(figure)}
        object.__setattr__(self, "votes", MappingProxyType(votes))
        object.__setattr__(self, "measures", MappingProxyType(measures))

    def __getstate__(self) -> dict[str, Any]:  # a mapping proxy cannot be sent to a worker process
        state = {f.name: getattr(self, f.name) for f in fields(self)}
        return state | {"votes": dict(self.votes), "measures": dict(self.measures)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, content in state.items():
            object.__setattr__(self, name, content)
        self.__post_init__()

    @property
    def is_synthetic(self) -> bool:
        """Whether a machine made this utterance from a natural one."""
        return self.translated_from is not None

    def soft_label(self, classes: Sequence[str], epsilon: float) -> list[float]:
        """Distribution over `classes`: `(1 - eps) n_k / N + eps / K` (arXiv 2409.10985, section II-D).

        Votes for emotions outside `classes` are left out; an utterance without votes for any of them
        counts its label once.
        """
        return emotion_names.soft_label(self.votes or {self.emotion: 1.0}, self.emotion, classes, epsilon)

    def to_row(self) -> dict[str, Any]:
        """The filled fields by column name, without those that are empty."""
        row = {name: getattr(self, name) for name in COLUMNS}
        row = {name: content for name, content in row.items() if content is not None and content != ""}
        row |= {f"{VOTES}{emotion}": count for emotion, count in self.votes.items()}
        return row | {f"{MEASURES}{name}": figure for name, figure in self.measures.items()}


COLUMNS = tuple(f.name for f in fields(Utterance) if f.name not in ("votes", "measures"))
"""The columns of one cell each, in the order in which they are written."""

NUMBERS = ("start_s", "end_s")


def is_number(column: str) -> bool:
    """Whether a column holds numbers; the others hold strings."""
    return column in NUMBERS or column.startswith((VOTES, MEASURES))
