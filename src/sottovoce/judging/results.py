"""From predictions to the figures of `results.json`, and the one sentence that they come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from sottovoce.errors import StoreError
from sottovoce.judging import certainty, metrics
from sottovoce.judging import predictions as table_of
from sottovoce.judging.scoring import Scoring, Sums, scoring_of

Named = tuple[str, int]
"""A condition and its round."""

BASELINE = "target-only"
DECIMALS = 6
P_DECIMALS = 12
"""Of p: every k / 2^12 is whole, so that Holm's correction over several runs begins from what is written."""
SIGNIFICANT = 0.05
METRIC_WORDS = {"ua": "UA", "wa": "WA", "macro_f1": "macro F1", "ccc": "CCC"}
_CONDITION_WORDS = {
    "all-synthetic": "training on all translated speech",
    "bootstrapped": "bootstrapping",
    "untranslated": "training on all untranslated source speech",
    "untranslated-selected": "bootstrapping on untranslated source speech",
    "noise": "adding noisy copies",
    "copypaste": "adding pasted copies",
    "adaptive": "pooling all conditions by weights learnt in training",
}
_TEST = ("fold", "seed", "utterance", "speaker")
_RIVALS = (("bootstrapped", "all-synthetic"), ("bootstrapped", "untranslated-selected"))


def judge(
    predictions: pa.Table, baseline: str = BASELINE, pairs: Sequence[tuple[Named, Named]] | None = None
) -> dict[str, Any]:
    """Scores with intervals of every condition, and paired comparisons, in plain types for JSON.

    A score is taken per seed over the pooled test parts of all folds, then averaged over seeds.

    Args:
        predictions: as `predictions.read` gives them.
        baseline: the condition that the others are compared with.
        pairs: which conditions to compare; by default the last round of each with the baseline, and `bootstrapped` with
            `all-synthetic` and `untranslated-selected`. Holm's correction is over the pairs, within each metric.

    Returns:
        `conditions`, `comparisons` and `warnings` of `results.json`.

    Raises:
        StoreError: the conditions were not tested on the same utterances with the same seeds, or a pair is not there.
    """
    parts = _parts(predictions)
    _require_same_tests(parts)
    scoring = scoring_of(predictions)
    sums = {name: scoring.sums(part)[2] for name, part in parts.items()}
    pairs = _default_pairs(list(parts), baseline) if pairs is None else pairs
    if missing := sorted({name for pair in pairs for name in pair} - set(parts)):
        raise StoreError(
            f"no predictions of {', '.join(map(_label, missing))}; there are {', '.join(map(_label, parts))}"
        )
    n_speakers = len(next(iter(sums.values())))
    return {
        "conditions": [_condition(name, part, sums[name], scoring) for name, part in parts.items()],
        "comparisons": [row for metric in scoring.metrics for row in _comparisons(sums, pairs, metric, scoring)],
        "warnings": limits(n_speakers, len(pairs)),
    }


def per_speaker(predictions: pa.Table) -> list[dict[str, Any]]:
    """Each speaker's own scores in each condition and round, averaged over seeds; `n` utterances were tested.

    A score that is undefined for a speaker is None: see `agreement.of_speakers`.
    """
    rows, scoring = [], scoring_of(predictions)
    for (condition, round_), part in _parts(predictions).items():
        speakers, _, sums = scoring.sums(part)
        counts, values = scoring.of_speakers(sums)
        for position, speaker in enumerate(speakers):
            figures = {metric: _rounded(value[position]) for metric, value in values.items()}
            where = {"condition": condition, "round": round_, "speaker": speaker, "n": int(counts[position])}
            rows.append(where | figures)
    return rows


def confusions(predictions: pa.Table) -> list[dict[str, Any]]:
    """Each condition's confusion matrix over all folds and seeds: rows are true, shares of a row sum to 1."""
    matrices = []
    for (condition, round_), part in _parts(predictions).items():
        pooled = metrics.confusions(part)[2].sum(axis=(0, 1))
        shares = pooled / np.maximum(pooled.sum(axis=1, keepdims=True), 1)
        matrix = [[_round(share) for share in row] for row in shares]
        classes = table_of.classes_of(part)
        matrices.append({"condition": condition, "round": round_, "classes": classes, "matrix": matrix})
    return matrices


def recalls(predictions: pa.Table) -> list[dict[str, Any]]:
    """Recall of each class that was tested, in each condition and round, with intervals over the speakers who have it.

    Each is `{"recall", "ci95", "n"}` by class, seeds averaged; `n` utterances were tested.
    """
    return [
        {"condition": condition, "round": round_, "recalls": _recalls(part)}
        for (condition, round_), part in _parts(predictions).items()
    ]


def _recalls(part: pa.Table) -> dict[str, Any]:
    _, seeds, counts = metrics.confusions(part)
    found = {}
    for position, name in enumerate(table_of.classes_of(part)):
        of_class = counts * (np.arange(counts.shape[-1]) == position)[:, None]
        of_class = of_class[of_class.any(axis=(1, 2, 3))]
        if len(of_class):  # among utterances of one class, the share that is right is its recall
            found[name] = {
                "recall": _round(metrics.scores(of_class.sum(axis=0), "wa").mean()),
                "ci95": _rounded(certainty.interval(of_class, "wa")),
                "n": int(of_class.sum()) // len(seeds),
            }
    return found


def headline(results: Mapping[str, Any], *, speaker_dependent: bool = False) -> str:
    """What the main condition's first comparison says by the main metric: one sentence, no more than figures allow.

    Args:
        results: what `judge` returned, or `results.json`.
        speaker_dependent: whether the folds share speakers between training and test.
    """
    a, metric = main_condition(row["a"] for row in results["comparisons"]), main_metric(results)
    found = [row for row in results["comparisons"] if row["a"] == a and row["metric"] == metric]
    if not found:
        return f"'{a}' was not compared with anything, so there is nothing to conclude."
    row = found[0]
    what = f"{_CONDITION_WORDS.get(a, a)} changed {METRIC_WORDS[metric]} by {change(row['delta'], metric)}"
    what += " points" if metric in metrics.METRICS else ""
    n = row["n_speakers"]
    speakers = f"{n} speaker{'s' if n > 1 else ''}"
    if row["ci95"] is None:
        verdict = "no interval can be given for one speaker: no evidence either way."
        return f"On {speakers} {what}; {verdict}"
    low, high = row["ci95"]
    rival = "" if row["b"] == BASELINE else f" against {_CONDITION_WORDS.get(row['b'], row['b'])}"
    what += f"{rival} (95 % interval {change(low, metric)} to {change(high, metric)})"
    if speaker_dependent:
        return (
            f"On {speakers}, {what}: speakers are shared between training and test, "
            "so this is not evidence about new speakers."
        )
    return f"On {speakers} never heard in training, {what}: {_verdict(low, high, row['p_holm'])}."


def main_condition(names: Iterable[str]) -> str:
    """The condition that a run is about, of those it has: bootstrapping where there is any."""
    there = [name for name in names if name != BASELINE]
    of_rounds = [name for name in ("bootstrapped", "untranslated-selected") if name in there]
    return [*of_rounds, *there, "bootstrapped"][0]


def main_metric(results: Mapping[str, Any]) -> str:
    """The metric that results are read by: macro F1, or CCC where measures were judged."""
    return "ccc" if any(row["metric"] == "ccc" for row in results["comparisons"]) else "macro_f1"


def change(delta: float, metric: str) -> str:
    """A difference with its sign: in points, of CCC as it is."""
    shown = f"{100 * delta:+.1f}" if metric in metrics.METRICS else f"{delta:+.3f}"
    return shown if shown.strip("+-0.") else shown.replace("-", "+")


def _verdict(low: float, high: float, p_holm: float) -> str:
    if low <= 0 <= high:
        return "no evidence of a gain"
    outcome = "a gain" if low > 0 else "a loss"
    if p_holm < SIGNIFICANT:
        return outcome
    return f"{outcome} by the interval, but not significant in the permutation test (p = {p_holm:.2g} after Holm)"


def _parts(predictions: pa.Table) -> dict[Named, pa.Table]:
    """The rows of each condition and round, in order of first appearance."""
    return _grouped(predictions, "condition", "round")


def _grouped(predictions: pa.Table, *columns: str) -> dict[tuple[Any, ...], pa.Table]:
    rows: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(zip(*(predictions[column].to_pylist() for column in columns), strict=True)):
        rows.setdefault(key, []).append(row)
    whole = predictions.combine_chunks()  # taking rows from many chunks is slow
    return {key: whole.take(chosen) for key, chosen in rows.items()}


def _require_same_tests(parts: Mapping[Named, pa.Table]) -> None:
    names = next(iter(parts.values())).column_names
    columns = [*_TEST, *(name for name in names if name == "label" or name.startswith(table_of.TRUE))]
    tests = {
        name: sorted(zip(*(part[column].to_pylist() for column in columns), strict=True))
        for name, part in parts.items()
    }
    first = next(iter(tests))
    odd = [name for name in tests if tests[name] != tests[first]]
    if odd:
        raise StoreError(
            f"{', '.join(map(_label, odd))} and {_label(first)} were not tested on the same utterances with the same "
            "folds and seeds, so they cannot be compared; run the recipe again to complete the predictions"
        )


def _default_pairs(names: Sequence[Named], baseline: str) -> list[tuple[Named, Named]]:
    last = {condition: (condition, max(r for c, r in names if c == condition)) for condition, _ in names}
    wanted = [(condition, baseline) for condition in last if condition != baseline] + list(_RIVALS)
    return [(last[a], last[b]) for a, b in dict.fromkeys(wanted) if a in last and b in last]


def _condition(name: Named, part: pa.Table, sums: Sums, scoring: Scoring) -> dict[str, Any]:
    per_seed = {seed: scoring.score(rows) for (seed,), rows in sorted(_grouped(part, "seed").items())}
    scored: dict[str, Any] = {}
    for metric in scoring.metrics:
        scored[metric] = float(np.mean([scores[metric] for scores in per_seed.values()]))
    for metric in scoring.metrics:
        pooled = certainty.pooled(sums, _score(scoring, metric))
        scored[f"{metric}_ci95"] = certainty.interval_of(pooled, len(sums), scoring.bounds)
    return {
        "name": name[0],
        "round": name[1],
        **_rounded(scored | scoring.further(part, sums)),
        "interval_method": certainty.interval_method(len(sums)),
        "per_seed": [{"seed": seed, **_rounded(scores)} for seed, scores in per_seed.items()],
    }


def _score(scoring: Scoring, metric: str) -> certainty.Score:
    return lambda sums: scoring.scores(sums, metric)


def _comparisons(
    sums: Mapping[Named, Sums], pairs: Sequence[tuple[Named, Named]], metric: str, scoring: Scoring
) -> list[dict[str, Any]]:
    score = _score(scoring, metric)
    found = [certainty.compare_by(score, sums[a], sums[b], scoring.bounds) for a, b in pairs]
    adjusted = certainty.holm([comparison.p for comparison in found])
    return [
        {
            "a": a[0],
            "a_round": a[1],
            "b": b[0],
            "b_round": b[1],
            "metric": metric,
            "delta": _round(comparison.delta),
            "ci95": _rounded(comparison.ci95),
            "p": round(comparison.p, P_DECIMALS),
            "p_holm": round(p_holm, P_DECIMALS),
            "n_speakers": comparison.n_speakers,
        }
        for (a, b), comparison, p_holm in zip(pairs, found, adjusted, strict=True)
    ]


def limits(n_speakers: int, n_pairs: int, beside: Sequence[int] = ()) -> list[str]:
    """What the number of speakers does not allow to be said of `n_pairs` comparisons after Holm's correction.

    `beside` are the numbers of speakers of others that are corrected with them: with more speakers p may be smaller,
    and Holm's correction goes from the least p upwards, so that these are then multiplied by less.
    """
    if n_speakers == 1:
        return ["There is one test speaker: no interval can be given, and nothing is known about other speakers."]
    least = certainty.smallest_p(n_speakers)
    family = [least] * n_pairs + [certainty.smallest_p(n) for n in beside]
    # adjusted p never falls where another p rises: this is the least that there can be
    if not n_pairs or (corrected := certainty.holm(family)[0]) <= SIGNIFICANT:
        return []
    why = f"With {n_speakers} speakers the smallest possible two-sided p of the sign-flip test is {least:.2g}"
    if least > SIGNIFICANT:
        return [f"{why}: no comparison can reach significance at {SIGNIFICANT}, however large the difference."]
    return [
        f"{why}, and Holm's correction over {len(family)} comparisons makes it {corrected:.2g} at least: none of "
        f"theirs can reach {SIGNIFICANT} after correction, however large the difference. Read the intervals."
    ]


def _round(value: float) -> float:
    return round(float(value), DECIMALS) + 0.0  # no negative zero


def _rounded(figures: Any) -> Any:
    """Every number of it rounded; a tuple becomes a list, as JSON has it."""
    if isinstance(figures, Mapping):
        return {name: _rounded(each) for name, each in figures.items()}
    if isinstance(figures, tuple):
        return [_round(each) for each in figures]
    return None if figures is None else _round(figures)


def _label(name: Named) -> str:
    return f"{name[0]} (round {name[1]})"
