"""What the rounds of a selection did: how many utterances each kept, how that moved, and what an oracle gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sottovoce.judging import metrics
from sottovoce.judging import predictions as predicted


@dataclass(frozen=True)
class Move:
    """One round's choice beside the one before it. Counts are means over folds and seeds, shares are fractions.

    `new` is the share of this round's utterances that the round before had left out, `dropped` the share of that
    round's utterances that this one left out; both are None for the first round.
    """

    round: int
    n_kept: float
    share_kept: float
    new: float | None
    dropped: float | None


@dataclass(frozen=True)
class Selection:
    """All rounds of one condition. `pool` and `kept` count utterances by class, as means over folds and seeds.

    `kl` and `was_kept` hold, for each round, the finite divergences (nats; of measures the squared errors) of all folds
    and seeds and whether their utterances were kept, both `[n]`.
    """

    condition: str
    pool: dict[str, float]
    kept: dict[int, dict[str, float]]
    moves: list[Move]
    kl: dict[int, np.ndarray]
    was_kept: dict[int, np.ndarray]


def selections(table: pa.Table, emotion_of: Mapping[str, str]) -> list[Selection]:
    """Sum up `selection.parquet`, one `Selection` a condition in order of appearance.

    Args:
        table: condition, fold, seed, round, utterance, kl or error, kept; a row for every utterance to choose from.
        emotion_of: the labels of the utterances.
    """
    condition = table["condition"].to_numpy()
    return [
        _selection(name, table.filter(pa.array(condition == name)), emotion_of) for name in dict.fromkeys(condition)
    ]


def _selection(condition: str, table: pa.Table, emotion_of: Mapping[str, str]) -> Selection:
    names, utterance = np.unique(table["utterance"].to_numpy(), return_inverse=True)
    classes, emotion = np.unique([emotion_of.get(name, "label unknown") for name in names], return_inverse=True)
    emotion = emotion[utterance]
    training = _codes(table["fold"].to_numpy(), table["seed"].to_numpy())
    n_trainings = training.max() + 1
    number, kept = table["round"].to_numpy(), table["kept"].to_numpy(zero_copy_only=False).astype(bool)
    kl = table["kl" if "kl" in table.column_names else "error"].to_numpy().astype(float)
    choice = training * names.size + utterance  # one integer for each utterance of each training

    def per_class(rows: np.ndarray) -> dict[str, float]:
        counts = np.bincount(emotion[rows], minlength=classes.size) / n_trainings
        return dict(zip(classes.tolist(), counts.tolist(), strict=True))

    rounds = np.unique(number).tolist()
    moves: list[Move] = []
    before: np.ndarray | None = None
    for r in rounds:
        now = choice[(number == r) & kept]
        moves.append(
            Move(
                r,
                n_kept=now.size / n_trainings,
                share_kept=now.size / np.count_nonzero(number == r),
                new=None if before is None else _share_outside(now, before),
                dropped=None if before is None else _share_outside(before, now),
            )
        )
        before = now
    finite = {r: (number == r) & np.isfinite(kl) for r in rounds}
    drawn = {r: rows for r, rows in finite.items() if rows.any()}
    return Selection(
        condition,
        pool=per_class(number == rounds[0]),
        kept={r: per_class((number == r) & kept) for r in rounds},
        moves=moves,
        kl={r: kl[rows] for r, rows in drawn.items()},
        was_kept={r: kept[rows] for r, rows in drawn.items()},
    )


def _share_outside(chosen: np.ndarray, other: np.ndarray) -> float | None:
    return float(np.mean(~np.isin(chosen, other))) if chosen.size else None


def _codes(*columns: np.ndarray) -> np.ndarray:
    """One integer for each distinct row of the columns, counted from 0."""
    return np.unique(np.stack(columns), axis=1, return_inverse=True)[1].reshape(-1)


def oracle(predictions: pa.Table, condition: str, baseline: str) -> float | None:
    """Macro F1 (fraction) of the best round of each fold and seed, chosen with its labels (arXiv 2409.10985, Fig. 2).

    `baseline` stands for round 0. Being chosen on test data it is never a result. Nor is it a bound: best is by the
    fold's own F1, and the score is of all folds pooled, which need not be above that of every fixed round. None where
    the condition has no rounds.
    """
    name = predictions["condition"].to_numpy()
    if not predictions["round"].to_numpy()[name == condition].any():
        return None
    rows = predictions.filter(pa.array(np.isin(name, [condition, baseline])))
    classes = predicted.classes_of(rows)
    number, fold, seed = (_codes(rows[column].to_numpy()) for column in ("round", "fold", "seed"))
    label = np.array([classes.index(emotion) for emotion in rows["label"].to_pylist()])
    counts = np.zeros((number.max() + 1, fold.max() + 1, seed.max() + 1, len(classes), len(classes)))
    np.add.at(counts, (number, fold, seed, label, predicted.probabilities(rows).argmax(axis=1)), 1)
    best = metrics.scores(counts, "macro_f1").argmax(axis=0)
    chosen = np.take_along_axis(counts, best[None, :, :, None, None], axis=0)[0]
    return float(metrics.scores(chosen.sum(axis=0), "macro_f1").mean())
