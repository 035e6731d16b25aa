"""The model card of a model of measures: as that of emotions, but with concordance and error in place of recalls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sottovoce.judging.choosing import Choice
from sottovoce.recipe import Recipe
from sottovoce.use.card import OfRun, render, scored
from sottovoce.use.config import MeasuresConfig


def measures_card(
    config: MeasuresConfig,
    recipe: Recipe,
    choice: Choice,
    results: Mapping[str, Any],
    details: Mapping[str, Any],
    corpora: Sequence[str],
    *,
    speaker_dependent: bool,
) -> str:
    """The text of the README.md of a run's model of measures; for the arguments see `use.card.model_card`."""
    of_run = OfRun(config, recipe, choice, results, details, corpora, speaker_dependent)
    by_measure = scored(choice, results)["by_measure"]
    return render(
        "card_of_measures.md.j2",
        of_run.front_matter(["mae", "pearsonr"]),
        **of_run.contents(),
        scores=[(measure, by_measure[measure.name]) for measure in config.measures],
    )
