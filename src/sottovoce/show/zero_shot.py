"""What a generalist says of corpora that it never heard: for the terminal, as a page, and in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sottovoce.show import plots, tables
from sottovoce.show.page import template
from sottovoce.show.sweep_plots import Curve, sweep
from sottovoce.store.atomic import write_atomically

COLUMNS = {"wa": "micro F1", "macro_f1": "macro F1", "ua": "UA"}
"""Micro F1 of single labels is the share that is right, WA."""


def table(results: Mapping[str, Any]) -> tables.Table:
    """A line for each tested corpus and condition: scores in points with intervals over its speakers, n in brackets."""
    lines = []
    for test in results["tests"]:
        for condition in test["conditions"]:
            scores = [f"{tables.points(condition[m])} {tables.interval(condition[f'{m}_ci95'])}" for m in COLUMNS]
            corpus = f"{test['held_out']} ({test['n_speakers']})"
            lines.append([corpus, condition["variant"], condition["among"], *scores])
    return ["never heard", "trained with", "classes", *COLUMNS.values()], lines


def markdown(results: Mapping[str, Any]) -> str:
    """The table as Markdown."""
    columns, lines = table(results)
    return "\n".join("| " + " | ".join(row) + " |" for row in [columns, ["---"] * len(columns), *lines]) + "\n"


def write_page(path: Path, results: Mapping[str, Any]) -> Path:
    """Write one self-contained page, and `tables.md` beside it."""
    tests = [
        {
            "held_out": test["held_out"],
            "facts": _facts(test),
            "comparisons": _comparisons(test) if test["comparisons"] else None,
            "recalls": _recalls(test),
            "confusion": _confusion(test, number),
            "warnings": test["warnings"],
        }
        for number, test in enumerate(results["tests"])
    ]
    page = template("zero_shot.html.j2").render(
        title=f"Sottovoce: {results['name']}",
        basics=_basics(results),
        table=table(results),
        first=results["variants"][0]["name"],
        sweep=_sweep(results),
        tests=tests,
        environment=results["environment"],
    )
    write_atomically(path.with_name("tables.md"), lambda partial: partial.write_text(markdown(results), "utf-8"))
    write_atomically(path, lambda partial: partial.write_text(page, "utf-8"))
    return path


def _basics(results: Mapping[str, Any]) -> list[tuple[str, Any]]:
    frozen = results["frozen_layers"]
    return [
        ("network", results["network"]),
        ("frozen", f"convolutions, positions{f' and the first {frozen} layers' if frozen else ''}"),
        ("context", results["context"]),
        ("epochs", results["epochs"]),
        ("seeds", results["seeds"]),
    ]


def _facts(test: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        ("languages", test["languages"]),
        ("the model heard", test["heard"]),
        ("tested utterances", test["n_utterances"]),
        ("not tested: no class has most of the label", test["n_not_tested"]),
        ("speakers", test["n_speakers"]),
        ("classes", test["classes"]),
        ("refused recordings", len(test["refused"])),
    ]


def _recalls(test: Mapping[str, Any]) -> tables.Table:
    """Recall of each class of the corpus by the first variant, among all classes and among those of the corpus."""
    first = test["conditions"][0]["variant"]
    shown = [
        (condition["among"], recalls["recalls"])
        for condition, recalls in zip(test["conditions"], test["recalls"], strict=True)
        if condition["variant"] == first
    ]
    lines = [
        [name, str(n), *(f"{tables.points(r[name]['recall'])} {tables.interval(r[name]['ci95'])}" for _, r in shown)]
        for name, n in test["classes"].items()
    ]
    return ["class", "utterances", *(f"recall, classes: {among}" for among, _ in shown)], lines


def _comparisons(test: Mapping[str, Any]) -> tables.Table:
    """How the other variants differ from the first."""
    lines = [
        [
            c["variant"].replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"),
            c["among"],
            tables.change(c),
            tables.p_value(c["p"]),
            tables.p_value(c["p_holm"]),
            tables.verdict(c),
        ]
        for c in test["comparisons"]
        if c["metric"] == "macro_f1"
    ]
    return ["trained with", "classes", "macro F1, points", "p", "p, Holm", "in words"], lines


def _confusion(test: Mapping[str, Any], number: int) -> str:
    """What the first variant takes each class of the corpus for, among those of the corpus."""
    first = next(
        confusion
        for condition, confusion in zip(test["conditions"], test["confusions"], strict=True)
        if condition["variant"] == test["conditions"][0]["variant"] and condition["among"] == "its own"
    )
    present = [i for i, name in enumerate(first["classes"]) if name in test["classes"]]
    classes = [first["classes"][i] for i in present]
    matrix = [[first["matrix"][i][j] for j in present] for i in present]
    alt = f"Confusion matrix of {test['held_out']}: percent of each class that were taken for each class of the corpus."
    return plots.confusion(f"zero-shot {number}", alt, test["held_out"], classes, matrix)


def _sweep(results: Mapping[str, Any]) -> str | None:
    """Macro F1 over the weight of the adversary, with soft and with hard labels; None where nothing was swept."""
    variants = {v["name"]: v for v in results["variants"]}
    if len(variants) < 2:
        return None
    curves = {}
    for test in results["tests"]:
        found = [c for c in test["conditions"] if c["name"] in variants]
        curves[test["held_out"]] = [
            Curve(
                "soft labels" if soft else "hard labels",
                [
                    (variants[c["name"]]["domain_weight"], c["macro_f1"], c["macro_f1_ci95"])
                    for c in sorted(found, key=lambda c: variants[c["name"]]["domain_weight"])
                    if variants[c["name"]]["soft"] is soft
                ],
            )
            for soft in (True, False)
            if any(variants[c["name"]]["soft"] is soft for c in found)
        ]
    alt = "Macro F1 on each corpus that was not heard, by the weight of the domain adversary and the kind of labels."
    return sweep("sweep", alt, "weight of the domain adversary", "macro F1", curves)
