"""The report's part on the model of the run: how it was chosen, whether its probabilities hold, when it is unsure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from markupsafe import Markup

from sottovoce.judging import abstention
from sottovoce.judging.abstention import Step
from sottovoce.judging.calibration import calibration_error
from sottovoce.judging.choosing import Choice, as_chosen
from sottovoce.judging.trust import Trust, trust_of
from sottovoce.show import trust_plots
from sottovoce.show.tables import Table, full_name, interval, points

RATES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)


def contents(predictions: pa.Table, chosen: Mapping[str, Any], *, new_speakers: bool) -> dict[str, Any]:
    """What the template shows.

    Args:
        predictions: of all conditions.
        chosen: `details.json`'s word on the model: see `judging.choosing.Choice`.
        new_speakers: whether the models never heard those whom they predict.
    """
    trust = trust_of(as_chosen(predictions, Choice.of(chosen)), new_speakers=new_speakers)
    return {
        "name": full_name(chosen["condition"], chosen["round"]),
        "chosen_among": len(chosen["candidates"]),
        "choice": _choice_table(chosen),
        "scores": chosen["scores"] and {m: _score(chosen["scores"], m) for m in ("macro_f1", "ua", "wa")},
        "temperature": f"{trust.temperature:.2f}",
        "helps": trust.helps,
        "reliability": Markup(_reliability(trust)),
        "errors": Markup(_errors(trust.steps)),
        "rates": _rate_table(trust.steps),
        "n_speakers": trust.n_speakers,
    }


def _score(scores: Mapping[str, Any], metric: str) -> str:
    return f"{points(scores[metric])} {interval(scores[f'{metric}_ci95'])}"


def _choice_table(chosen: Mapping[str, Any]) -> Table:
    """How many folds chose each condition by the other folds."""
    names = list(chosen["by_fold"].values())
    return ["chosen by the other folds", "folds"], [[name, str(names.count(name))] for name in dict.fromkeys(names)]


def _reliability(trust: Trust) -> str:
    before, after = (points(calibration_error(bins)) for bins in (trust.before, trust.after))
    alt = (
        f"Reliability: share of right answers over confidence. Expected calibration error {before} points as trained, "
        f"{after} at the temperature of the other speakers."
    )
    panels = {f"as trained: ECE {before}": trust.before, f"calibrated on the other speakers: ECE {after}": trust.after}
    return trust_plots.reliability("reliability", alt, panels)


def _errors(steps: list[Step]) -> str:
    said = "; ".join(f"{100 * s.coverage:.0f} %: {points(s.error)}" for s in steps[:: max(1, len(steps) // 5)])
    alt = f"Wrong answers in percent over the share of utterances that the model answers. {said}."
    return trust_plots.errors("errors", alt, steps)


def _rate_table(steps: list[Step]) -> Table:
    rows = []
    for rate in RATES:
        step = abstention.chosen(steps, rate)
        cells = ["–", "–", "–"] if step is None else [f"{100 * step.coverage:.0f} %", f"{step.threshold:.2f}"]
        rows.append([f"{100 * rate:.0f} %", *(cells if step is None else [*cells, f"{100 * step.error:.1f} %"])])
    return ["at most wrong", "answered", "from confidence", "wrong here"], rows
