"""Selection of translated utterances (arXiv 2409.10985, sections II-C and II-D)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Criterion = Literal["kl", "argmax"]


@dataclass(frozen=True)
class Selected:
    """One model's verdict on all of `D_syn`: `kl` float, `correct` and `kept` bool, each `[utterance]`."""

    kl: NDArray[np.float64]
    correct: NDArray[np.bool_]
    kept: NDArray[np.bool_]


def kl_divergence(predicted: NDArray[np.floating], labels: NDArray[np.floating]) -> NDArray[np.float64]:
    """`KL(M(x) || y) = sum_k M_k log(M_k / y_k)` of each utterance: `[n, K]`, `[n, K]` -> `[n]`.

    A class the label excludes (`y_k = 0`) while the model does not gives infinity; smoothing avoids that.
    """
    predicted, labels = np.asarray(predicted, np.float64), np.asarray(labels, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = predicted * (np.log(predicted) - np.log(labels))
    return np.where(predicted > 0, terms, 0.0).sum(axis=-1)


def select(
    predicted: NDArray[np.floating], labels: NDArray[np.floating], criterion: Criterion, among: NDArray[np.bool_]
) -> Selected:
    """Apply eq. 2 (`argmax`) or eq. 3 (`kl`) to the whole of `D_syn`.

    Args:
        predicted: `M_i(x)`, `[n, K]`.
        labels: soft labels y, `[n, K]`.
        criterion: `argmax`: the predicted class is the label's. `kl`: that, and `KL(M(x) || y)` lies below its median.
        among: which utterances belong to `D_syn` in this fold, `[n]`; the median is taken over them alone.
    """
    divergence = kl_divergence(predicted, labels)
    correct = predicted.argmax(axis=1) == labels.argmax(axis=1)
    kept = correct & among
    if criterion == "kl" and among.any():
        kept &= divergence < np.median(divergence[among])
    return Selected(divergence, correct, kept)
