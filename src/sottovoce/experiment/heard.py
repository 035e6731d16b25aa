"""What heads heard in several voices, as figures: scores with intervals over speakers, and what a voice lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from sottovoce.judging import certainty, metrics
from sottovoce.judging import predictions as prediction_table
from sottovoce.judging import results as judged
from sottovoce.judging.splits import speaker_of
from sottovoce.speech.manifest import Utterance

SOURCE = "source speech"
"""The voice that every translation is compared with: the natural recordings."""

Said = Mapping[tuple[str, str], NDArray[np.float64]]
"""Probabilities `[seed, utterance, K]`, by the voice that was tested and the voice that the heads were trained on."""


def summary(tested: Sequence[Utterance], emotions: Sequence[str], seeds: Sequence[int], said: Said) -> dict[str, Any]:
    """The figures of `survival.check`, which describes them.

    Args:
        tested: the utterances, by their natural recordings.
        emotions: the K classes.
        seeds: of training.
        said: what heads that never heard the speaker said of each utterance, in each voice.
    """
    names = {(voice, known): voice if known == SOURCE else f"{voice}, known" for voice, known in said}
    translators = [voice for voice, known in said if known == SOURCE != voice]
    pairs = [((voice, 0), (SOURCE, 0)) for voice in translators]
    verdict = judged.judge(_table(tested, emotions, seeds, {names[key]: said[key] for key in said}), SOURCE, pairs)
    scores = {c["name"]: {k: v for k, v in c.items() if k not in ("name", "round")} for c in verdict["conditions"]}
    n_tested = Counter(u.emotion for u in tested)
    chance = {"ua": 1 / len(n_tested), "wa": max(n_tested.values()) / len(tested)}
    count = _Counts(tested, emotions)
    heard = {key: probabilities.argmax(axis=-1) for key, probabilities in said.items()}
    voices = []
    for key, name in names.items():
        voice = {"name": key[0], "trained_on": key[1], **scores[name], **count.recalls(heard[key])}
        if key[1] == SOURCE != key[0]:
            voice["retention"] = _retention(scores[name]["ua"], scores[SOURCE]["ua"], chance["ua"])
            voice |= count.before_and_after(heard[SOURCE, SOURCE], heard[key])
        elif key[0] != SOURCE:
            voice["gain"] = count.gain(heard[key], heard[key[0], SOURCE])
        voices.append(voice)
    return {
        "emotions": list(emotions),
        "n_speakers": len({speaker_of(u) for u in tested}),
        "seeds": list(seeds),
        "n_tested": {emotion: n_tested[emotion] for emotion in emotions},
        "chance": chance,
        "voices": voices,
        "comparisons": verdict["comparisons"],
        "warnings": verdict["warnings"],
    }


def _table(
    tested: Sequence[Utterance], emotions: Sequence[str], seeds: Sequence[int], said: Mapping[str, NDArray[np.float64]]
) -> pa.Table:
    return pa.concat_tables(
        prediction_table.table(
            emotions,
            probabilities,
            condition=name,
            round=0,
            fold=0,
            seed=seed,
            utterances=[u.id for u in tested],
            speakers=[str(speaker_of(u)) for u in tested],
            labels=[u.emotion for u in tested],
        )
        for name, of_seeds in said.items()
        for seed, probabilities in zip(seeds, of_seeds, strict=True)
    )


def _retention(translated: float, real: float, chance: float) -> float | None:
    return _rounded((translated - chance) / (real - chance)) if real > chance else None


class _Counts:
    """Counts of classes meeting classes in the tested utterances, `[speaker, K, K]`, all seeds together."""

    def __init__(self, tested: Sequence[Utterance], emotions: Sequence[str]) -> None:
        names, self.speaker = np.unique([str(speaker_of(u)) for u in tested], return_inverse=True)
        self.label = np.array([list(emotions).index(u.emotion) for u in tested])
        self.emotions = list(emotions)
        self.shape = (len(names), len(emotions), len(emotions))

    def of(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
        """How often class `first` meets `second`, both `[seed, utterance]` with -1 for what does not count."""
        counts = np.zeros(self.shape, np.int64)
        seeds, rows = np.nonzero(first >= 0)
        np.add.at(counts, (self.speaker[rows], first[seeds, rows], second[seeds, rows]), 1)
        return counts

    def recalls(self, heard: NDArray[np.int64]) -> dict[str, Any]:
        """Recall by emotion, and the confusion matrix as shares of its rows."""
        counts = self.of(np.broadcast_to(self.label, heard.shape), heard)
        pooled = counts.sum(axis=0)
        shares = pooled / np.maximum(pooled.sum(axis=1, keepdims=True), 1)
        return {
            "recall": self.by_emotion(counts),
            "confusion": [[_rounded(share) for share in row] for row in shares],
        }

    def before_and_after(self, before: NDArray[np.int64], after: NDArray[np.int64]) -> dict[str, Any]:
        """Which labels that were heard in the recording are still heard, and how often both are heard alike."""
        right = self.of(np.where(before == self.label, before, -1), after)
        kappa = cohen_kappa_score(before.ravel(), after.ravel()) if len(np.unique([before, after])) > 1 else np.nan
        return {
            "still_heard": {"all": _share(right), **self.by_emotion(right)},
            "agreement": {**_share(self.of(before, after)), "kappa": _rounded(kappa)},
        }

    def gain(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> dict[str, Any]:
        """UA of what was heard in `a` minus that of `b`, paired by speaker."""
        first, second = (self.of(np.broadcast_to(self.label, heard.shape), heard)[:, None] for heard in (a, b))
        found = certainty.compare(first, second, "ua")
        ends = None if found.ci95 is None else [_rounded(end) for end in found.ci95]
        return {"delta": _rounded(found.delta), "ci95": ends}

    def by_emotion(self, counts: NDArray[np.int64]) -> dict[str, Any]:
        """The share on the diagonal of each row."""
        rows = np.eye(len(self.emotions), dtype=np.int64)[:, :, None]
        return {emotion: _share(counts * row) for emotion, row in zip(self.emotions, rows, strict=True)}


def _share(counts: NDArray[np.int64]) -> dict[str, Any]:
    """The share on the diagonals of `[speaker, K, K]`, with its interval over the speakers who count."""
    there = counts[counts.sum(axis=(1, 2)) > 0]
    if not len(there):
        return {"share": None, "ci95": None}
    ends = certainty.interval(there[:, None], "wa")
    share = metrics.scores(there.sum(axis=0), "wa")
    return {"share": _rounded(share), "ci95": None if ends is None else [_rounded(end) for end in ends]}


def _rounded(value: Any) -> float | None:
    return round(float(value), judged.DECIMALS) + 0.0 if np.isfinite(value) else None
