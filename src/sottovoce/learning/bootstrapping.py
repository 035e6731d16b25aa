"""Selection of translated utterances (arXiv 2409.10985, sections II-C and II-D)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Criterion = Literal["kl", "argmax"]
Divergence = Literal["forward", "reverse"]


@dataclass(frozen=True)
class Selected:
    """One model's verdict on all of `D_syn`: `kl` (in the direction asked for), `correct` and `kept`, `[utterance]`."""

    kl: NDArray[np.float64]
    correct: NDArray[np.bool_]
    kept: NDArray[np.bool_]


@dataclass(frozen=True)
class SelectedByError:
    """One model's verdict on all of `D_syn` where labels are measures: squared `error` and `kept`, `[utterance]`."""

    error: NDArray[np.float64]
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
    predicted: NDArray[np.floating],
    labels: NDArray[np.floating],
    criterion: Criterion,
    among: NDArray[np.bool_],
    *,
    keep: float = 0.5,
    divergence: Divergence = "forward",
) -> Selected:
    """Apply eq. 2 (`argmax`) or eq. 3 (`kl`) to the whole of `D_syn`.

    Args:
        predicted: `M_i(x)`, `[n, K]`.
        labels: soft labels y, `[n, K]`.
        criterion: `argmax`: the predicted class is the label's. `kl`: that, and the divergence lies below a quantile.
        among: which utterances belong to `D_syn` in this fold, `[n]`; the quantile is taken over them alone.
        keep: which quantile; eq. 3 has the median. 1 lets all pass.
        divergence: `forward`: `KL(M(x) || y)`, eq. 3. `reverse`: `KL(y || M(x))`, ours.
    """
    pair = (predicted, labels) if divergence == "forward" else (labels, predicted)
    kl = kl_divergence(*pair)
    correct = predicted.argmax(axis=1) == labels.argmax(axis=1)
    kept = correct & (_below_quantile(kl, among, keep) if criterion == "kl" else among)
    return Selected(kl, correct, kept)


def select_by_error(
    predicted: NDArray[np.floating], labels: NDArray[np.floating], among: NDArray[np.bool_], *, keep: float = 0.5
) -> SelectedByError:
    """Keep what lies near its label: the rule of eq. 3 for measures, where there is no divergence. Ours.

    Args:
        predicted: `M_i(x)`, `[n, M]`, from 0 to 1 as `labels` are.
        labels: the measures y, `[n, M]`.
        among: which utterances belong to `D_syn` in this fold, `[n]`; the quantile is taken over them alone.
        keep: which quantile of the squared error, averaged over the measures, it must lie below; 1 lets all pass.
    """
    error = np.square(np.asarray(predicted, np.float64) - labels).mean(axis=1)
    return SelectedByError(error, _below_quantile(error, among, keep))


def _below_quantile(figures: NDArray[np.float64], among: NDArray[np.bool_], keep: float) -> NDArray[np.bool_]:
    """Which of the utterances `among` lie below the quantile `keep` of them; 1 lets all pass."""
    if keep >= 1 or not among.any():
        return among
    finite = np.minimum(figures, np.finfo(np.float64).max)  # between two infinities there is no quantile
    return among & (finite < np.quantile(finite[among], keep))
