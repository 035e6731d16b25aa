"""What must hold before the first run of a study, so that no mistake is found after the last one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sottovoce.errors import RecipeError
from sottovoce.judging import printed
from sottovoce.recipe import Recipe, Study
from sottovoce.recipe.study import Changes, Column, Comparison

_OF_A_NAME = ("name", "weights", "revision")
"""What belongs to an upstream or a translator that is named: to change one of them changes which it is."""


def leaves_free(study: Study, path: Path, changes: Sequence[str]) -> None:
    """Changes of the user's, which every run has, must leave alone what the study varies: labels would not hold.

    Raises:
        RecipeError: naming what is set twice, and by which part.
    """
    for change in changes:
        place = change.partition("=")[0].strip()
        for part, own in _set_by(study):
            if overlap(place, own):
                raise RecipeError(
                    f"--set {change}: {part} sets {own}, and its results would keep a label that no longer holds; "
                    f"leave the --set out, or change a copy of {path}"
                )


def has_needed(whole: Recipe, needed: Iterable[str], run: str) -> None:
    """A run must have the conditions that are shown of it.

    Raises:
        RecipeError: a change took one away.
    """
    if missing := [name for name in needed if name not in whole.conditions]:
        raise RecipeError(
            f"the run of '{run}' needs {', '.join(missing)}, and its `conditions` were set to "
            f"{', '.join(whole.conditions)}: name all that the study shows, or leave `conditions` alone"
        )


def compares_like(table: Comparison, column: Column, recipes: Sequence[Recipe]) -> None:
    """The rows of a table must be tested on the same utterances, with the same folds and seeds, by the same labels.

    Args:
        table: with its rows.
        column: of the study.
        recipes: of the rows' runs.

    Raises:
        RecipeError: naming the row and what it changes; or there is no such row or column in the paper.
    """
    first, *others = [_tests_of(each) for each in recipes]
    for row, other in zip(table.rows[1:], others, strict=True):
        if odd := [name for name in first if other[name] != first[name]]:
            raise RecipeError(
                f"row '{row.name}' of '{table.title}' differs from row '{table.rows[0].name}' in {', '.join(odd)}, but "
                "rows are compared on the same tests: change it in a column, for all rows, or in a study of its own"
            )
    for row in table.rows:
        printed.figures(table.printed, row.printed, column.printed)


def overlap(one: str, other: str) -> bool:
    """Whether two places are one, or one lies within the other."""
    return within(one, other) or within(other, one)


def within(place: str, section: str) -> bool:
    """Whether a place is `section` or lies in it."""
    return f"{place}.".startswith(f"{section}.")


def _set_by(study: Study) -> Iterator[tuple[str, str]]:
    """Every part that changes settings, in words, with every place that it sets."""
    parts: list[tuple[str, Changes]] = [(f"column '{column.name}'", column.change) for column in study.columns]
    parts += [(f"row '{row.name}'", row.change) for table in study.tables for row in table.rows]
    parts += [(f"the sweep '{sweep.title}'", {**sweep.change, sweep.setting: None}) for sweep in study.sweeps]
    parts += [(f"the curve '{curve.title}'", {**curve.change, "selection.rounds": None}) for curve in study.curves]
    for part, change in parts:
        for place, content in change.items():
            yield from ((part, each) for each in _places(place, content))


def _places(place: str, content: Any) -> Iterator[str]:
    """The single settings within a section, or the one that `place` is; and what belongs to it where it is a name."""
    if isinstance(content, Mapping):
        for name, branch in content.items():
            yield from _places(f"{place}.{name}", branch)
        return
    yield place
    section, _, last = place.rpartition(".")
    if section and last in ("name", "preset"):
        yield from (f"{section}.{name}" for name in _OF_A_NAME)


def _tests_of(whole: Recipe) -> dict[str, Any]:
    """What decides on which utterances, folds and seeds a run is judged, and by which labels."""
    return {
        "target": whole.target.model_copy(update={"language": None}),
        "emotions": whole.emotions,
        "protocol": whole.protocol,
        "training.seeds": whole.training.seeds,
    }
