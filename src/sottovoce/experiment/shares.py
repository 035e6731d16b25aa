"""Targets instead of classes, such as emotion shares: trained on the other corpora, and scored by Spearman's rho."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from sottovoce.experiment import generalists
from sottovoce.experiment.environment import environment
from sottovoce.experiment.generalists import Corpora, Variant
from sottovoce.experiment.place import Place
from sottovoce.judging import correlation
from sottovoce.recipe.generalist import GeneralistRecipe
from sottovoce.store.progress import Progress


def study(
    recipe: GeneralistRecipe, corpora: Corpora, held_out: Sequence[str], place: Place, progress: Progress
) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """Test each held-out corpus by a model that heard the others alone, one for each seed.

    Returns:
        What `results.json` holds, and for each corpus a table: `seed`, `utterance`, `speaker`, and for each target
        what listeners heard (`true_*`) and what the model said (`said_*`).

    Raises:
        SottovoceError: see `generalists.trained`.
    """
    targets = recipe.labels.targets
    own = Variant(recipe.labels.soft, recipe.domains.weight)
    tests: list[dict[str, Any]] = []
    tables: dict[str, pa.Table] = {}
    for name in held_out:
        manifest = corpora.manifests[name]
        others = [other for other in recipe.corpora if other != name]
        said = []
        for seed in recipe.schedule.seeds:
            title = f"{name}, seed {seed}"
            model = generalists.trained(recipe, corpora, others, own, seed, place, progress, f"train for {title}")
            said.append(generalists.predicted(model, manifest, place, progress, f"test {title}"))
        true = generalists.soft_labels(recipe, corpora.table, manifest)
        speakers = [u.speaker for u in manifest]
        heard = corpora.together(others)
        tests.append(
            {
                "held_out": name,
                "heard": generalists.heard_facts(heard),
                **correlation.score(true, np.stack(said), targets, speakers),
                "refused": corpora.refused[name],
                "warnings": _warnings(speakers, [u.speaker for u in heard]),
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
            for seed, each in zip(recipe.schedule.seeds, said, strict=True)
        )
    results = {
        "schema": 1,
        "name": recipe.name,
        "targets": targets,
        "epochs": recipe.schedule.epochs,
        "seeds": recipe.schedule.seeds,
        "tests": tests,
        "environment": environment(place.device),
    }
    return results, tables


def rows(results: dict[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Columns and rows for the screen: a row a target, and their mean."""
    shown = []
    for test in results["tests"]:
        for target, found in (("mean", test), *test["by_target"].items()):
            interval = found["rho_ci95"]
            ends = "none: one speaker" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
            shown.append((test["held_out"], target, f"{found['rho']:.3f}", ends))
    return ("tested on", "target", "Spearman's rho", "95 % interval"), shown


def _warnings(tested: Sequence[str], heard: Sequence[str]) -> list[str]:
    warnings = []
    if len(set(tested)) == len(tested):
        warnings.append(
            "no two utterances have the same speaker: if speakers are not known, the intervals are too narrow"
        )
    if shared := set(tested) & set(heard):
        warnings.append(f"{len(shared)} speakers are on both sides: the scores say nothing about new speakers")
    return warnings
