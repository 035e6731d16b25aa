"""The page that a person reads after a run: one self-contained HTML file made from the files of the run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sottovoce.judging import results as judged
from sottovoce.show import report_of_emotions, report_of_measures, run_files, survival, tables
from sottovoce.show.page import template
from sottovoce.show.run_files import RunFiles
from sottovoce.speech.checks import Table
from sottovoce.speech.manifest import Manifest
from sottovoce.store.atomic import write_atomically

LONGEST_LIST = 100


def write_report(run: Path) -> Path:
    """Write `report.html` into the folder of a run, from the files there alone.

    The page holds its style and figures, runs no script, and has the same bytes for the same files.

    Raises:
        StoreError: the folder holds no finished run, a file of it cannot be read, or the page cannot be written.
    """
    page = template("report.html.j2").render(_contents(run_files.read(run)))
    report = run / "report.html"
    write_atomically(report, lambda partial: partial.write_text(page, encoding="utf-8"))
    return report


def _contents(run: RunFiles) -> dict[str, Any]:
    results, details = run.results, run.details
    survived = _survival(run)
    warnings = [*results.get("warnings", []), *details.get("notes", [])]
    parts = report_of_measures.parts if "measures" in results else report_of_emotions.parts
    return {
        "title": f"Sottovoce on {results['target']}"
        + (f", helped by {results['source']}" if results["source"] else ""),
        "headline": judged.headline(results, speaker_dependent=run.speaker_dependent),
        "synthetic": details.get("synthetic", False),
        "speaker_dependent": run.speaker_dependent,
        "basics": _basics(results, details),
        "interval_methods": sorted({c["interval_method"] for c in results["conditions"] if c["interval_method"]}),
        **parts(run),
        "survival": survived,
        "folds": tables.fold_table(run.proof),
        "checks": tables.check_tables(details),
        "refused": tables.refused_table(details),
        "longest_list": LONGEST_LIST,
        "licences": tables.records_table(details.get("licences", [])),
        "warnings": [w for w in warnings if survived is None or w not in survived["warnings"]],
        "criterion": details.get("criterion"),
        "keep": details.get("keep"),
        "cards": {name: details[name] for name in ("upstream", "translator") if details.get(name)},
        "recipe": run.recipe,
        "environment": results.get("environment", {}),
    }


def _survival(run: RunFiles) -> dict[str, Any] | None:
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
        ("measures", ", ".join(results.get("measures", ()))),
        ("protocol", f"{results['protocol']}: {results['n_speakers']} speakers in {results['n_folds']} folds"),
        ("seeds", seeds),
        ("arithmetic", details.get("precision")),
    ]
    return [(name, fact) for name, fact in facts if fact]
