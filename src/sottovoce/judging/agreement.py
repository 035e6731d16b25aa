"""How well measures are predicted: concordance (CCC), Pearson's correlation and mean absolute error.

CCC is `2 cov / (var_true + var_said + (mean_true - mean_said)^2)` with moments over n (L. Lin, Biometrics 45, 1989): 1
only where every prediction is right, lower for a wrong level or range than Pearson's r. All three follow from sums that
add up over speakers and folds, so that resampling speakers needs no utterance again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sottovoce.judging import predictions as table_of
from sottovoce.judging.certainty import Score, interval_of, pooled

METRICS = ("ccc", "pearson", "mae")
BOUNDS = (-1.0, 1.0)
"""Of CCC and r."""

N_SUMS = 7
"""n; sums of true and said, of their squares, of their product, and of the absolute error."""

LEVEL = 1e-12
"""A variance below this share of the mean square is rounding: nothing varies."""


def sums(predictions: pa.Table) -> tuple[list[str], list[int], NDArray[np.float64]]:
    """Of one condition and round: the speakers (sorted), the seeds (sorted), sums `[speaker, seed, measure, 7]`."""
    speakers, speaker = np.unique(predictions["speaker"].to_numpy(), return_inverse=True)
    seeds, seed = np.unique(predictions["seed"].to_numpy(), return_inverse=True)
    true, said = table_of.true_and_said(predictions)
    each = np.stack([np.ones_like(true), true, said, true**2, said**2, true * said, np.abs(true - said)], axis=-1)
    whole = np.zeros((len(speakers), len(seeds), *each.shape[1:]))
    np.add.at(whole, (speaker, seed), each)
    return speakers.tolist(), seeds.tolist(), whole


def scores(whole: NDArray[np.floating], metric: str) -> NDArray[np.float64]:
    """One of `METRICS`, as a mean over measures: `[..., measure, 7]` -> `[...]`."""
    return of_each(whole, metric).mean(axis=-1)


def of_each(whole: NDArray[np.floating], metric: str) -> NDArray[np.float64]:
    """One of `METRICS` of each measure: `[..., 7]` -> `[...]`. Where nothing varies, CCC and r are 0."""
    n = np.maximum(whole[..., 0], 1)
    true, said, true_2, said_2, product, error = (whole[..., i] / n for i in range(1, N_SUMS))
    var_true, var_said = (_variance(square, mean) for square, mean in ((true_2, true), (said_2, said)))
    covariance = np.where((var_true > 0) & (var_said > 0), product - true * said, 0.0)
    match metric:
        case "ccc":
            return _ratio(2 * covariance, var_true + var_said + (true - said) ** 2)
        case "pearson":
            return _ratio(covariance, np.sqrt(var_true * var_said))
        case "mae":
            return error
    raise ValueError(f"'{metric}' is none of {', '.join(METRICS)}")


def score(predictions: pa.Table) -> dict[str, float]:
    """CCC of one condition, round and seed, averaged over the measures."""
    return {"ccc": float(scores(sums(predictions)[2].sum(axis=(0, 1)), "ccc"))}


def of_speakers(whole: NDArray[np.floating]) -> tuple[NDArray[np.int64], dict[str, list[float | None]]]:
    """How many utterances each speaker has, and each one's CCC, seeds averaged, from `[speaker, seed, measure, 7]`.

    It is None where a measure does not vary among the speaker's utterances: then there is nothing to agree with.
    """
    n = np.maximum(whole[..., 0], 1)
    varies = np.atleast_1d((_variance(whole[..., 3] / n, whole[..., 1] / n) > 0).all(axis=(1, 2)))
    own = scores(whole, "ccc").mean(axis=-1)
    counts = np.rint(whole[:, 0, 0, 0]).astype(np.int64)
    return counts, {"ccc": [float(ccc) if there else None for ccc, there in zip(own, varies, strict=True)]}


def by_measure(names: Sequence[str], whole: NDArray[np.floating]) -> dict[str, Any]:
    """Each measure's `ccc`, `ccc_ci95`, `pearson` and `mae` (in its own units), seeds averaged."""

    def ccc_of(position: int) -> Score:
        return lambda each: of_each(each, "ccc")[..., position]

    everyone = whole.sum(axis=0)
    return {
        name: {metric: float(of_each(everyone, metric)[:, position].mean()) for metric in METRICS}
        | {"ccc_ci95": interval_of(pooled(whole, ccc_of(position)), len(whole), BOUNDS)}
        for position, name in enumerate(names)
    }


def _variance(mean_of_squares: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    variance = mean_of_squares - mean**2
    return np.where(variance > LEVEL * mean_of_squares, variance, 0.0)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
