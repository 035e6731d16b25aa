"""Where trained heads are kept: found again by all that they depend on, whatever they were trained beside."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sottovoce.experiment.banks import HEADS, Banks, NotTrained
from sottovoce.experiment.place import Place
from sottovoce.learning import bank
from sottovoce.learning.bank import Course
from sottovoce.learning.outputs import CLASSES, MEASURES
from sottovoce.recipe import Training
from sottovoce.store.artefacts import Store
from tests.learning.pools import kept_frames

SETTINGS = Training(hidden=2, epochs=2, batch_size=3, precision="fp32")
LABELS = np.array([[0.75, 0.25], [0.25, 0.75]] * 3, np.float32)
MOST, FEW = np.arange(6) > 1, np.arange(6) < 4


class Trainer:
    """One store and pool; `trained` are the seeds of each pass that was needed."""

    def __init__(self, root, monkeypatch) -> None:
        self.store, self.trained = root / "store", []
        self.kept = kept_frames(root, [np.full((4, 3), i / 8) for i in range(6)])
        whole = bank.train

        def seen(frames, labels, courses, *args, **kwargs):
            self.trained.append([course.seed for course in courses])
            return whole(frames, labels, courses, *args, **kwargs)

        monkeypatch.setattr(bank, "train", seen)

    def heads(self, *courses, settings=SETTINGS, labels=LABELS, outputs=CLASSES, only_kept=False):
        banks, epochs = Banks(settings, Place(Store(self.store)), only_kept), []
        heads = banks.heads(self.kept, banks.frames(self.kept), labels, courses, epochs.append, outputs)
        assert sum(epochs) == settings.epochs
        return heads


@pytest.fixture
def trainer(tmp_path, monkeypatch) -> Trainer:
    return Trainer(tmp_path, monkeypatch)


def test_only_what_is_new_is_trained(trainer):
    first = trainer.heads(Course(0, MOST))
    both = trainer.heads(Course(1, MOST), Course(0, MOST))
    again = trainer.heads(Course(0, MOST), Course(1, FEW), Course(1, MOST))
    assert trainer.trained == [[0], [1], [1]]
    assert torch.equal(both[1].w1, first[0].w1) and torch.equal(again[0].w1, first[0].w1)
    assert torch.equal(again[2].w1, both[0].w1) and not torch.equal(again[1].w1, both[0].w1)


def test_alone_or_beside_others_it_is_the_same_head(trainer, tmp_path, monkeypatch):
    beside = trainer.heads(Course(0, MOST), Course(1, MOST), Course(0, FEW))
    alone = Trainer(tmp_path / "alone", monkeypatch).heads(Course(1, MOST))
    torch.testing.assert_close(alone[0].w1, beside[1].w1)


def test_courses_that_are_alike_are_trained_once(trainer):
    first, second = trainer.heads(Course(0, MOST), Course(0, MOST))
    assert trainer.trained == [[0]] and torch.equal(first.w2, second.w2)


@pytest.mark.parametrize(
    "other",
    [
        {"settings": SETTINGS.model_copy(update={"learning_rate": 0.01})},
        {"labels": 1 - LABELS},
        {"outputs": MEASURES},
    ],
)
def test_another_setting_is_another_head(trainer, other):
    trainer.heads(Course(0, MOST))
    trainer.heads(Course(0, MOST), **other)
    assert len(trainer.trained) == 2


def test_a_damaged_file_costs_what_is_in_it(trainer, caplog):
    kept = trainer.heads(Course(0, MOST))
    trainer.heads(Course(1, MOST), Course(2, MOST))
    (damaged,) = [f for f in trainer.store.rglob(HEADS) if len(bank.heads_from_tensors(load_file(f))) == 2]
    damaged.write_bytes(damaged.read_bytes()[:-8])
    found = trainer.heads(Course(0, MOST), Course(1, MOST))
    assert trainer.trained == [[0], [1, 2], [1]] and torch.equal(found[0].w1, kept[0].w1)
    assert "is damaged" in caplog.text


def test_nothing_is_trained_where_that_is_not_asked_for(trainer):
    trainer.heads(Course(0, MOST))
    assert len(trainer.heads(Course(0, MOST), only_kept=True)) == 1
    with pytest.raises(NotTrained):
        trainer.heads(Course(0, MOST), Course(1, MOST), only_kept=True)
