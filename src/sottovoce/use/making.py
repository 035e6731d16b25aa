"""From a finished training to the folder of its model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from sottovoce.experiment.arms import Outcome
from sottovoce.experiment.inputs import Inputs
from sottovoce.judging.choosing import Choice, as_chosen
from sottovoce.judging.trust import trust_of
from sottovoce.recipe import PRESETS, Recipe, Upstream
from sottovoce.use.card import model_card, scored
from sottovoce.use.config import (
    SCHEMA,
    AnswerStep,
    ChosenUpstream,
    Config,
    MeasuresConfig,
    Reliance,
    ToldMeasure,
    TrainedOn,
)
from sottovoce.use.measures_card import measures_card
from sottovoce.use.model import save


def write_model(
    folder: Path,
    recipe: Recipe,
    inputs: Inputs,
    outcome: Outcome,
    predictions: pa.Table,
    choice: Choice,
    results: Mapping[str, Any],
    details: Mapping[str, Any],
) -> None:
    """Write the head of the chosen condition, trained on all target speakers, with how far to rely on it and its card.

    Args:
        folder: of the model.
        recipe: of the run; `inputs` and `outcome` are what it came to.
        predictions: of all conditions; what each fold chose by the others calibrates the model.
        choice: which condition.
        results: what `results.json` holds; `details` what `details.json` does.
    """
    speaker_dependent = inputs.plan.speaker_dependent
    corpora = sorted({u.corpus for u in inputs.target.manifest if u.corpus})
    common: dict[str, Any] = {
        "schema": SCHEMA,
        "name": recipe.name,
        "condition": choice.condition,
        "round": choice.round,
        "upstream": _upstream(recipe.upstream),
        "revision": inputs.upstream.card.revision,
        "trained_on": _trained_on(recipe, inputs, set(outcome.model_kept[choice.condition, choice.round])),
    }
    if recipe.measures:
        told = _measures(recipe, scored(choice, results), speaker_dependent)
        config = MeasuresConfig(**common, measures=told)
        card = measures_card(config, recipe, choice, results, details, corpora, speaker_dependent=speaker_dependent)
        save(folder, outcome.models[choice.condition, choice.round], config, card)
        return
    # not of the chosen condition alone: having been the best of several flatters it
    trust = trust_of(as_chosen(predictions, choice), new_speakers=not speaker_dependent)
    config = Config(
        **common,
        emotions=recipe.emotions,
        reliance=Reliance(
            temperature=trust.temperature,
            n_utterances=trust.n_utterances,
            n_speakers=trust.n_speakers,
            answers=[AnswerStep(**vars(step)) for step in trust.steps],
        ),
    )
    card = model_card(
        config,
        recipe,
        choice,
        trust,
        predictions,
        results,
        details,
        corpora,
        speaker_dependent=speaker_dependent,
    )
    save(folder, outcome.models[choice.condition, choice.round], config, card)


def _measures(recipe: Recipe, scores: Mapping[str, Any], speaker_dependent: bool) -> list[ToldMeasure]:
    """The scales of the target, with the error for speakers unheard in training, where there are such."""
    return [
        ToldMeasure(
            name=name,
            lowest=measure.target[0],
            highest=measure.target[1],
            mae=None if speaker_dependent else scores["by_measure"][name]["mae"],
        )
        for name, measure in recipe.measures.items()
    ]


def _upstream(chosen: Upstream) -> ChosenUpstream:
    local = chosen.weights is not None and Path(chosen.weights).expanduser().is_dir()
    return ChosenUpstream(
        name=chosen.name,
        weights=str(Path(chosen.weights or "").expanduser().absolute()) if local else chosen.weights,
        # of a folder it is that of what the folder is a copy of, for whoever fetches that instead
        revision=PRESETS[chosen.preset].revision if chosen.preset and local else chosen.revision,
        layer=chosen.hidden_states,
        context=chosen.context,
        known_as=chosen.known_as,
    )


def _trained_on(recipe: Recipe, inputs: Inputs, added: set[str]) -> TrainedOn:
    target = inputs.target.manifest
    origins = {"translated": inputs.translated, "untranslated": inputs.source.manifest}
    origins |= {kind: made.manifest for kind, made in inputs.copied.items()}
    of = {origin: [u for u in manifest if u.id in added] for origin, manifest in origins.items()}
    heard = [*target, *(u for each in of.values() for u in each)]
    return TrainedOn(
        target_utterances=len(target),
        target_speakers=target.speakers,
        added_utterances=len(added),
        added={origin: len(each) for origin, each in of.items() if each},
        languages=sorted({u.language for u in heard if u.language}),
        seed=recipe.training.seeds[0],
    )
