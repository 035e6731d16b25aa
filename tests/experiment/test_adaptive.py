"""Condition `adaptive`: its inner folds, that no test label reaches its weights, and what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from sottovoce.errors import SplitError
from sottovoce.experiment.adaptive import inner_folds
from sottovoce.experiment.arms import Outcome
from sottovoce.experiment.plan import plan
from sottovoce.experiment.training import train_all
from sottovoce.judging import predictions as prediction_table
from sottovoce.judging.splits import leave_one_speaker_out, speaker_groups
from sottovoce.learning.opinion_pool import pooled
from sottovoce.recipe import Recipe
from sottovoce.speech.manifest import Manifest
from sottovoce.store.progress import Quiet
from sottovoce.upstreams.features import Frames

MEMBERS = [("target-only", 0), ("all-synthetic", 0), ("bootstrapped", 1), ("bootstrapped", 2)]


@pytest.fixture(scope="module")
def recipe(job) -> Recipe:
    return job.recipe.model_copy(update={"conditions": [*dict.fromkeys(name for name, _ in MEMBERS), "adaptive"]})


@pytest.fixture(scope="module")
def outcome(job, recipe) -> Outcome:
    return train_all(recipe, job.inputs, job.place, Quiet())


def weights_of(outcome: Outcome, fold: int | None) -> np.ndarray:
    rows = [row for row in outcome.weights if row["fold"] == fold]
    assert [(row["condition"], row["round"]) for row in rows] == MEMBERS
    return np.array([row["weight"] for row in rows])


def said_by(outcome: Outcome, condition: str, number: int, fold: int, seed: int) -> pa.Table:
    where = (condition, number, fold, seed)
    named = ("condition", "round", "fold", "seed")
    (found,) = (t for t in outcome.predictions if tuple(t[name][0].as_py() for name in named) == where)
    return found


def test_inner_folds_divide_each_training_part_by_its_speakers(job):
    outer, target = job.inputs.plan, job.inputs.target.manifest
    speaker = {u.id: f"{u.corpus}/{u.speaker}" for u in target}
    found = inner_folds(outer, target)
    assert sorted(found) == [fold.number for fold in outer.folds]
    numbers = [inner.number for each in found.values() for inner in each]
    assert len(set(numbers)) == len(numbers)
    for fold in outer.folds:
        asked = [name for inner in found[fold.number] for name in inner.test]
        assert sorted(asked) == sorted(fold.train), "everybody of the training part is asked about once"
        for inner in found[fold.number]:
            heard, tested = ({speaker[name] for name in part} for part in (inner.train, inner.test))
            assert heard and tested and not heard & tested
            assert set(inner.test_speakers) == tested | set(fold.test_speakers)
            assert not heard & set(inner.test_speakers)


def test_of_many_speakers_five_groups_are_made(job):
    first = job.inputs.target.manifest.utterances
    many = [replace(u, id=f"{i}-{u.id}", speaker=f"{i}{u.speaker}") for i in range(2) for u in first]
    target = Manifest(tuple(many))
    assert {len(inner) for inner in inner_folds(leave_one_speaker_out(target), target).values()} == {5}


def test_one_speaker_to_train_on_is_too_few(job):
    target = job.inputs.target.manifest.filter(lambda u: u.speaker in "12")
    with pytest.raises(SplitError, match=r"condition adaptive .* has 1 speaker.*leave adaptive out of `conditions`"):
        inner_folds(speaker_groups(target, 2, 0), target)


def test_what_it_says_is_the_pool_of_the_others(job, recipe, outcome):
    for fold in job.inputs.plan.folds:
        weights = weights_of(outcome, fold.number)
        assert weights.sum() == pytest.approx(1, abs=1e-3) and (weights >= 0).all()
        for seed in recipe.training.seeds:
            members = [said_by(outcome, *member, fold.number, seed) for member in MEMBERS]
            own = said_by(outcome, "adaptive", 0, fold.number, seed)
            assert own["utterance"] == members[0]["utterance"] and own["label"] == members[0]["label"]
            expected = pooled(np.stack([prediction_table.probabilities(each) for each in members]), weights)
            np.testing.assert_allclose(prediction_table.probabilities(own), expected, atol=1e-3)


def test_no_label_of_a_test_part_reaches_its_weights(job, recipe, outcome, tmp_path):
    """All labels of speaker 1 are exchanged: the weights of the fold that tests him stay, those of the others move."""
    target = job.inputs.target.manifest
    emotions = recipe.emotions
    wrong = {e: emotions[(i + 1) % len(emotions)] for i, e in enumerate(emotions)}
    changed = [replace(u, emotion=wrong[u.emotion], votes={}) if u.speaker == "1" else u for u in target]
    inputs = replace(job.inputs, target=replace(job.inputs.target, manifest=Manifest(tuple(changed))))
    again = train_all(recipe, inputs, job.fresh(tmp_path), Quiet())
    moved = []
    for fold in job.inputs.plan.folds:
        before, after = weights_of(outcome, fold.number), weights_of(again, fold.number)
        if fold.test_speakers == ("target/1",):
            np.testing.assert_allclose(after, before, atol=2e-3)
        else:
            moved.append(np.abs(after - before).max())
    assert len(moved) == 3 and max(moved) > 0.01


def test_the_models_head_is_the_pool(job, outcome):
    kept = job.inputs.features["target"].kept
    pool = Frames([kept[u.id] for u in job.inputs.target.manifest])
    frames = [pool.fetch(np.array([i]))[0] for i in range(len(pool))]
    members = np.stack([outcome.models[member].probabilities(frames).double().numpy() for member in MEMBERS])
    one = outcome.models["adaptive", 0].probabilities(frames).double().numpy()
    np.testing.assert_allclose(one, pooled(members, weights_of(outcome, None)), atol=1e-3)
    assert set(outcome.model_kept["adaptive", 0]) <= {u.id for u in job.inputs.translated}


def test_added_is_what_the_members_added_by_their_weights(job, recipe, outcome):
    fold = job.inputs.plan.folds[0]
    weights = weights_of(outcome, fold.number)
    expected = weights @ [outcome.n_selected[member][0] for member in MEMBERS]
    assert outcome.n_selected["adaptive", 0][0] == pytest.approx(expected, abs=0.05)
    assert len(outcome.n_selected["adaptive", 0]) == len(recipe.training.seeds) * len(job.inputs.plan.folds)


def test_a_dry_run_knows_that_all_is_trained(job, recipe, outcome):
    *_, training = plan(recipe, job.place)
    assert training.title == "training" and training.kept == training.total > 0
