"""A teacher's votes on the source: whom it hears, what a vote is, and that nobody who is tested is in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sottovoce.errors import SplitError
from sottovoce.experiment import teacher
from sottovoce.experiment.banks import Banks, NotTrained
from sottovoce.experiment.teacher import with_votes
from sottovoce.experiment.training import train_all
from sottovoce.recipe import Recipe
from sottovoce.speech.manifest import Manifest
from sottovoce.store.progress import Quiet


@pytest.fixture(scope="module")
def recipe(job) -> Recipe:
    training = job.recipe.training.model_copy(update={"source_votes": "cross-fitted"})
    selection = job.recipe.selection.model_copy(update={"criterion": "auto"})
    return job.recipe.model_copy(update={"training": training, "selection": selection})


@pytest.fixture(scope="module")
def apart(job):
    """The same source, by speakers of another corpus than the target's."""

    def elsewhere(manifest: Manifest) -> Manifest:
        return Manifest(tuple(replace(u, corpus="elsewhere") for u in manifest))

    source = replace(job.inputs.source, manifest=elsewhere(job.inputs.source.manifest))
    return replace(job.inputs, source=source, translated=elsewhere(job.inputs.translated))


def test_every_recording_is_heard_by_heads_of_other_speakers(job, recipe, apart, tmp_path, monkeypatch):
    trained = []
    whole = Banks.heads

    def seen(self, kept, frames, labels, courses, *others):
        trained.extend(courses)
        return whole(self, kept, frames, labels, courses, *others)

    monkeypatch.setattr(Banks, "heads", seen)
    with_votes(recipe, apart, job.fresh(tmp_path), Quiet())
    speakers = np.array([u.speaker for u in apart.source.manifest])
    left_out = [set(speakers[~course.own]) for course in trained]
    assert all(len(out) == 1 and not out & set(speakers[c.own]) for out, c in zip(left_out, trained, strict=True))
    assert sorted(name for out in left_out for name in out) == sorted([*"123"] * len(recipe.training.seeds))


def test_half_of_the_votes_are_the_labels_and_translations_inherit_them(job, recipe, apart):
    voted = with_votes(recipe, apart, job.place, Quiet())
    natural = {u.id: u for u in voted.source.manifest}
    assert voted.source.manifest.has_votes and not apart.source.manifest.has_votes
    for before, after in zip(apart.source.manifest, voted.source.manifest, strict=True):
        assert replace(after, votes={}) == before
        assert sum(after.votes.values()) == pytest.approx(1)
        assert after.votes[after.emotion] >= 1 - teacher.SHARE
        assert np.argmax(after.soft_label(recipe.emotions, 0.05)) == recipe.emotions.index(after.emotion)
    assert any(max(u.votes.values()) < 0.99 for u in voted.source.manifest), "a teacher who says nothing"
    for each in voted.translated:
        assert each.votes == natural[each.translated_from].votes
    assert voted.target == apart.target


def test_with_votes_the_criterion_is_that_of_the_paper(job, recipe, apart):
    voted = with_votes(recipe, apart, job.place, Quiet())
    given, taught = (train_all(recipe, inputs, job.place, Quiet()) for inputs in (apart, voted))
    kept = [sum(table["kept"].to_pylist().count(True) for table in each.selections) for each in (given, taught)]
    correct = sum(table["correct"].to_pylist().count(True) for table in taught.selections)
    assert 0 < kept[1] < correct, "eq. 3 lets fewer through than are right"


def test_a_translation_of_what_the_upstream_refused_keeps_its_label(job, recipe, apart):
    lost = apart.source.manifest[0].id
    fewer = replace(apart, source=replace(apart.source, manifest=apart.source.manifest.filter(lambda u: u.id != lost)))
    voted = {u.translated_from: u.votes for u in with_votes(recipe, fewer, job.place, Quiet()).translated}
    assert voted.pop(lost) == {} and all(voted.values())


def test_votes_can_be_left_out(job, recipe, apart):
    """The paper's "without soft labels": the source as if it had one label an utterance, the target as it is."""

    def voted(manifest: Manifest) -> Manifest:
        return Manifest(tuple(replace(u, votes={"sad": 2.0, "neutral": 1.0}) for u in manifest))

    rated = replace(
        apart,
        target=replace(apart.target, manifest=voted(apart.target.manifest)),
        source=replace(apart.source, manifest=voted(apart.source.manifest)),
        translated=voted(apart.translated),
    )
    training = recipe.training.model_copy(update={"source_votes": "none"})
    left = with_votes(recipe.model_copy(update={"training": training}), rated, job.place, Quiet())
    assert left.target == rated.target and left.target.manifest.has_votes
    assert (left.source, left.translated) == (apart.source, apart.translated)


def test_it_is_asked_for(job, apart):
    assert with_votes(job.recipe, apart, job.place, Quiet()) is apart
    recipe = job.recipe.model_copy(update={"conditions": ["target-only"]})
    assert with_votes(recipe, apart, job.place, Quiet()) is apart


def test_speakers_of_the_target_may_not_teach(job, recipe):
    with pytest.raises(SplitError, match="3 are on both sides; set it to given"):
        with_votes(recipe, job.inputs, job.place, Quiet())


def test_a_teacher_who_is_not_kept_is_not_trained_for_a_dry_run(job, recipe, apart, tmp_path):
    with pytest.raises(NotTrained):
        with_votes(recipe, apart, job.fresh(tmp_path), Quiet(), only_kept=True)
