"""Which runs a study needs: what its parts wish for, and the one run that meets all equal wishes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from sottovoce import recipe
from sottovoce.errors import RecipeError
from sottovoce.experiment import adaptive, study_checks
from sottovoce.judging.results import BASELINE
from sottovoce.recipe import Recipe, Study
from sottovoce.recipe.study import Column, Curve, Row, Sweep

Change = Mapping[str, Any]


@dataclass(frozen=True)
class Wish:
    """What some part of the study needs: the base recipe with settings changed, and a condition of it."""

    column: Column
    change: Change
    condition: str
    name: str

    @property
    def key(self) -> str:
        """Wishes with equal keys are met by one run."""
        return json.dumps([self.column.name, self.change], sort_keys=True)


@dataclass(frozen=True)
class Variant:
    """One run: the base recipe with some settings changed, the folder it is put into, and the column it is of."""

    recipe: Recipe
    folder: str
    column: str


def variants(study: Study, path: Path, changes: Sequence[str] = ()) -> dict[str, Variant]:
    """The runs that the study needs, by the keys of its wishes; what can be known to fail is refused here.

    Args:
        study: what is wanted.
        path: its file: the base recipe may lie beside it.
        changes: of the user's, for every run: `training.seeds=[0]`.

    Raises:
        RecipeError: the base is not there, is one of measures, or a change does not fit; see `study_checks`.
    """
    study_checks.leaves_free(study, path, changes)
    base = recipe.find(study.base, beside=path.parent)
    wanted: dict[str, list[Wish]] = {}
    for wish in all_wishes(study):
        wanted.setdefault(wish.key, []).append(wish)
    found: dict[str, Variant] = {}
    for key, alike in wanted.items():
        whole = _meeting(alike, base, changes)
        taken = [variant.folder for variant in found.values()]
        found[key] = Variant(whole, _folder(alike[0], taken), alike[0].column.name)
    for column in study.columns:
        for table in study.tables:
            recipes = [found[wish_of_row(column, row).key].recipe for row in table.rows]
            study_checks.compares_like(table, column, recipes)
    return found


def _meeting(alike: Sequence[Wish], base: Path, changes: Sequence[str]) -> Recipe:
    """The recipe of the run that meets all these wishes, which have one key."""
    settings = dict(alike[0].change)
    needed = list(dict.fromkeys([BASELINE, *(wish.condition for wish in alike)]))
    whole = recipe.load(base, changes, settings)
    if whole.measures:
        raise RecipeError(f"{base} predicts measures, and a study compares emotions: use it with 'sottovoce run'")
    if any(study_checks.overlap("conditions", change.partition("=")[0].strip()) for change in (*changes, *settings)):
        study_checks.has_needed(whole, needed, alike[0].name)
        return whole
    # without a change it is the base run itself, whose conditions share their training
    if not settings and set(needed) <= set(whole.conditions):
        return whole
    model = {"model.condition": needed[-1]}
    if adaptive.NAME in needed:  # it pools the other conditions, whichever of them are shown
        needed = list(dict.fromkeys([*whole.conditions, *needed]))
    return recipe.load(base, changes, settings | {"conditions": needed} | model)


def all_wishes(study: Study) -> Iterable[Wish]:
    """Everything that the study needs."""
    for column in study.columns:
        for row in (row for table in study.tables for row in table.rows):
            yield wish_of_row(column, row)
        for sweep in study.sweeps:
            yield from (wish_of_value(column, sweep, value) for value in sweep.values)
        for curve in study.curves:
            yield wish_of_curve(column, curve)


def wish_of_row(column: Column, row: Row) -> Wish:
    """One line of a table in one column."""
    return Wish(column, _merged(column.change, row.change), row.condition, row.name)


def wish_of_value(column: Column, sweep: Sweep, value: Any) -> Wish:
    """One value of a sweep in one column."""
    change = _merged(column.change, _merged(sweep.change, {sweep.setting: value}))
    return Wish(column, change, sweep.condition, f"{sweep.setting}-{value}")


def wish_of_curve(column: Column, curve: Curve) -> Wish:
    """A curve in one column."""
    change = _merged(column.change, _merged(curve.change, {"selection.rounds": curve.rounds}))
    return Wish(column, change, curve.condition, curve.title)


def _merged(of_column: Change, of_part: Change) -> Change:
    """Both; the part may change settings within a section of the column's, and nothing that the column sets itself.

    Raises:
        RecipeError: both change one setting.
    """
    if twice := [place for place in of_part if any(study_checks.within(each, place) for each in of_column)]:
        raise RecipeError(f"a column and something in it, or a part and its `change`, both change {', '.join(twice)}")
    return {**of_column, **of_part}


def _folder(wish: Wish, taken: Sequence[str]) -> str:
    """A name for the run's folder: readable, in small letters, and its own."""
    words = f"{wish.column.name} {wish.name if set(wish.change) - set(wish.column.change) else 'base'}"
    name = "-".join("".join(c if c.isalnum() else " " for c in words.lower()).split()) or "run"
    numbered = (f"{name}-{number}" if number > 1 else name for number in count(1))
    return next(each for each in numbered if each not in taken)
