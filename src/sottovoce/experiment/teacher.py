"""Votes for a source that has one label an utterance: what heads hear in it that never heard its speaker.

Where raters voted, votes say how clear an emotion is. Where there is one label each, heads trained on the source's
other speakers say something like it ("cross-fitted": nobody is asked about what he learnt). Half of the votes go to the
label as it was given, so that a teacher who errs softens a label and never turns it. Ours, in place of the votes of
arXiv 2409.10985, section II-D; docs/results.md has what it gained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from sottovoce.errors import SplitError
from sottovoce.experiment.banks import Banks
from sottovoce.experiment.inputs import SOURCE_CONDITIONS, Inputs
from sottovoce.experiment.place import Place
from sottovoce.experiment.task import task_of
from sottovoce.judging.splits import at_most_groups, speaker_of
from sottovoce.learning import bank
from sottovoce.learning.bank import Course
from sottovoce.recipe import Recipe
from sottovoce.speech.manifest import Manifest
from sottovoce.store.progress import Progress

MOST_FOLDS = 5
SHARE = 0.5
"""How many of the votes are the teacher's; the rest are for the label as it was given."""

Votes = Mapping[str, Mapping[str, float]]


def with_votes(recipe: Recipe, inputs: Inputs, place: Place, progress: Progress, *, only_kept: bool = False) -> Inputs:
    """The inputs with a teacher's votes on the source and on its translations, where the recipe asks for them.

    Raises:
        NotTrained: with `only_kept`, where the store does not hold the teacher.
        SplitError: the source has one speaker, or speakers of the target: its votes would carry what heads learnt from
            somebody who is tested.
    """
    if recipe.training.source_votes == "given" or not SOURCE_CONDITIONS & set(recipe.conditions):
        return inputs
    source = inputs.source.manifest
    if both := {speaker_of(u) for u in source} & {speaker_of(u) for u in inputs.target.manifest}:
        raise SplitError(
            f"training.source_votes cross-fitted needs a source without speakers of the target, and {len(both)} are "
            "on both sides; set it to given"
        )
    with progress.stage("training: teacher", recipe.training.epochs) as done:
        votes = _votes(recipe, inputs, Banks(recipe.training, place, only_kept), done)

    def voted(manifest: Manifest) -> Manifest:
        return Manifest(tuple(replace(u, votes=votes[u.translated_from or u.id]) for u in manifest))

    return replace(inputs, source=replace(inputs.source, manifest=voted(source)), translated=voted(inputs.translated))


def _votes(recipe: Recipe, inputs: Inputs, banks: Banks, done: Callable[[int], None]) -> Votes:
    """By utterance: heads of all seeds, averaged, in folds over the source's speakers."""
    pool, task, seeds = inputs.source.manifest.utterances, task_of(recipe), recipe.training.seeds
    kept = [inputs.features["source"].kept[u.id] for u in pool]
    frames, labels = banks.frames(kept), task.labels(pool, "source")
    owns = [np.isin([u.id for u in pool], fold.train) for fold in at_most_groups(Manifest(pool), MOST_FOLDS).folds]
    heads = banks.heads(kept, frames, labels, [Course(seed, own) for own in owns for seed in seeds], done)
    votes: dict[str, Mapping[str, float]] = {}
    for i, own in enumerate(owns):
        rows = np.flatnonzero(~own)
        of_fold = heads[i * len(seeds) : (i + 1) * len(seeds)]
        heard = bank.predict(frames, rows, of_fold, device=banks.place.device).mean(axis=0)
        for row, said in zip(rows, SHARE * heard, strict=True):
            given = {pool[row].emotion: 1 - SHARE}
            votes[pool[row].id] = {e: float(p) + given.get(e, 0.0) for e, p in zip(task.names, said, strict=True)}
    return votes
