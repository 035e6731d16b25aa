"""Measures in place of emotions: who can be used, what is learned, what is said."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sottovoce.errors import ManifestError
from sottovoce.experiment.task import OfEmotions, OfMeasures, task_of
from sottovoce.learning.outputs import CLASSES, MEASURES
from sottovoce.recipe import Measure, Recipe, Selection
from sottovoce.speech.manifest import Manifest, Utterance

AROUSAL = Measure(target=(0, 2), source=(1, 7))
TASK = OfMeasures({"arousal": AROUSAL, "valence": Measure(target=(-1, 1), source=(0, 10))}, Selection())


def manifest(*figures: tuple[float, float]) -> Manifest:
    measured = [dict(zip(("arousal", "valence"), each, strict=False)) for each in figures]
    return Manifest(tuple(Utterance(str(i), "x.wav", "s", "other", measures=m) for i, m in enumerate(measured)))


def test_the_recipe_says_which():
    tree = {"name": "x", "target": {"manifest": "t.csv"}, "source": {"manifest": "s.csv"}}
    emotions = task_of(Recipe.model_validate(tree))
    assert isinstance(emotions, OfEmotions) and emotions.outputs == CLASSES
    measures = task_of(Recipe.model_validate(tree | {"measures": {"a": {"target": [0, 1], "source": [0, 1]}}}))
    assert isinstance(measures, OfMeasures) and measures.outputs == MEASURES and measures.names == ["a"]


def test_each_side_is_mapped_from_its_own_scale():
    assert TASK.labels(manifest((0, -1), (2, 0)).utterances, "target").tolist() == [[0, 0], [1, 0.5]]
    assert TASK.labels(manifest((1, 10), (4, 2.5)).utterances, "source").tolist() == [[0, 1], [0.5, 0.25]]


def test_predictions_are_in_the_units_of_the_target():
    tested = manifest((0, -1), (2, 0)).utterances
    where = {"condition": "target-only", "round": 0, "fold": 1, "seed": 0}
    table = TASK.table(np.array([[0.0, 0.25], [0.5, 1.0]]), tested, **where)
    assert table["true_arousal"].to_pylist() == [0, 2] and table["said_arousal"].to_pylist() == [0, 1]
    assert table["true_valence"].to_pylist() == [-1, 0] and table["said_valence"].to_pylist() == [-0.5, 1]


def test_utterances_without_every_measure_are_left_out_and_counted():
    found, notes = TASK.usable(Manifest((*manifest((0, -1), (2, 0)), Utterance("more", "x.wav", "s", "sad"))), "target")
    assert [u.id for u in found] == ["0", "1"]
    assert notes == ("1 of 3 utterances of the target lack arousal, valence, and were left out",)
    assert TASK.usable(found, "target")[1] == ()


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ([(0.0,), (1.0,)], "no utterance of the target has the measures arousal, valence .* there are: arousal"),
        ([(0, 0), (3, 5), (4, 0)], "2 utterances .* arousal: 3 to 4 in 2 .* outside 0 to 2(.|\n)*valence: 5 to 5 in 1"),
        ([(0, 1), (1, 1)], "same valence: there is nothing to learn"),
    ],
)
def test_a_side_that_cannot_be_learned_from_is_refused(figures, said):
    with pytest.raises(ManifestError, match=f"(?s){said}"):
        TASK.usable(manifest(*figures), "target")


def test_what_is_made_from_an_utterance_has_its_measures():
    origins = manifest((1, 3), (7, 4))
    made = Manifest((Utterance("1>it", "y.wav", "s", "other", translated_from="1", measures={"duration_ratio": 0.9}),))
    (found,) = TASK.inherited(made, origins)
    assert found.measures == {"duration_ratio": 0.9, "arousal": 7, "valence": 4}


def test_what_a_model_says_lies_on_the_scale():
    assert MEASURES.said(torch.tensor([-0.5, 0.25, 1.5])).tolist() == [0, 0.25, 1]
