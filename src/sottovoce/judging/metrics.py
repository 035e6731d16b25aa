"""Scores of a classifier: UA, WA and macro F1, as fractions in [0, 1].

WA (weighted accuracy) is plain accuracy, UA (unweighted accuracy) the mean recall of the classes that occur, as the
field uses the words (B. Schuller et al., INTERSPEECH 2009 Emotion Challenge). Reported scores come from scikit-learn.
Resampling needs the same scores thousands of times, so they can also be had from arrays of confusion matrices.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, recall_score

from sottovoce.judging import predictions as table_of

METRICS = ("ua", "wa", "macro_f1")


def score(labels: Sequence[str], probabilities: NDArray[np.float64], classes: Sequence[str]) -> dict[str, float]:
    """UA, WA and macro F1 of the most probable class.

    Args:
        labels: the true emotion of each utterance.
        probabilities: `[utterance, emotion]`, columns in the order of `classes`.
        classes: the K emotions.

    Returns:
        Fractions in [0, 1]. UA is over the classes among `labels`, macro F1 over those that are true or predicted.

    Raises:
        ValueError: there are no utterances.
    """
    predicted = np.asarray(classes)[probabilities.argmax(axis=1)]
    return {
        "ua": float(recall_score(labels, predicted, labels=sorted(set(labels)), average="macro")),
        "wa": float(accuracy_score(labels, predicted)),
        "macro_f1": float(f1_score(labels, predicted, average="macro")),
    }


def confusions(predictions: pa.Table) -> tuple[list[str], list[int], NDArray[np.int64]]:
    """Confusion matrices of one condition and round, one a speaker and seed, folds pooled.

    Returns:
        The speakers (sorted), the seeds (sorted) and counts `[speaker, seed, K, K]`: rows are true, columns predicted.
    """
    classes = table_of.classes_of(predictions)
    speakers, speaker = np.unique(predictions["speaker"].to_numpy(), return_inverse=True)
    seeds, seed = np.unique(predictions["seed"].to_numpy(), return_inverse=True)
    true = np.array([classes.index(label) for label in predictions["label"].to_pylist()], dtype=np.int64)
    predicted = table_of.probabilities(predictions).argmax(axis=1)
    counts = np.zeros((len(speakers), len(seeds), len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (speaker, seed, true, predicted), 1)
    return speakers.tolist(), seeds.tolist(), counts


def scores(confusion: NDArray[np.number], metric: str) -> NDArray[np.float64]:
    """One score of `METRICS` from confusion matrices `[..., K, K]`, as `[...]`; an empty matrix scores 0."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    match metric:
        case "ua":
            return _ratio(_ratio(right, true).sum(axis=-1), (true > 0).sum(axis=-1))
        case "wa":
            return _ratio(right.sum(axis=-1), true.sum(axis=-1))
        case "macro_f1":
            return _ratio(_ratio(2 * right, true + predicted).sum(axis=-1), (true + predicted > 0).sum(axis=-1))
    raise ValueError(f"'{metric}' is none of {', '.join(METRICS)}")


def _ratio(above: NDArray[np.float64], below: NDArray[np.number]) -> NDArray[np.float64]:
    """`above / below`, and 0 where `below` is 0."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
