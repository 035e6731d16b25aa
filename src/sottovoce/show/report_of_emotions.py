"""The parts of the report that are about emotions: scores, confusions, what was kept of each class."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from markupsafe import Markup

from sottovoce.judging import results as judged
from sottovoce.show import plots, rounds, score_figures, tables, trust
from sottovoce.show.run_files import RunFiles

BASELINE, MAIN = judged.BASELINE, "bootstrapped"

WORDS = {
    "scores": "Scores in points (hundredths)",
    "scores_note": "UA: mean recall of the classes. WA: share of utterances that are right.",
    "cut": "kl",
    "speakers": "Macro F1 in points",
    "score": "Macro F1",
    "differences": "Differences in points",
    "utterances": "Utterances by class.",
}


def parts(run: RunFiles) -> dict[str, Any]:
    """What the template shows of them."""
    results, details, oracle = run.results, run.details, rounds.oracle(run.predictions, MAIN, BASELINE)
    compared = partial(tables.comparison_table, results, new_speakers=not run.speaker_dependent)
    return {
        "words": WORDS,
        "oracle": oracle,
        "conditions": tables.summary_table(results),
        "comparisons": compared("macro_f1"),
        "further_comparisons": [compared("ua"), compared("wa")],
        "figures": _figures(run, oracle),
        "selections": [] if run.selection is None else _selections(run.selection, run.manifests),
        "speakers": tables.speaker_table(run.predictions, "macro_f1"),
        "weights": tables.weight_table(details["weights"]) if details.get("weights") else None,
        "trust": "chosen" in details
        and trust.contents(run.predictions, details["chosen"], new_speakers=not run.speaker_dependent),
        "undefined": [],
        "chosen": None,
        "manifests": tables.manifest_table(run.manifests),
    }


def _figures(run: RunFiles, oracle: float | None) -> dict[str, Markup]:
    """The figures that this run has material for, as SVG, by name."""
    drawn = {
        "paired": score_figures.paired(run, "macro_f1", plots.MACRO_F1),
        "rounds": score_figures.rounds(run, "macro_f1", plots.MACRO_F1, oracle),
        "confusions": _confusions(run.predictions, tables.last_rounds(run.results["conditions"], "name")),
    }
    return {name: figure for name, figure in drawn.items() if figure}


def _confusions(predictions: pa.Table, last: Mapping[str, int]) -> Markup:
    wanted = [(name, last[name]) for name in (BASELINE, "all-synthetic", MAIN) if name in last]
    matrices = {(c["condition"], c["round"]): c for c in judged.confusions(predictions)}
    drawn = []
    for number, key in enumerate(wanted):
        title, classes, matrix = tables.full_name(*key), matrices[key]["classes"], matrices[key]["matrix"]
        right = ", ".join(f"{emotion} {100 * matrix[i][i]:.0f} %" for i, emotion in enumerate(classes))
        alt = f"Confusion matrix of {title}; recognised rightly: {right}."
        drawn.append(plots.confusion(f"confusion{number}", alt, title, classes, matrix))
    return Markup("".join(drawn))


def _selections(table: pa.Table, manifests: Mapping[str, pa.Table]) -> list[dict[str, Any]]:
    emotion_of: dict[str, str] = {}
    for manifest in manifests.values():
        emotion_of |= zip(manifest["id"].to_pylist(), manifest["emotion"].to_pylist(), strict=True)
    return [
        _one_selection(f"selection{number}", selection)
        for number, selection in enumerate(rounds.selections(table, emotion_of))
    ]


def _one_selection(name: str, selection: rounds.Selection) -> dict[str, Any]:
    counts = "; ".join(
        f"round {r}: " + ", ".join(f"{emotion} {n:.0f}" for emotion, n in kept.items())
        for r, kept in selection.kept.items()
    )
    alt = f"Utterances kept per class. {counts}."
    drawn = {"kept": Markup(plots.kept_per_class(f"{name}-kept", alt, selection.pool, selection.kept))}
    if selection.kl:
        medians = ", ".join(f"{np.median(kl):.2f} in round {r}" for r, kl in selection.kl.items())
        alt = f"Histograms of the divergence; medians {medians}."
        drawn["divergences"] = Markup(plots.divergences(f"{name}-kl", alt, selection.kl, selection.was_kept))
    return {"condition": selection.condition, "moves": tables.move_table(selection.moves), **drawn}
