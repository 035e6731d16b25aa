from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sottovoce.errors import StoreError
from sottovoce.learning import bank
from sottovoce.learning.bank import Course, heads_from_tensors, heads_to_tensors, predict, slices, train
from sottovoce.learning.head import Head
from sottovoce.learning.losses import soft_cross_entropy
from sottovoce.learning.outputs import MEASURES
from sottovoce.recipe import Training
from tests.learning.pools import pool

SETTINGS = Training(hidden=16, epochs=3, batch_size=8, learning_rate=0.01)


def leaving_out_each_fifth(n: int, seeds=(0, 1)) -> list[Course]:
    """Folds x seeds: courses that share most of their utterances."""
    return [Course(seed, np.arange(n) % 5 != fold) for seed in seeds for fold in range(5)]


def selections(n: int) -> list[Course]:
    """Courses of one seed that share little, of many sizes, one of them of a single utterance."""
    rng = np.random.default_rng(0)
    owns = [rng.random(n) < share for share in (0.2, 0.2, 0.4, 0.9)]
    return [*(Course(5, own) for own in owns), Course(5, np.arange(n) == 7)]


def assert_same_heads(ours: list[Head], theirs: list[Head], rtol: float = 1e-4, atol: float = 1e-5) -> None:
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert set(one.tensors()) == set(other.tensors())
        for name, tensor in one.tensors().items():
            torch.testing.assert_close(tensor, other.tensors()[name], rtol=rtol, atol=atol)


# The same as training each alone


@pytest.mark.parametrize("n_layers", [None, 3])
@pytest.mark.parametrize("courses", [leaving_out_each_fifth, selections])
def test_a_bank_trains_each_head_as_if_it_were_alone(tmp_path: Path, courses, n_layers):
    frames, targets, _ = pool(tmp_path, 60, n_layers=n_layers)
    together = train(frames, targets, courses(60), SETTINGS)
    alone = [train(frames, targets, [course], SETTINGS)[0] for course in courses(60)]
    assert_same_heads(together, alone)
    assert not torch.allclose(together[0].w1, together[1].w1, atol=1e-3)


def test_measures_are_learned_and_each_head_is_as_if_it_were_alone(tmp_path: Path):
    frames, _, classes = pool(tmp_path, 60)
    level = (classes[:, None] / 2).astype(np.float32)  # three levels from 0 to 1
    settings, courses = SETTINGS.model_copy(update={"epochs": 15}), leaving_out_each_fifth(60, seeds=(0,))
    heads = train(frames, level, courses, settings, outputs=MEASURES)
    assert_same_heads(heads, [train(frames, level, [c], settings, outputs=MEASURES)[0] for c in courses])
    said = predict(frames, np.arange(60), heads, outputs=MEASURES)
    assert said.shape == (5, 60, 1) and said.min() >= 0 and said.max() <= 1
    for course, of in zip(courses, said[:, :, 0], strict=True):
        unheard = ~course.own
        assert np.corrcoef(of[unheard], level[unheard, 0])[0, 1] > 0.9


def costs(monkeypatch: pytest.MonkeyPatch, of_separate_products: float) -> None:
    monkeypatch.setattr(bank, "OVERHEAD", of_separate_products)
    monkeypatch.setitem(bank.FETCH, torch.float32, of_separate_products)


def test_folds_of_one_seed_share_a_product_and_selections_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    frames, targets, _ = pool(tmp_path, 60)
    widths: list[int] = []
    original = bank.pooled_hidden

    def watched(X, W, b, lengths):
        widths.append(W.shape[1] // SETTINGS.hidden)
        return original(X, W, b, lengths)

    monkeypatch.setattr(bank, "pooled_hidden", watched)
    one_epoch = SETTINGS.model_copy(update={"epochs": 1})
    train(frames, targets, leaving_out_each_fifth(60), one_epoch)
    assert set(widths) == {5} and len(widths) == 2 * 6  # two seeds of six batches
    widths.clear()
    costs(monkeypatch, 1e-9)  # zeros cost more than separate products
    train(frames, targets, selections(60), one_epoch)
    assert set(widths) == {1}


@pytest.mark.parametrize("overhead", [1e-9, 1e30])
def test_both_ways_of_computing_a_group_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overhead: float):
    frames, targets, _ = pool(tmp_path, 60)
    expected = train(frames, targets, leaving_out_each_fifth(60), SETTINGS)
    costs(monkeypatch, overhead)
    assert_same_heads(train(frames, targets, leaving_out_each_fifth(60), SETTINGS), expected)


def test_a_head_is_what_plain_torch_makes_of_the_same_batches(tmp_path: Path):
    frames, targets, _ = pool(tmp_path, 60)
    course = Course(4, np.arange(60) % 5 != 0)
    ours = train(frames, targets, [course], SETTINGS)[0]

    fresh = Head.fresh(12, 16, 3, None, seed=4)
    first, second = nn.Linear(12, 16), nn.Linear(16, 3)
    with torch.no_grad():
        for layer, w, b in ((first, fresh.w1, fresh.b1), (second, fresh.w2, fresh.b2)):
            layer.weight.copy_(w.T)
            layer.bias.copy_(b)
    optimiser = torch.optim.AdamW([*first.parameters(), *second.parameters()], lr=0.01, weight_decay=0.01)
    for epoch in range(3):
        for rows in slices(60, 6, 4, epoch):  # 48 own utterances fill 6 batches of 8
            mine = [i for i in rows if course.own[i]]
            logits = torch.stack([second(first(frames.fetch(np.array([i]))[0]).relu().mean(0)) for i in mine])
            optimiser.zero_grad()
            soft_cross_entropy(logits, torch.from_numpy(targets[mine]), torch.ones(len(mine))).backward()
            optimiser.step()
    theirs = Head(first.weight.T, first.bias, second.weight.T, second.bias)
    assert_same_heads([ours], [theirs.to("cpu")])


def test_what_is_not_a_course_s_own_cannot_touch_it(tmp_path: Path):
    frames, targets, _ = pool(tmp_path, 60)
    courses = leaving_out_each_fifth(60)
    expected = train(frames, targets, courses, SETTINGS)[0]
    poisoned = targets.copy()
    poisoned[~courses[0].own] = np.roll(poisoned[~courses[0].own], 1, axis=1)
    assert_same_heads(train(frames, poisoned, courses, SETTINGS)[:1], [expected], rtol=0, atol=0)


def test_bf16_gives_nearly_the_same_probabilities(tmp_path: Path):
    arrays = [pool(tmp_path / name, 60, dtype=dtype) for name, dtype in (("a", torch.float32), ("b", torch.bfloat16))]
    made = []
    for frames, targets, _ in arrays:
        heads = train(frames, targets, leaving_out_each_fifth(60), SETTINGS)
        assert all(t.dtype == torch.float32 for h in heads for t in h.tensors().values())
        made.append(predict(frames, np.arange(60), heads))
    assert np.abs(made[0] - made[1]).max() < 0.03


# Batches


def test_slices_cover_the_pool_once_and_depend_on_seed_and_epoch():
    cut = slices(50, 6, seed=1, epoch=2)
    assert sorted(np.concatenate(cut)) == list(range(50))
    assert {len(part) for part in cut} == {8, 9}
    same = slices(50, 6, seed=1, epoch=2)
    assert all((a == b).all() for a, b in zip(cut, same, strict=True))
    for seed, epoch in ((2, 2), (1, 3)):
        assert not np.array_equal(np.concatenate(cut), np.concatenate(slices(50, 6, seed, epoch)))


@pytest.mark.parametrize(("own", "expected"), [(1, 1), (8, 1), (11, 1), (13, 2), (80, 10)])
def test_an_epoch_has_as_many_batches_as_the_own_utterances_fill(own: int, expected: int):
    assert Course(0, np.arange(200) < own).n_batches(8) == expected


def test_every_own_utterance_is_met_once_an_epoch_in_batches_near_the_asked_size(tmp_path: Path):
    frames, _, _ = pool(tmp_path, 96)
    courses = leaving_out_each_fifth(96) + selections(96)
    steps = bank._steps(courses, SETTINGS.model_copy(update={"batch_size": 8}), frames, epoch=0)
    for number, course in enumerate(courses):
        batches = [rows[course.own[rows]] for step in steps for group, rows in step if number in group]
        assert sorted(np.concatenate(batches)) == np.flatnonzero(course.own).tolist()
        assert len(batches) <= course.n_batches(8)


# Learning


@pytest.mark.parametrize("n_layers", [None, 3])
def test_a_separable_problem_is_learnt(tmp_path: Path, n_layers):
    frames, targets, classes = pool(tmp_path, 90, n_layers=n_layers)
    course = Course(0, np.arange(90) < 60)
    [head] = train(frames, targets, [course], SETTINGS.model_copy(update={"epochs": 25}))
    probabilities = predict(frames, np.arange(60, 90), [head])[0]
    assert (probabilities.argmax(1) == classes[60:]).mean() > 0.95
    if head.mix is not None:
        assert int(head.mix.argmax()) == 2  # the only layer that knows anything


def test_nothing_is_learnt_from_shuffled_labels(tmp_path: Path):
    frames, targets, classes = pool(tmp_path, 150)
    shuffled = np.random.default_rng(0).permutation(targets)
    [head] = train(frames, shuffled, [Course(0, np.arange(150) < 60)], SETTINGS)
    assert (predict(frames, np.arange(60, 150), [head])[0].argmax(1) == classes[60:]).mean() < 0.6


def test_training_twice_gives_the_same_bits(tmp_path: Path):
    frames, targets, _ = pool(tmp_path, 60)
    one, two = (train(frames, targets, leaving_out_each_fifth(60), SETTINGS) for _ in range(2))
    assert_same_heads(one, two, rtol=0, atol=0)


# Prediction


@pytest.mark.parametrize("n_layers", [None, 3])
@pytest.mark.parametrize("budget", [1, 100, 10_000])
def test_predict_gives_the_probabilities_of_each_head(tmp_path: Path, n_layers, budget: int):
    frames, targets, _ = pool(tmp_path, 30, n_layers=n_layers)
    heads = train(frames, targets, leaving_out_each_fifth(30), SETTINGS)
    rows = np.array([4, 29, 0, 17, 4])
    predicted = predict(frames, rows, heads, budget=budget)
    assert predicted.shape == (10, 5, 3) and predicted.dtype == np.float64
    for head, ours in zip(heads, predicted, strict=True):
        theirs = head.probabilities([frames.fetch(np.array([i]))[0] for i in rows])
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(predicted.sum(-1), 1.0)


def test_predicting_nothing_has_the_shape_of_nothing(tmp_path: Path):
    frames, targets, _ = pool(tmp_path, 12)
    heads = train(frames, targets, leaving_out_each_fifth(12), SETTINGS)
    assert predict(frames, np.array([], np.int64), heads).shape == (10, 0, 3)


# Interruption


class Interrupted(Exception):
    """Raised in place of the end of an epoch."""


@pytest.mark.parametrize("after", [1, 2, 3])
def test_an_interrupted_training_continues_to_the_same_bits(tmp_path: Path, after: int):
    frames, targets, _ = pool(tmp_path, 60)
    courses = [*leaving_out_each_fifth(60), *selections(60)]
    settings = SETTINGS.model_copy(update={"epochs": 4})
    expected = train(frames, targets, courses, settings)
    checkpoint, reported = tmp_path / "courses.safetensors", []

    def stop(n: int) -> None:
        reported.append(n)
        if sum(reported) == after:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(frames, targets, courses, settings, checkpoint=checkpoint, on_epoch=stop)
    assert checkpoint.exists() and os.listdir(tmp_path) == sorted(os.listdir(tmp_path))
    progress: list[int] = []
    resumed = train(frames, targets, courses, settings, checkpoint=checkpoint, on_epoch=progress.append)
    assert progress == [after, *[1] * (4 - after)]
    assert_same_heads(resumed, expected, rtol=0, atol=0)


def test_a_checkpoint_on_a_full_disk_is_an_error_to_act_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    frames, targets, _ = pool(tmp_path, 12)

    def full(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError, match="no space left"):
        train(frames, targets, leaving_out_each_fifth(12), SETTINGS, checkpoint=tmp_path / "c.safetensors")
    assert not list(tmp_path.glob("*.safetensors*")) and not list(tmp_path.glob(".*"))


def test_heads_survive_a_file(tmp_path: Path):
    heads = [replace(Head.fresh(5, 4, 3, layers, seed), b2=torch.arange(3.0)) for seed, layers in ((0, None), (1, 2))]
    assert_same_heads(heads_from_tensors(heads_to_tensors(heads)), heads, rtol=0, atol=0)
