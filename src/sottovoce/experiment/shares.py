"""Targets instead of classes, such as emotion shares: trained on the other corpora, and scored by Spearman's rho."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sottovoce.experiment import generalists
from sottovoce.experiment.cautions import of_namesakes
from sottovoce.experiment.environment import environment
from sottovoce.experiment.generalists import Corpora
from sottovoce.judging import correlation
from sottovoce.judging.fold_plan import speaker_of
from sottovoce.recipe.generalist import GeneralistRecipe


def judged(
    recipe: GeneralistRecipe, corpora: Corpora, said: Mapping[str, Sequence[NDArray[np.float64]]], device: str
) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """Score what models said that heard the other corpora alone.

    Args:
        recipe: with `labels.targets`.
        corpora: all of them.
        said: for each held-out corpus a prediction `[utterance, target]` a seed.
        device: that the models ran on.

    Returns:
        What `results.json` holds, and for each corpus a table: `seed`, `utterance`, `speaker`, and for each target
        what listeners heard (`true_*`) and what the model said (`said_*`).
    """
    targets = recipe.labels.targets
    tests: list[dict[str, Any]] = []
    tables: dict[str, pa.Table] = {}
    for name, by_seed in said.items():
        manifest = corpora.manifests[name]
        true = generalists.soft_labels(recipe, corpora.table, manifest)
        speakers = [speaker_of(u) for u in manifest]
        heard = corpora.together([other for other in recipe.corpora if other != name])
        tests.append(
            {
                "held_out": name,
                "heard": generalists.heard_facts(heard),
                **correlation.score(true, np.stack(by_seed), targets, speakers),
                "refused": corpora.refused[name],
                "warnings": [*_warnings(speakers, [speaker_of(u) for u in heard]), *of_namesakes(manifest, heard)],
            }
        )
        tables[name] = pa.concat_tables(
            pa.table(
                {
                    "seed": [seed] * len(manifest),
                    "utterance": [u.id for u in manifest],
                    "speaker": speakers,
                    **{f"true_{target}": true[:, t] for t, target in enumerate(targets)},
                    **{f"said_{target}": each[:, t] for t, target in enumerate(targets)},
                }
            )
            for seed, each in zip(recipe.schedule.seeds, by_seed, strict=True)
        )
    results = {
        "schema": 1,
        "name": recipe.name,
        "targets": targets,
        "epochs": recipe.schedule.epochs,
        "seeds": recipe.schedule.seeds,
        "tests": tests,
        "environment": environment(device),
    }
    return results, tables


def _warnings(tested: Sequence[str], heard: Sequence[str]) -> list[str]:
    warnings = []
    if len(set(tested)) == len(tested):
        warnings.append(
            "no two utterances have the same speaker: if speakers are not known, the intervals are too narrow"
        )
    if shared := set(tested) & set(heard):
        warnings.append(f"{len(shared)} speakers are on both sides: the scores say nothing about new speakers")
    return warnings
