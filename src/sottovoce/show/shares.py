"""How well targets such as emotion shares are predicted: for the terminal, and as a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sottovoce.show import tables
from sottovoce.show.page import template
from sottovoce.show.sweep_plots import ranges
from sottovoce.store.atomic import write_atomically

MEAN = "mean"


def table(results: Mapping[str, Any]) -> tables.Table:
    """A row for each tested corpus and target, after one for their mean."""
    lines = []
    for test in results["tests"]:
        for target, found in ((MEAN, test), *test["by_target"].items()):
            interval = found["rho_ci95"]
            ends = "none: one speaker" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
            lines.append([test["held_out"], target, f"{found['rho']:.3f}", ends])
    return ["tested on", "target", "Spearman's rho", "95 % interval"], lines


def write_page(path: Path, results: Mapping[str, Any]) -> Path:
    """Write one self-contained page."""
    tests = [
        {
            "held_out": test["held_out"],
            "facts": [
                ("the model heard", test["heard"]),
                ("tested utterances", test["n_utterances"]),
                ("speakers", test["n_speakers"]),
                ("refused recordings", len(test["refused"])),
            ],
            "plot": _plot(test, number),
            "warnings": test["warnings"],
        }
        for number, test in enumerate(results["tests"])
    ]
    page = template("shares.html.j2").render(
        title=f"Sottovoce: {results['name']}",
        basics=[(name, results[name]) for name in ("epochs", "seeds")],
        table=table(results),
        tests=tests,
        environment=results["environment"],
    )
    write_atomically(path, lambda partial: partial.write_text(page, "utf-8"))
    return path


def _plot(test: Mapping[str, Any], number: int) -> str:
    """Rho of every target, the best heard first, below their mean."""
    ordered = sorted(test["by_target"].items(), key=lambda item: -item[1]["rho"])
    scores = {name: (found["rho"], found["rho_ci95"]) for name, found in ((MEAN, test), *ordered)}
    alt = f"Spearman's rho of each target in {test['held_out']}, with intervals over its speakers."
    return ranges(f"shares {number}", alt, "Spearman's rho", scores)
