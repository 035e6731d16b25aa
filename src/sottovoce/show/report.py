"""The page that a person reads after a run: one self-contained HTML file made from the files of the run's folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from markupsafe import Markup

from sottovoce.errors import StoreError
from sottovoce.judging import predictions as predicted
from sottovoce.judging import results as judged
from sottovoce.show import plots, rounds, survival, tables, trust
from sottovoce.show.page import template
from sottovoce.speech.checks import Table
from sottovoce.speech.manifest import Manifest
from sottovoce.store.atomic import write_atomically

BASELINE, MAIN = judged.BASELINE, "bootstrapped"
_MANIFESTS = ("target", "source", "translated", "kept")
LONGEST_LIST = 100


@dataclass(frozen=True)
class _Run:
    """What the files of a run say. Optional files that are absent are None or empty."""

    results: dict[str, Any]
    predictions: pa.Table
    details: dict[str, Any]
    proof: dict[str, Any]
    recipe: str
    selection: pa.Table | None
    manifests: dict[str, pa.Table]
    folder: Path


def write_report(run: Path) -> Path:
    """Write `report.html` into the folder of a run, from the files there alone.

    The page holds its style and figures, runs no script, and has the same bytes for the same files.

    Raises:
        StoreError: the folder holds no finished run, a file of it cannot be read, or the page cannot be written.
    """
    page = template("report.html.j2").render(_contents(_read(run)))
    report = run / "report.html"
    write_atomically(report, lambda partial: partial.write_text(page, encoding="utf-8"))
    return report


def _read(run: Path) -> _Run:
    if not (run / "results.json").is_file():
        raise StoreError(f"{run} holds no results.json: finish the run first with 'sottovoce run', then report on it")
    manifests = {name: _part(run / "manifests" / f"{name}.parquet", pq.read_table) for name in _MANIFESTS}
    return _Run(
        results=_part(run / "results.json", _json),
        predictions=predicted.read(run / "predictions.parquet"),
        details=_part(run / "details.json", _json) or {},
        proof=(_part(run / "folds.json", _json) or {}).get("proof", {}),
        recipe=_part(run / "recipe.yaml", _text) or "",
        selection=_part(run / "selection.parquet", pq.read_table),
        manifests={name: manifest for name, manifest in manifests.items() if manifest is not None},
        folder=run,
    )


def _part(path: Path, read: Callable[[Path], Any]) -> Any:
    """What `read` makes of one file of the run, None where there is no such file."""
    if not path.is_file():
        return None
    try:
        return read(path)
    except (OSError, ValueError, pa.ArrowException) as problem:
        raise StoreError(f"{path} cannot be read ({problem}); delete it and run the recipe again") from problem


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _json(path: Path) -> dict[str, Any]:
    return json.loads(_text(path))


def _contents(run: _Run) -> dict[str, Any]:
    results, details = run.results, run.details
    speaker_dependent = run.proof.get("speaker_disjoint") is False
    survived = _survival(run)
    warnings = [*results.get("warnings", []), *details.get("notes", [])]
    return {
        "title": f"Sottovoce on {results['target']}"
        + (f", helped by {results['source']}" if results["source"] else ""),
        "headline": judged.headline(results, speaker_dependent=speaker_dependent),
        "synthetic": details.get("synthetic", False),
        "speaker_dependent": speaker_dependent,
        "basics": _basics(results, details),
        "conditions": tables.summary_table(results),
        "interval_methods": sorted({c["interval_method"] for c in results["conditions"] if c["interval_method"]}),
        "comparisons": tables.comparison_table(results, "macro_f1"),
        "further_comparisons": [tables.comparison_table(results, metric) for metric in ("ua", "wa")],
        "figures": _figures(run),
        "selections": [] if run.selection is None else _selections(run.selection, run.manifests),
        "speakers": tables.speaker_table(run.predictions),
        "trust": "chosen" in details
        and trust.contents(run.predictions, details["chosen"], new_speakers=not speaker_dependent),
        "survival": survived,
        "manifests": tables.manifest_table(run.manifests),
        "folds": tables.fold_table(run.proof),
        "checks": tables.check_tables(details),
        "refused": tables.refused_table(details),
        "longest_list": LONGEST_LIST,
        "licences": tables.records_table(details.get("licences", [])),
        "warnings": [w for w in warnings if survived is None or w not in survived["warnings"]],
        "cards": {name: details[name] for name in ("upstream", "translator") if details.get(name)},
        "recipe": run.recipe,
        "environment": results.get("environment", {}),
    }


def _survival(run: _Run) -> dict[str, Any] | None:
    """What the run knows of its translations, None where it made none."""
    if not {"source", "translated"} <= run.manifests.keys():
        return None
    source, translated = (
        survival.written(run.manifests[n], run.folder / "manifests") for n in ("source", "translated")
    )
    known = run.details.get("survival") or {}
    card = run.details.get("translator") or {}
    by_name = {name: translated.filter(lambda u, name=name: u.translator == name) for name in _translators(translated)}
    return survival.contents(
        source,
        by_name,
        known.get("emotion_check"),
        [Table(**table) for table in known.get("tables", [])],
        known.get("warnings", []),
        {card["name"]: card["licence_of_outputs"]} if "licence_of_outputs" in card else {},
    )


def _translators(translated: Manifest) -> list[str]:
    return sorted({u.translator for u in translated if u.translator})


def _basics(results: Mapping[str, Any], details: Mapping[str, Any]) -> list[tuple[str, Any]]:
    seeds = ", ".join(map(str, results["seeds"]))
    facts = [
        ("target", results["target"]),
        ("source", results["source"]),
        ("upstream", results["upstream"]),
        ("translator", results["translator"]),
        ("protocol", f"{results['protocol']}: {results['n_speakers']} speakers in {results['n_folds']} folds"),
        ("seeds", seeds),
        ("arithmetic", details.get("precision")),
    ]
    return [(name, fact) for name, fact in facts if fact]


def _figures(run: _Run) -> dict[str, Markup]:
    """The figures that this run has material for, as SVG, by name."""
    last = tables.last_rounds(run.results["conditions"], "name")
    drawn = {}
    if {BASELINE, MAIN} <= last.keys():
        drawn["paired"] = _paired(run.predictions, last[MAIN])
        drawn["rounds"] = _rounds(run)
    drawn["confusions"] = _confusions(run.predictions, last)
    return drawn


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


def _paired(predictions: pa.Table, last_round: int) -> Markup:
    scores = {(s["condition"], s["round"], s["speaker"]): s["macro_f1"] for s in judged.per_speaker(predictions)}
    pairs = {
        speaker: (score, scores[MAIN, last_round, speaker])
        for (condition, _, speaker), score in scores.items()
        if condition == BASELINE
    }
    gained = sum(after > before for before, after in pairs.values())
    alt = f"Macro F1 of each speaker under {BASELINE} and {MAIN}: higher for {gained} of {len(pairs)} speakers."
    return Markup(plots.paired("paired", alt, BASELINE, tables.full_name(MAIN, last_round), pairs, "macro F1"))


def _rounds(run: _Run) -> Markup:
    """The score over the rounds of every condition that has rounds; all start from the baseline, their round 0."""
    by_name: dict[str, dict[int, Mapping[str, Any]]] = {}
    for condition in run.results["conditions"]:
        by_name.setdefault(condition["name"], {})[condition["round"]] = condition
    trajectories = []
    for name in (MAIN, "untranslated-selected"):
        if name in by_name:
            steps = dict(sorted((by_name[BASELINE] | by_name[name]).items()))
            ends = [c["macro_f1_ci95"] or (c["macro_f1"], c["macro_f1"]) for c in steps.values()]
            scores = [c["macro_f1"] for c in steps.values()]
            low, high = zip(*ends, strict=True)
            trajectories.append(plots.Trajectory(name, list(steps), scores, low, high))
    best = rounds.oracle(run.predictions, MAIN, BASELINE)
    spoken = "; ".join(f"{t.condition} {', '.join(map(tables.points, t.scores))}" for t in trajectories)
    alt = f"Macro F1 in points, round after round: {spoken}; oracle {tables.points(best)}."
    return Markup(plots.rounds("rounds", alt, trajectories, best, "macro F1"))


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
