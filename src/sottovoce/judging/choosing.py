"""Which condition becomes the model of a run, and an honest score of that choice.

The condition with the best macro F1 (of measures, the best CCC) over all out-of-fold predictions wins. That score is
flattered by having been the best of several, so it is not the model's. What is reported is the score of the
*procedure*: in each fold the condition is chosen by the predictions of the other folds alone, and its predictions there
are scored, whichever it is.

What is left of flattery: the models that the other folds' predictions come from had this fold's speakers in training.
They never predicted them; to leave that out too would take a training for every pair of folds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from sottovoce.judging.predictions import renamed
from sottovoce.judging.results import judge
from sottovoce.judging.scoring import Scoring, scoring_of

AS_CHOSEN = "as chosen"
"""The name that the procedure's own predictions go under."""


@dataclass(frozen=True)
class Choice:
    """The winner among candidates, what each fold chose without looking at itself, and the scores of choosing so.

    `scores` is a condition of `results.json`; None where there is one fold, or nothing to choose from.
    """

    candidates: list[str]
    condition: str
    round: int
    by_fold: dict[int, str]
    scores: dict[str, Any] | None

    @classmethod
    def of(cls, chosen: Mapping[str, Any]) -> Choice:
        """From `details.json`, where the numbers of folds are strings."""
        return cls(**{**chosen, "by_fold": {int(fold): name for fold, name in chosen["by_fold"].items()}})


def last_round(predictions: pa.Table, condition: str) -> pa.Table:
    """What the last models of a condition said."""
    named = predictions.filter(pa.array(predictions["condition"].to_numpy() == condition))
    number = named["round"].to_numpy()
    return named.filter(pa.array(number == number.max()))


def choose(predictions: pa.Table, conditions: Sequence[str]) -> Choice:
    """Choose among `conditions` at their last rounds; of equals, the first.

    Args:
        predictions: of all folds and seeds, as `predictions.read` gives them.
        conditions: the candidates, the simplest first.
    """
    last = {name: last_round(predictions, name) for name in conditions}
    folds = sorted(set(predictions["fold"].to_pylist()))
    scoring = scoring_of(predictions)
    sums = {name: _by_fold(table, folds, scoring) for name, table in last.items()}
    every = np.ones(len(folds), bool)
    winner = _best(sums, every, scoring)
    by_fold: dict[int, str] = {}
    if len(folds) > 1 and len(conditions) > 1:
        for position, fold in enumerate(folds):
            by_fold[fold] = _best(sums, np.arange(len(folds)) != position, scoring)
    return Choice(
        list(conditions), winner, _round_of(last[winner]), by_fold, _scores(last, by_fold) if by_fold else None
    )


def _best(sums: dict[str, np.ndarray], folds: np.ndarray, scoring: Scoring) -> str:
    scores = {name: scoring.scores(each[folds].sum(axis=0), scoring.main).mean() for name, each in sums.items()}
    return max(scores, key=scores.__getitem__)


def _by_fold(table: pa.Table, folds: Sequence[int], scoring: Scoring) -> np.ndarray:
    """Sums `[fold, seed, *shape]`."""
    fold, seeds = table["fold"].to_numpy(), sorted(set(table["seed"].to_pylist()))
    made = []
    for number in folds:
        _, own, sums = scoring.sums(table.filter(pa.array(fold == number)))
        assert own == seeds
        made.append(sums.sum(axis=0))
    return np.stack(made)


def as_chosen(predictions: pa.Table, choice: Choice) -> pa.Table:
    """The predictions of choosing: in each fold those of the condition that the other folds chose.

    Where nothing was chosen from, or there is one fold, those of the condition that was taken.
    """
    if not choice.by_fold:
        return last_round(predictions, choice.condition)
    return _pooled({name: last_round(predictions, name) for name in choice.candidates}, choice.by_fold)


def _pooled(last: dict[str, pa.Table], by_fold: dict[int, str]) -> pa.Table:
    parts = [last[name].filter(pa.array(last[name]["fold"].to_numpy() == fold)) for fold, name in by_fold.items()]
    return renamed(pa.concat_tables(parts), AS_CHOSEN, 0)


def _scores(last: dict[str, pa.Table], by_fold: dict[int, str]) -> dict[str, Any]:
    return judge(_pooled(last, by_fold), baseline=AS_CHOSEN)["conditions"][0]


def _round_of(table: pa.Table) -> int:
    return int(table["round"][0].as_py())
