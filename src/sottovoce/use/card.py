"""The model card: what the model was made of, how well it did and on whom, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sottovoce.judging import abstention
from sottovoce.judging.calibration import calibration_error
from sottovoce.judging.choosing import Choice
from sottovoce.judging.trust import Trust
from sottovoce.use.config import Config

_RATES = (0.1, 0.2, 0.3)


def model_card(
    config: Config,
    choice: Choice,
    trust: Trust,
    headline: str,
    results: Mapping[str, Any],
    licences: Sequence[Mapping[str, str]],
    *,
    synthetic: bool,
) -> str:
    """The text of the model's README.md, from the run's own results."""
    lines = [
        f"# {config.name}",
        "",
        f"Speech emotion recognition for `{results['target']}`, trained with condition `{config.condition}` on every "
        f"target speaker (source: `{results['source']}`, upstream: `{results['upstream']}`).",
        "",
    ]
    if synthetic:
        lines += ["**Made of rendered voices: this model proves nothing about accuracy on real speech.**", ""]
    lines += [
        headline,
        "",
        "The scores below are of models trained in the same way without the speakers they were tested on; this model "
        "itself has heard all of them, so no score of its own can be given.",
        "",
        *_scores(choice, results),
        "",
        f"Protocol: {results['protocol']}, {results['n_folds']} folds, {results['n_speakers']} speakers, seeds "
        f"{', '.join(map(str, results['seeds']))}.",
        "",
        *_reliance(trust),
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


def _scores(choice: Choice, results: Mapping[str, Any]) -> list[str]:
    """The table of scores: of choosing the condition as it was chosen, or of the one that the recipe names."""
    scored = choice.scores or max(
        (c for c in results["conditions"] if c["name"] == choice.condition), key=lambda c: c["round"]
    )
    lines = [
        "| metric | score | 95 % interval |",
        "|---|---|---|",
        *(f"| {m} | {scored[m]:.3f} | {_ends(scored[m + '_ci95'])} |" for m in ("ua", "wa", "macro_f1")),
    ]
    if choice.scores is None and len(choice.candidates) > 1:
        return ["The condition was chosen by these scores, which flatters them by an unknown amount.", "", *lines]
    if choice.scores is None:
        return lines
    chosen = list(choice.by_fold.values())
    counted = ", ".join(f"`{name}` in {chosen.count(name)}" for name in dict.fromkeys(chosen))
    return [
        f"The condition was chosen by macro F1. These are the scores of choosing it anew for each of the {len(chosen)} "
        f"folds by the other folds alone ({counted}), so that having been the best of several does not flatter them.",
        "",
        *lines,
    ]


def _reliance(trust: Trust) -> list[str]:
    before, after = (100 * calibration_error(bins) for bins in (trust.before, trust.after))
    lines = [
        "## How far to rely on it",
        "",
        f"Probabilities are calibrated: temperature {trust.temperature:.2f}, fitted on {trust.n_utterances} utterances "
        f"of {trust.n_speakers} speakers whom the predicting models had not heard. Expected calibration error for a "
        f"speaker left out: {before:.1f} points without, {after:.1f} with.",
        "",
    ]
    if trust.steps[0].error_bound is None:
        return [*lines, "How many of its answers to new speakers are wrong cannot be bounded: see the protocol."]
    rows = []
    for rate in _RATES:
        step = abstention.chosen(trust.steps, rate)
        answered = "cannot be promised" if step is None else f"{100 * step.coverage:.0f} %"
        rows.append(f"| {100 * rate:.0f} % | {answered} |")
    return [*lines, "| at most so many answers wrong | utterances answered |", "|---|---|", *rows]


def _ends(interval: Sequence[float] | None) -> str:
    return "none: too few speakers" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
