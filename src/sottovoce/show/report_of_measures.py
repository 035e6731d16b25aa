"""The parts of the report that are about measures: concordance, truth against word, what was kept of each level."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from markupsafe import Markup

from sottovoce.judging import predictions as predicted
from sottovoce.judging import results as judged
from sottovoce.judging.choosing import last_round
from sottovoce.judging.results import BASELINE
from sottovoce.show import measure_plots, plots, rounds, score_figures, tables
from sottovoce.show.measure_plots import MOST_LEVELS
from sottovoce.show.run_files import RunFiles
from sottovoce.speech.utterance import MEASURES

ERROR = "squared error of the prediction on scales from 0 to 1, mean over the measures"
N_BINS = 5
"""Parts of a scale by which it is counted what was kept, where a measure has too many levels to count each."""

WORDS = {
    "scores": "CCC",
    "scores_note": "CCC: concordance of prediction and label (Lin, 1989); 1 is perfect, 0 no better than one answer "
    "for all. r: Pearson's correlation. Error: mean absolute error in the measure's own units.",
    "cut": "error",
    "speakers": "CCC; – where the speaker's labels do not vary",
    "score": "CCC",
    "differences": "Differences in CCC",
    "utterances": "Utterances, and the mean and range of each measure on its own scale.",
}


def parts(run: RunFiles) -> dict[str, Any]:
    """What the template shows of them."""
    results, details = run.results, run.details
    last = tables.last_rounds(results["conditions"], "name")
    undefined = sorted({s["speaker"] for s in judged.per_speaker(run.predictions) if s["ccc"] is None})
    return {
        "words": WORDS,
        "oracle": None,
        "conditions": tables.summary_table(results),
        "comparisons": tables.comparison_table(results, "ccc", new_speakers=not run.speaker_dependent),
        "further_comparisons": [],
        "figures": _figures(run, last),
        "undefined": undefined,
        "selections": [] if run.selection is None else _selections(run),
        "speakers": tables.speaker_table(run.predictions, "ccc"),
        "trust": False,
        "weights": None,
        "chosen": _chosen(details["chosen"], list(results["measures"])) if "chosen" in details else None,
        "manifests": _manifest_table(run),
    }


def _figures(run: RunFiles, last: Mapping[str, int]) -> dict[str, Markup]:
    """The figures that this run has material for, as SVG, by name."""
    drawn = {
        "paired": score_figures.paired(run, "ccc", plots.CCC),
        "rounds": score_figures.rounds(run, "ccc", plots.CCC),
        "agreement": _agreement(run, [name for name in (BASELINE, judged.main_condition(last)) if name in last]),
    }
    return {name: figure for name, figure in drawn.items() if figure}


def _agreement(run: RunFiles, conditions: list[str]) -> Markup:
    """What was said over what is true: a figure for each measure and condition."""
    drawn = []
    for condition in conditions:
        rows = last_round(run.predictions, condition)
        true, said = _over_seeds(rows)
        title = tables.full_name(condition, rows["round"][0].as_py())
        for i, (name, scale) in enumerate(run.results["measures"].items()):
            alt = f"{name} as {title} said it, over the label; CCC {_ccc(run, condition, name)}."
            identifier = f"agreement{len(drawn)}"
            drawn.append(measure_plots.agreement(identifier, alt, title, name, true[:, i], said[:, i], scale["target"]))
    return Markup("".join(drawn))


def _ccc(run: RunFiles, condition: str, measure: str) -> str:
    scored = max((c for c in run.results["conditions"] if c["name"] == condition), key=lambda c: c["round"])
    return tables.score(scored["by_measure"][measure]["ccc"], "ccc")


def _over_seeds(rows: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """The label of each utterance and the mean of what was said of it, both `[utterance, measure]`."""
    _, utterance = np.unique(rows["utterance"].to_numpy(), return_inverse=True)
    counts = np.bincount(utterance)[:, None]
    means = []
    for values in predicted.true_and_said(rows):
        total = np.zeros((len(counts), values.shape[1]))
        np.add.at(total, utterance, values)
        means.append(total / counts)
    return means[0], means[1]


def _selections(run: RunFiles) -> list[dict[str, Any]]:
    """Every condition that selects: how its choice moved, its errors, and what it kept of each level."""
    table = run.selection
    assert table is not None
    by_measure = {
        measure: rounds.selections(table, _levels(run, measure, scale["source"]))
        for measure, scale in run.results["measures"].items()
    }
    of_each = zip(*by_measure.values(), strict=True)  # the conditions come in the same order for each measure
    return [_one_selection(f"selection{i}", dict(zip(by_measure, each, strict=True))) for i, each in enumerate(of_each)]


def _one_selection(name: str, of_measures: Mapping[str, rounds.Selection]) -> dict[str, Any]:
    kept = [_kept(f"{name}-kept{i}", *each) for i, each in enumerate(of_measures.items())]
    selection = next(iter(of_measures.values()))  # but for the levels they are one and the same
    medians = ", ".join(f"{np.median(error):.3f} in round {r}" for r, error in selection.kl.items())
    alt = f"Histograms of the squared error; medians {medians}."
    drawn = plots.divergences(f"{name}-error", alt, selection.kl, selection.was_kept, ERROR)
    moves = tables.move_table(selection.moves)
    return {
        "condition": selection.condition,
        "moves": moves,
        "kept": Markup("").join(kept),
        "divergences": Markup(drawn),
    }


def _kept(name: str, measure: str, selection: rounds.Selection) -> Markup:
    pool = dict(sorted(selection.pool.items(), key=lambda item: float(item[0].partition(" ")[0])))
    counts = "; ".join(
        f"round {r}: " + ", ".join(f"{level} {kept[level]:.0f}" for level in pool) for r, kept in selection.kept.items()
    )
    alt = f"Utterances kept, by {measure}. {counts}."
    return Markup(plots.kept_per_class(name, alt, pool, selection.kept, measure))


def _levels(run: RunFiles, measure: str, ends: list[float]) -> dict[str, str]:
    """The level of each utterance that may be selected, or the part of the scale that it lies in."""
    values: dict[str, float] = {}
    for name in ("source", "translated"):
        if name in run.manifests:
            manifest = run.manifests[name]
            values |= zip(manifest["id"].to_pylist(), manifest[f"{MEASURES}{measure}"].to_pylist(), strict=True)
    levels = sorted(set(values.values()))
    if len(levels) <= MOST_LEVELS:
        return {utterance: f"{value:g}" for utterance, value in values.items()}
    edges = np.linspace(ends[0], ends[1], N_BINS + 1)
    bins = np.clip(np.searchsorted(edges, list(values.values()), side="right") - 1, 0, N_BINS - 1)
    names = [f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)]
    return {utterance: names[b] for utterance, b in zip(values, bins, strict=True)}


def _chosen(chosen: Mapping[str, Any], measures: list[str]) -> dict[str, Any]:
    """The model of the run: how it was chosen, and how far off it is for speakers that it had not heard."""
    by_fold = list(chosen["by_fold"].values())
    scores = chosen["scores"]
    rows = (
        []
        if scores is None
        else [
            [
                name,
                *(tables.score(scores["by_measure"][name][m], "ccc") for m in ("ccc", "pearson")),
                f"{scores['by_measure'][name]['mae']:.3g}",
            ]
            for name in measures
        ]
    )
    return {
        "name": tables.full_name(chosen["condition"], chosen["round"]),
        "among": len(chosen["candidates"]),
        "choice": (
            ["chosen by the other folds", "folds"],
            [[n, str(by_fold.count(n))] for n in dict.fromkeys(by_fold)],
        ),
        "scores": (["measure", "CCC", "r", "error"], rows),
    }


def _manifest_table(run: RunFiles) -> tables.Table:
    """Utterances, speakers, and the mean and range of each measure."""
    names = list(run.results["measures"])
    rows = []
    for manifest, table in run.manifests.items():
        cells = [manifest, str(table.num_rows), str(len(table["speaker"].unique()))]
        for name in names:
            values = np.array(table[f"{MEASURES}{name}"].to_pylist(), float)
            cells.append(f"{values.mean():.3g} ({values.min():g} to {values.max():g})" if len(values) else "–")
        rows.append(cells)
    return ["manifest", "utterances", "speakers", *names], rows
