"""What a reader of a run's scores must be told beside them."""

from __future__ import annotations

from collections import defaultdict

from sottovoce.experiment.inputs import Inputs
from sottovoce.judging.fold_plan import namesakes
from sottovoce.recipe import Recipe
from sottovoce.speech.manifest import Manifest
from sottovoce.upstreams.card import contaminated


def cautions(recipe: Recipe, inputs: Inputs) -> list[str]:
    """One sentence each, the gravest first; those that follow from the scores themselves are `judging.results`'s."""
    warnings = []
    if inputs.plan.speaker_dependent:
        warnings.append(
            "speaker-dependent: these folds have the same speakers on both sides, so the scores say nothing about "
            "new speakers"
        )
    if heard := contaminated_by(inputs):
        warnings.append(f"contaminated: the upstream was trained on {', '.join(heard)}, which is tested here")
    if "unknown" in inputs.upstream.card.trained_on:
        warnings.append(
            "it is not known what the upstream was trained on: contamination cannot be ruled out. If its folder is a "
            "copy of a published checkpoint, say which in upstream.known_as"
        )
    if untested := {known.speaker for known in inputs.plan.facts.values()} - inputs.plan.tested_speakers:
        warnings.append(
            f"{len(untested)} speakers are in no test part: the scores are of the other "
            f"{len(inputs.plan.tested_speakers)}"
        )
    warnings += of_namesakes(inputs.target.manifest, inputs.source.manifest)
    proof = inputs.plan.proof()
    shared = {text for fold in proof["folds"] for text in fold["shared_text_ids"]}
    if shared:
        warnings.append(
            f"{len(shared)} sentences are spoken on both sides of a fold, as acted corpora do: new ones may be harder"
        )
    for fold in [] if recipe.measures else proof["folds"]:
        for side in ("train", "test"):
            if absent := fold[f"absent_from_{side}"]:
                warnings.append(f"fold {fold['number']}: no {', '.join(absent)} in its {side} part")
    if recipe.selection.criterion == "kl" and not inputs.source.manifest.has_votes:
        warnings.append(
            "criterion kl was used on a source with one label an utterance: its soft labels are smoothed ones"
        )
    by_stage: dict[str, int] = defaultdict(int)
    for refusal in inputs.refused:
        by_stage[refusal["stage"]] += 1
    warnings += [f"{n} utterances were refused at the stage '{stage}'; see the list" for stage, n in by_stage.items()]
    if inputs.synthesis is not None:
        warnings += [*inputs.synthesis.filtered.warnings, *inputs.synthesis.notes]
    return [*warnings, *inputs.target.notes, *inputs.source.notes]


def contaminated_by(inputs: Inputs) -> list[str]:
    """Corpora that the upstream was trained on and that are tested here."""
    return contaminated(inputs.upstream.card.trained_on, {u.corpus for u in inputs.target.manifest if u.corpus})


def of_namesakes(tested: Manifest, heard: Manifest) -> list[str]:
    """What to say of people who may be on both sides under one name; nothing where there are none."""
    if names := namesakes(tested, heard):
        return [
            f"{len(names)} names of speakers are on both sides, in different corpora, and were taken for different "
            "people. If they are the same, give both manifests one name in a column `corpus`"
        ]
    return []
