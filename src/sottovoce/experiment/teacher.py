"""Votes for a source that has one label an utterance: what heads hear in it that never heard its speaker.

Where raters voted, votes say how clear an emotion is. Where there is one label each, heads trained on the source's
other speakers say something like it ("cross-fitted": nobody is asked about what he learnt). Half of the votes go to the
label as it was given, so that a teacher who errs softens a label and never turns it. Ours, in place of the votes of
arXiv 2409.10985, section II-D; docs/results.md has what it gained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from sottovoce.errors import SplitError
from sottovoce.experiment import cross_fitting
from sottovoce.experiment.banks import Banks
from sottovoce.experiment.cross_fitting import Pool
from sottovoce.experiment.inputs import SOURCE_CONDITIONS, Inputs
from sottovoce.experiment.place import Place
from sottovoce.experiment.task import task_of
from sottovoce.judging.splits import at_most_groups, speaker_of
from sottovoce.recipe import Recipe
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.progress import Progress

SHARE = 0.5
"""How many of the votes are the teacher's; the rest are for the label as it was given."""

Votes = Mapping[str, Mapping[str, float]]


def with_votes(recipe: Recipe, inputs: Inputs, place: Place, progress: Progress, *, only_kept: bool = False) -> Inputs:
    """The inputs with other votes on the source and its translations, where the recipe asks: a teacher's, or none.

    Raises:
        NotTrained: with `only_kept`, where the store does not hold the teacher.
        SplitError: the source has one speaker, or speakers of the target: its votes would carry what heads learnt from
            somebody who is tested.
    """
    if recipe.training.source_votes == "given" or not SOURCE_CONDITIONS & set(recipe.conditions):
        return inputs
    if recipe.training.source_votes == "none":
        return _voted(inputs, lambda u: {})
    source = inputs.source.manifest
    if both := {speaker_of(u) for u in source} & {speaker_of(u) for u in inputs.target.manifest}:
        raise SplitError(
            f"training.source_votes cross-fitted needs a source without speakers of the target, and {len(both)} are "
            "on both sides; set it to given"
        )
    with progress.stage("training: teacher", recipe.training.epochs) as done:
        votes = _votes(recipe, inputs, Banks(recipe.training, place, only_kept), done)
    # a recording that the upstream refused may have a translation that it took: nobody was asked about that one
    return _voted(inputs, lambda u: votes.get(u.translated_from or u.id, u.votes))


def _voted(inputs: Inputs, votes: Callable[[Utterance], Mapping[str, float]]) -> Inputs:
    def voted(manifest: Manifest) -> Manifest:
        return Manifest(tuple(replace(u, votes=votes(u)) for u in manifest))

    source = replace(inputs.source, manifest=voted(inputs.source.manifest))
    return replace(inputs, source=source, translated=voted(inputs.translated))


def _votes(recipe: Recipe, inputs: Inputs, banks: Banks, done: Callable[[int], None]) -> Votes:
    """By utterance: heads of all seeds, averaged, in folds over the source's speakers."""
    utterances, task = inputs.source.manifest.utterances, task_of(recipe)
    kept = [inputs.features["source"].kept[u.id] for u in utterances]
    pool = Pool(utterances, kept, banks.frames(kept), task.labels(utterances, "source"))
    plan = at_most_groups(inputs.source.manifest)
    heads = cross_fitting.heads(banks, plan, pool, done)
    heard = cross_fitting.asked(banks, plan, heads, pool, utterances).mean(axis=0)
    votes: dict[str, Mapping[str, float]] = {}
    for utterance, said in zip(utterances, SHARE * heard, strict=True):
        given = {utterance.emotion: 1 - SHARE}
        votes[utterance.id] = {e: float(p) + given.get(e, 0.0) for e, p in zip(task.names, said, strict=True)}
    return votes
