"""The tables of the report and of the terminal: numbers in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from sottovoce.judging import results as judged
from sottovoce.show.rounds import Move

Table = tuple[list[str], list[list[str]]]
"""Names of the columns, and the cells of each row."""

METRICS = {"macro_f1": "macro F1", "ua": "UA", "wa": "WA"}


def summary_table(results: Mapping[str, Any]) -> Table:
    """The scores of every condition with their 95 % intervals, ready to print: in points, of measures as they are.

    `results` is the content of `results.json`. The rounds of one condition stand together. "added" counts the
    utterances beside the target's own in training, as a mean over folds and seeds.
    """
    scored = _scores_of_measures if "measures" in results else _scores_of_emotions
    names = list(dict.fromkeys(condition["name"] for condition in results["conditions"]))
    ordered = sorted(results["conditions"], key=lambda c: (names.index(c["name"]), c["round"]))
    rows = [
        [
            condition["name"],
            str(condition["round"]) if condition["round"] else "",
            *scored(condition).values(),
            "" if condition.get("n_selected") is None else f"{condition['n_selected']:.0f}",
        ]
        for condition in ordered
    ]
    return ["condition", "round", *scored(ordered[0]), "added"], rows


def _scores_of_emotions(condition: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: f"{points(condition[metric])} {interval(condition[f'{metric}_ci95'])}" for metric, name in METRICS.items()
    }


def _scores_of_measures(condition: Mapping[str, Any]) -> dict[str, str]:
    """CCC (of several measures their mean, then each one's), and of each measure the error in its own units."""
    of = condition["by_measure"]
    one = len(of) == 1  # its name stands above the table, and would only push columns out of it
    named = {name: "" if one else f" {name}" for name in of}

    def ccc(scores: Mapping[str, Any]) -> str:
        return f"{score(scores['ccc'], 'ccc')} {between(scores['ccc_ci95'], 'ccc')}"

    cells = {} if one else {"CCC, mean": ccc(condition)}
    cells |= {f"CCC{named[name]}": ccc(scores) for name, scores in of.items()}
    cells |= {f"r{named[name]}": score(scores["pearson"], "ccc") for name, scores in of.items()}
    return cells | {f"error{named[name]}": f"{scores['mae']:.3g}" for name, scores in of.items()}


def score(value: float | None, metric: str) -> str:
    """A score as it is read: in points, CCC as it is; a dash where there is none."""
    if metric in METRICS:
        return points(value)
    return "–" if value is None or not np.isfinite(value) else f"{value:.3f}".replace("-", "−")


def between(ends: Sequence[float] | None, metric: str) -> str:
    """The ends of a score's interval, in brackets."""
    return "(no interval)" if ends is None else f"({score(ends[0], metric)} to {score(ends[1], metric)})"


def points(fraction: float | None) -> str:
    """A score as points with one decimal; a dash where there is none."""
    return "–" if fraction is None or not np.isfinite(fraction) else f"{100 * fraction:.1f}"


def interval(ends: Sequence[float] | None) -> str:
    """The ends of an interval in points, in brackets."""
    return "(no interval)" if ends is None else f"({points(ends[0])} to {points(ends[1])})"


def full_name(name: str, number: int) -> str:
    """A condition with its round, where it has rounds."""
    return f"{name} (round {number})" if number else name


def comparison_table(results: Mapping[str, Any], metric: str, *, new_speakers: bool = True) -> Table:
    """Differences, the first condition minus the second, with what they are evidence of in words.

    `new_speakers` says whether those tested were never heard in training, so that there can be evidence about others.
    """
    unit = "points (95 % interval)" if metric in METRICS else "95 % interval in brackets"
    columns = [f"difference in {judged.METRIC_WORDS[metric]}", unit, "p", "p, Holm", "in words"]
    rows = []
    for c in (c for c in results.get("comparisons", []) if c["metric"] == metric):
        a, b = full_name(c["a"], c["a_round"]), full_name(c["b"], c["b_round"])
        rows.append([f"{a} − {b}", change(c), p_value(c["p"]), p_value(c["p_holm"])])
        rows[-1].append(verdict(c) if new_speakers else "speakers heard in training: no evidence about new ones")
    return columns, rows


def change(comparison: Mapping[str, Any]) -> str:
    """A difference with its interval, in points or as CCC, from a comparison of `results.json`."""
    metric = comparison.get("metric", "macro_f1")
    figures = [comparison["delta"], *(comparison["ci95"] or ())]
    delta, *ends = (judged.change(figure, metric).replace("-", "−") for figure in figures)
    return f"{delta} ({' to '.join(ends) or 'no interval'})"


def signed(fraction: float) -> str:
    """A difference in points, with its sign."""
    return f"{100 * fraction:+.1f}".replace("-0.0", "+0.0").replace("-", "−")


def p_value(p: float) -> str:
    """A p-value with three decimals."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def verdict(comparison: Mapping[str, Any]) -> str:
    """What one paired comparison of `results.json` is evidence of, in words."""
    if comparison["ci95"] is None:
        return "one speaker: no evidence either way"
    low, high = comparison["ci95"]
    if low <= 0 <= high:
        return "no evidence of a difference"
    outcome = "a gain" if low > 0 else "a loss"
    significant = comparison["p_holm"] < judged.SIGNIFICANT
    return outcome if significant else f"{outcome} by the interval, not by the permutation test"


def last_rounds(records: Iterable[Mapping[str, Any]], key: str) -> dict[str, int]:
    """The last round of every condition, in order of appearance."""
    last: dict[str, int] = {}
    for record in records:
        last[record[key]] = max(record["round"], last.get(record[key], 0))
    return last


def speaker_table(predictions: pa.Table, metric: str) -> Table:
    """The score of every speaker under the last round of every condition."""
    records = judged.per_speaker(predictions)
    last = last_rounds(records, "condition")
    cells = {(r["speaker"], r["condition"]): r for r in records if r["round"] == last[r["condition"]]}
    columns = ["speaker", "utterances", *(full_name(*condition) for condition in last.items())]
    rows = []
    for speaker in sorted({speaker for speaker, _ in cells}):
        here = [cells.get((speaker, condition)) for condition in last]
        n = next(r["n"] for r in here if r)
        rows.append([speaker, str(n), *(score(r[metric] if r else None, metric) for r in here)])
    return columns, rows


def move_table(moves: Iterable[Move]) -> Table:
    """How many utterances each round of a selection kept, and how that moved."""
    columns = ["round", "kept", "of all", "new among these", "of the round before, dropped"]
    rows = [
        [str(m.round), f"{m.n_kept:.0f}", *(_share(share) for share in (m.share_kept, m.new, m.dropped))] for m in moves
    ]
    return columns, rows


def weight_table(weights: Sequence[Mapping[str, Any]]) -> Table:
    """What each condition and round counts in `adaptive`; `weights` are those of `details.json`."""
    by_name: dict[str, list[float]] = {}
    model: dict[str, float] = {}
    for row in weights:
        name = full_name(row["condition"], row["round"])
        if row["fold"] is None:
            model[name] = row["weight"]
        else:
            by_name.setdefault(name, []).append(row["weight"])
    columns = ["condition", "mean over folds", "least", "most", "in the model"]
    rows = [
        [name, *(_share(share) for share in (sum(of) / len(of), min(of), max(of), model[name]))]
        for name, of in by_name.items()
    ]
    return columns, rows


def _share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def manifest_table(manifests: Mapping[str, pa.Table]) -> Table:
    """Utterances, speakers and classes of the run's manifests."""
    emotions = {name: manifest["emotion"].to_pylist() for name, manifest in manifests.items()}
    classes = sorted({emotion for column in emotions.values() for emotion in column})
    rows = [
        [
            name,
            str(manifest.num_rows),
            str(len(manifest["speaker"].unique())),
            *(str(emotions[name].count(emotion)) for emotion in classes),
        ]
        for name, manifest in manifests.items()
    ]
    return ["manifest", "utterances", "speakers", *classes], rows


def fold_table(proof: Mapping[str, Any]) -> Table:
    """Who was tested in each fold, and what its two sides share."""
    columns = [
        "fold",
        "speakers tested",
        "utterances",
        "trained on",
        "speakers on both sides",
        "sentences on both sides",
    ]
    rows = [
        [
            str(fold["number"]),
            ", ".join(fold["test_speakers"]),
            str(sum(fold["test_counts"].values())),
            str(sum(fold["train_counts"].values())),
            ", ".join(fold["shared_speakers"]) or "none",
            str(len(fold["shared_text_ids"])),
        ]
        for fold in proof.get("folds", [])
    ]
    return columns, rows


def check_tables(details: Mapping[str, Any]) -> dict[str, list[tuple[str, Table]]]:
    """The tables of the data checks with their titles, by the part that was checked."""
    return {
        part: [
            (table["title"], (list(table["columns"]), [[cell(content) for content in row] for row in table["rows"]]))
            for table in check.get("tables", [])
        ]
        for part, check in details.get("checks", {}).items()
    }


def refused_table(details: Mapping[str, Any]) -> Table:
    """Every utterance that some stage could not use, the checks included, and why."""
    return records_table(details.get("refused", []))


def records_table(records: Sequence[Mapping[str, Any]]) -> Table:
    """Records that share their fields, as a table; figures with two decimals."""
    fields = list(dict.fromkeys(name for record in records for name in record))
    rows = [[cell(record.get(name)) for name in fields] for record in records]
    return [name.replace("_", " ") for name in fields], rows


def cell(content: Any) -> str:
    if content is None:
        return "–"
    return f"{content:.2f}" if isinstance(content, float) else str(content)
