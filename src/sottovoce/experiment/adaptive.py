"""Condition `adaptive`: the other conditions, all rounds of each, pooled by weights learnt inside each training part.

How many rounds help, whether translated speech does, untranslated, both or none, differs from corpus to corpus (the
first open questions of arXiv 2409.10985). To choose one by a handful of training speakers is mostly chance, so nothing
is chosen: the models of all conditions and rounds answer together (`learning.opinion_pool`), and weights say how much
each of them counts. The weights of a fold are learnt on folds over its training speakers, from models that heard
neither the speaker they answer for nor the fold's own test speakers. Ours; docs/results.md has what it gained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sottovoce.errors import SplitError
from sottovoce.experiment.arms import Named, Outcome, Trainee, train_arms
from sottovoce.experiment.inputs import Inputs
from sottovoce.experiment.place import Place
from sottovoce.experiment.task import task_of
from sottovoce.judging import predictions as prediction_table
from sottovoce.judging.fold_plan import speaker_of
from sottovoce.judging.splits import Fold, FoldPlan, at_most_groups
from sottovoce.learning.opinion_pool import learnt_weights, merged, pooled
from sottovoce.recipe import Recipe
from sottovoce.speech.manifest import Manifest
from sottovoce.store.progress import Progress

NAME = "adaptive"

Asked = tuple[str, int, int, int]
"""Condition, round, fold and seed: one model and its test part."""


def inner_folds(plan: FoldPlan, target: Manifest) -> dict[int, tuple[Fold, ...]]:
    """Folds over the training speakers of each fold, by its number: at most five, numbered through.

    Their `test_speakers` are those whom no model of theirs may hear: the ones it is asked about, and those of the
    outer fold's test part.

    Raises:
        SplitError: a training part has one speaker only.
    """
    utterances, numbers = {u.id: u for u in target}, count(1)
    found: dict[int, tuple[Fold, ...]] = {}
    for fold in plan.folds:
        part = Manifest(tuple(utterances[name] for name in fold.train))
        try:
            inner = at_most_groups(part)
        except SplitError as problem:
            speakers, emotions = len({speaker_of(u) for u in part}), len({u.emotion for u in part})
            raise SplitError(
                "condition adaptive learns its weights on folds within the training part, and that of fold "
                f"{fold.number} cannot be divided: it has {speakers} speaker(s) and {emotions} emotion(s), and two of "
                "each are the least. Add recordings of other speakers, or leave adaptive out of `conditions`"
            ) from problem
        found[fold.number] = tuple(
            replace(each, number=next(numbers), test_speakers=(*each.test_speakers, *fold.test_speakers))
            for each in inner.folds
        )
    return found


def add(
    recipe: Recipe, inputs: Inputs, place: Place, progress: Progress, outcome: Outcome, *, only_kept: bool = False
) -> None:
    """Add what `adaptive` says to the outcome of the other conditions, and its head for the run's model.

    One seed, the recipe's first, is trained in the inner folds; its weights hold for all seeds. The run's model takes
    weights learnt on all test parts, which is the same one level up: no score is claimed for it.

    Raises:
        NotTrained: with `only_kept`, at the first bank that the store does not hold.
        SplitError: see `inner_folds`.
    """
    folds, seed = inner_folds(inputs.plan, inputs.target.manifest), recipe.training.seeds[0]
    trainees = [Trainee(fold, seed) for inner in folds.values() for fold in inner]
    within = train_arms(recipe, inputs, trainees, place, progress, title="training: inner folds", only_kept=only_kept)
    task, members = task_of(recipe), list(outcome.models)
    utterances = inputs.target.manifest.utterances
    labels = dict(zip((u.id for u in utterances), task.labels(utterances, "target"), strict=True))
    inside, outside = _by_model(within.predictions), _by_model(outcome.predictions)

    def learnt(said: Mapping[Asked, pa.Table], asked: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
        tables = [pa.concat_tables(said[*member, *where] for where in asked) for member in members]
        y = np.stack([labels[name] for name in tables[0]["utterance"].to_pylist()])
        return learnt_weights(_probabilities(tables), y)

    weights = {number: learnt(inside, [(each.number, seed) for each in inner]) for number, inner in folds.items()}
    for i, (number, of_seed) in enumerate((f.number, s) for s in recipe.training.seeds for f in inputs.plan.folds):
        tables = [outside[*member, number, of_seed] for member in members]
        together = pooled(_probabilities(tables), weights[number])
        outcome.predictions.append(prediction_table.answered(tables[0], together, NAME, 0))
        added = [outcome.n_selected[member][i] for member in members]
        outcome.n_selected[NAME, 0].append(float(weights[number] @ added))
    final = learnt(outside, [(fold.number, s) for s in recipe.training.seeds for fold in inputs.plan.folds])
    outcome.models[NAME, 0] = merged([outcome.models[member] for member in members], final)
    taken = [member for member, weight in zip(members, final, strict=True) if weight > 0]
    outcome.model_kept[NAME, 0] = sorted({name for member in taken for name in outcome.model_kept[member]})
    outcome.weights = _rows(members, {**weights, None: final})


def _by_model(tables: Sequence[pa.Table]) -> dict[Asked, pa.Table]:
    first = ((table.slice(0, 1).to_pylist()[0], table) for table in tables if len(table))
    return {(row["condition"], row["round"], row["fold"], row["seed"]): table for row, table in first}


def _probabilities(tables: Sequence[pa.Table]) -> NDArray[np.float64]:
    return np.stack([prediction_table.probabilities(table) for table in tables])


def _rows(members: Sequence[Named], weights: Mapping[int | None, NDArray[np.float64]]) -> list[dict[str, object]]:
    """In plain types for JSON; the fold of the run's model is None."""
    return [
        {"fold": fold, "condition": condition, "round": number, "weight": round(float(weight), 4)}
        for fold, of_fold in weights.items()
        for (condition, number), weight in zip(members, of_fold, strict=True)
    ]
