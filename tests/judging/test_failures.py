"""Where predictions fail, against scikit-learn on the same rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, recall_score

from sottovoce.judging import failures
from sottovoce.judging import predictions as table_of
from tests.judging.fabricated import CLASSES, predicted

TABLE = predicted(skill=1.5, n_speakers=7, each=40)


def rows():
    true = np.array(TABLE["label"].to_pylist())
    return true, np.array(CLASSES)[table_of.probabilities(TABLE).argmax(1)], np.array(TABLE["speaker"].to_pylist())


def test_classes_are_those_of_scikit_learn_the_worst_first():
    true, said, _ = rows()
    found = failures.of(TABLE)
    recalls = dict(zip(CLASSES, recall_score(true, said, labels=CLASSES, average=None), strict=True))
    assert [each.recall for each in found.classes] == pytest.approx(sorted(recalls.values()), abs=1e-6)
    assert {each.name: each.recall for each in found.classes} == pytest.approx(recalls, abs=1e-6)
    shares = confusion_matrix(true, said, labels=CLASSES, normalize="true")
    for each in found.classes:
        row = shares[CLASSES.index(each.name)].copy()
        row[CLASSES.index(each.name)] = 0
        assert (each.taken_for, each.share) == (CLASSES[row.argmax()], pytest.approx(row.max(), abs=1e-6))
        assert each.n == (true == each.name).sum() / 3 and each.ci95 and each.ci95[0] < each.recall < each.ci95[1]
    assert [each.share for each in found.confusions] == sorted((c.share for c in found.classes), reverse=True)[:3]


def test_speakers_are_scored_alone_the_worst_first():
    true, said, speaker = rows()
    found = failures.of(TABLE)
    own = {
        name: balanced_accuracy_score(true[speaker == name], said[speaker == name]) for name in np.unique(speaker)
    }  # pooled over seeds: the same labels in each
    assert {each.name: each.ua for each in found.speakers} == pytest.approx(own, abs=1e-6)
    assert [each.name for each in found.speakers] == sorted(own, key=own.__getitem__)
    assert found.worst_speakers == found.speakers[:3] and found.median_ua == pytest.approx(
        np.median(list(own.values()))
    )


def test_speakers_without_names_are_numbered_in_the_order_of_their_names():
    named, numbered = failures.of(TABLE), failures.of(TABLE, named=False)
    number = {f"s{position}": f"number {position + 1} of 7" for position in range(7)}
    assert [number[each.name] for each in named.speakers] == [each.name for each in numbered.speakers]
    assert [each.ua for each in named.speakers] == [each.ua for each in numbered.speakers]


def test_nothing_wrong_and_one_speaker():
    found = failures.of(predicted(skill=99.0, n_speakers=1))
    assert found.confusions == [] and found.worst_speakers == [] and {c.taken_for for c in found.classes} == {None}
