"""Figures of one score: speaker by speaker, and round after round. They are the same for emotions and measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from sottovoce.judging import results as judged
from sottovoce.judging.results import BASELINE, METRIC_WORDS
from sottovoce.show import plots, tables
from sottovoce.show.run_files import RunFiles

SELECTED = ("bootstrapped", "untranslated-selected")
"""The conditions that have rounds."""


def paired(run: RunFiles, metric: str, axis: plots.Axis) -> Markup | None:
    """Each speaker under the target alone and under the main condition; None where there is only one of them."""
    last = tables.last_rounds(run.results["conditions"], "name")
    main = judged.main_condition(last)
    if not {BASELINE, main} <= last.keys():
        return None
    scores = {(s["condition"], s["round"], s["speaker"]): s[metric] for s in judged.per_speaker(run.predictions)}
    pairs = {
        speaker: (score, scores[main, last[main], speaker])
        for (condition, _, speaker), score in scores.items()
        if condition == BASELINE and score is not None
    }
    if not pairs:
        return None
    gained = sum(after > before for before, after in pairs.values())
    name = _capital(METRIC_WORDS[metric])
    alt = f"{name} of each speaker under {BASELINE} and {main}: higher for {gained} of {len(pairs)} speakers."
    return Markup(plots.paired("paired", alt, BASELINE, tables.full_name(main, last[main]), pairs, axis))


def rounds(run: RunFiles, metric: str, axis: plots.Axis, oracle: float | None = None) -> Markup | None:
    """The score over the rounds of every condition that has rounds; all start from the baseline, their round 0."""
    by_name: dict[str, dict[int, Mapping[str, Any]]] = {}
    for condition in run.results["conditions"]:
        by_name.setdefault(condition["name"], {})[condition["round"]] = condition
    trajectories = []
    for name in SELECTED:
        if {name, BASELINE} <= by_name.keys():
            steps = dict(sorted((by_name[BASELINE] | by_name[name]).items()))
            ends = [c[f"{metric}_ci95"] or (c[metric], c[metric]) for c in steps.values()]
            low, high = zip(*ends, strict=True)
            trajectories.append(plots.Trajectory(name, list(steps), [c[metric] for c in steps.values()], low, high))
    if not trajectories:
        return None
    spoken = "; ".join(f"{t.condition} {', '.join(tables.score(s, metric) for s in t.scores)}" for t in trajectories)
    unit = " in points" if metric in tables.METRICS else ""
    alt = f"{_capital(METRIC_WORDS[metric])}{unit}, round after round: {spoken}"
    alt += "." if oracle is None else f"; oracle {tables.score(oracle, metric)}."
    return Markup(plots.rounds("rounds", alt, trajectories, oracle, axis))


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
