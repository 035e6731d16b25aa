"""The model card: what the model was made of, how well it did and on whom, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def model_card(
    name: str,
    condition: str,
    headline: str,
    results: Mapping[str, Any],
    licences: Sequence[Mapping[str, str]],
    *,
    synthetic: bool,
) -> str:
    """The text of the model's README.md, from the run's own results."""
    scored = [c for c in results["conditions"] if c["name"] == condition]
    last = max(scored, key=lambda c: c["round"])
    lines = [
        f"# {name}",
        "",
        f"Speech emotion recognition for `{results['target']}`, trained with condition `{condition}` on every target "
        f"speaker (source: `{results['source']}`, upstream: `{results['upstream']}`).",
        "",
    ]
    if synthetic:
        lines += ["**Made of rendered voices: this model proves nothing about accuracy on real speech.**", ""]
    lines += [
        f"{headline}",
        "",
        "The scores below are of models trained in the same way without the speakers they were tested on; this model "
        "itself has heard all of them, so no score of its own can be given.",
        "",
        "| metric | score | 95 % interval |",
        "|---|---|---|",
        *(
            f"| {metric} | {last[metric]:.3f} | {_ends(last[metric + '_ci95'])} |"
            for metric in ("ua", "wa", "macro_f1")
        ),
        "",
        f"Protocol: {results['protocol']}, {results['n_folds']} folds, {results['n_speakers']} speakers, seeds "
        f"{', '.join(map(str, results['seeds']))}.",
        "",
        "## Licences",
        "",
        *(f"- {each['what']}: {each['licence']}" for each in licences),
        "",
        "## Limits",
        "",
        "Trained on the speakers and recordings named above; other microphones, ages and situations may be labelled "
        "worse than the interval says. Acted emotion is not felt emotion. Do not use it to judge a person's state of "
        "mind, health, honesty or fitness, nor at work or in school, where emotion recognition is forbidden or "
        "restricted in many countries.",
        "",
    ]
    if results["warnings"]:
        lines += ["## Warnings of the run", "", *(f"- {warning}" for warning in results["warnings"]), ""]
    return "\n".join(lines)


def _ends(interval: Sequence[float] | None) -> str:
    return "none: too few speakers" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
