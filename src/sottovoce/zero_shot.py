"""Zero-shot: every corpus tested by a generalist that heard the others alone, over the variants of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sottovoce.errors import ManifestError
from sottovoce.experiment import generalists, shares
from sottovoce.experiment.environment import environment
from sottovoce.experiment.generalists import Corpora, Trained, Variant
from sottovoce.experiment.inputs import require_apart
from sottovoce.experiment.place import Place
from sottovoce.judging import predictions as table_of
from sottovoce.judging import results as judged
from sottovoce.learning.generalist import processes
from sottovoce.recipe.generalist import GeneralistRecipe
from sottovoce.show import shares as pages_of_targets
from sottovoce.show import zero_shot as pages
from sottovoce.store.atomic import write_atomically, write_json
from sottovoce.store.progress import Progress
from sottovoce.weights.checkpoint import open_checkpoint

KNOWN = ", among its classes"
"""Added to a condition's name where the probabilities are shared by the classes that the tested corpus has."""


def run(
    recipe: GeneralistRecipe, out: Path, place: Place, progress: Progress, part: tuple[int, int] | None = None
) -> dict[str, Any] | None:
    """Train and test whatever is not kept, and write `results.json`, `predictions/`, `report.html` and `tables.md`.

    `tables.md` is of classes alone, not of `labels.targets`.

    Args:
        recipe: the corpora, how to train, and the sweep.
        out: the folder of the results.
        place: the store and the device.
        progress: shown a stage each.
        part: (K, N): train the Kth of N parts of the models and write nothing; a run without it finds them kept.

    Returns:
        The content of `results.json`, or None for a part, and in all processes of torchrun but the first.

    Raises:
        ManifestError: a corpus cannot be used, there is but one, or two hold the same recording.
    """
    if len(recipe.corpora) < 2:
        raise ManifestError("zero-shot needs two corpora at least: one to be tested, and another to be heard")
    corpora = generalists.gather(recipe, progress)
    require_apart(corpora.manifests, place.store)
    wanted = recipe.held_out or list(recipe.corpora)
    _require_new(recipe, corpora, wanted)
    if not recipe.labels.targets:
        _require_classes(corpora, wanted)
    chosen = generalists.variants(recipe)
    work = [(h, v, seed) for h in wanted for v in chosen for seed in recipe.schedule.seeds]
    k, n = part or (1, 1)
    work = work[len(work) * (k - 1) // n : len(work) * k // n]
    models = [_trained(recipe, corpora, *each, place, progress) for each in work]
    if not processes.is_first():
        return None
    if recipe.labels.targets:
        return _of_targets(recipe, corpora, work, models, part is not None, out, place, progress)
    found: dict[str, list[pa.Table]] = {name: [] for name in wanted}
    for (held_out, variant, seed), model in zip(work, models, strict=True):
        found[held_out] += _tested(corpora, held_out, variant, seed, model, place, progress)
    if part is not None:
        return None
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "recipe.yaml", lambda partial: partial.write_text(recipe.to_yaml(), encoding="utf-8"))
    results = _judged(
        recipe, corpora, {name: pa.concat_tables(parts) for name, parts in found.items()}, chosen, out, place.device
    )
    write_json(out / "results.json", results)
    pages.write_page(out / "report.html", results)
    return results


def _of_targets(
    recipe: GeneralistRecipe,
    corpora: Corpora,
    work: Sequence[tuple[str, Variant, int]],
    models: Sequence[Trained],
    only_said: bool,
    out: Path,
    place: Place,
    progress: Progress,
) -> dict[str, Any] | None:
    said: dict[str, list[NDArray[np.float64]]] = {}
    for each, model in zip(work, models, strict=True):
        manifest, title = corpora.manifests[each[0]], f"test {_title(*each)}"
        said.setdefault(each[0], []).append(generalists.predicted(model, manifest, place, progress, title))
    if only_said:
        return None
    results, tables = shares.judged(recipe, corpora, said, place.device)
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "recipe.yaml", lambda partial: partial.write_text(recipe.to_yaml(), encoding="utf-8"))
    for name, table in tables.items():
        kept = out / "predictions" / f"{name}.parquet"
        kept.parent.mkdir(exist_ok=True)
        write_atomically(kept, lambda partial, table=table: pq.write_table(table, partial))
    write_json(out / "results.json", results)
    pages_of_targets.write_page(out / "report.html", results)
    return results


def _require_new(recipe: GeneralistRecipe, corpora: Corpora, wanted: Sequence[str]) -> None:
    """Raise a `ManifestError` where training would start from a generalist that has heard what is to be tested."""
    start = open_checkpoint(recipe.network.weights, allow_download=recipe.network.allow_download)
    heard = set((start.config.get("heard") or {}).get("corpora", ()))
    if known := [name for name in wanted if heard & {u.corpus for u in corpora.manifests[name]}]:
        raise ManifestError(
            f"network.weights have heard {', '.join(known)}, so that a test would not be of what is new. Set held_out "
            "to other corpora, or start from weights that have not"
        )


def _require_classes(corpora: Corpora, wanted: Sequence[str]) -> None:
    """Raise a `ManifestError` where there is nothing to test: what cannot be tested is not trained for."""
    for name in wanted:
        if not len(generalists.tested(corpora.table, corpora.manifests[name])[0]):
            raise ManifestError(f"no utterance of {name} has a label of one class; see sottovoce labels {name}")


def _trained(
    recipe: GeneralistRecipe,
    corpora: Corpora,
    held_out: str,
    variant: Variant,
    seed: int,
    place: Place,
    progress: Progress,
) -> Trained:
    """The model that heard all other corpora."""
    others = [name for name in recipe.corpora if name != held_out]
    title = f"train for {_title(held_out, variant, seed)}"
    return generalists.trained(recipe, corpora, others, variant, seed, place, progress, title)


def _title(held_out: str, variant: Variant, seed: int) -> str:
    return f"{held_out}: {variant.name}, seed {seed}"


def _tested(
    corpora: Corpora, held_out: str, variant: Variant, seed: int, model: Trained, place: Place, progress: Progress
) -> list[pa.Table]:
    """Predictions for one corpus by one model: over all classes, and among those of the corpus."""
    manifest, labels = generalists.tested(corpora.table, corpora.manifests[held_out])
    title = f"test {_title(held_out, variant, seed)}"
    said = generalists.predicted(model, manifest, place, progress, title)
    classes = corpora.table.classes
    among = said * np.isin(classes, labels)
    return [
        _table(classes, shares, name, seed, manifest, labels)
        for name, shares in ((variant.name, said), (variant.name + KNOWN, among / among.sum(1, keepdims=True)))
    ]


def _table(
    classes: Sequence[str],
    said: NDArray[np.float64],
    name: str,
    seed: int,
    manifest: Any,
    labels: Sequence[str],
) -> pa.Table:
    return table_of.table(
        classes,
        said,
        condition=name,
        round=0,
        fold=0,
        seed=seed,
        utterances=[u.id for u in manifest],
        speakers=[u.speaker for u in manifest],
        labels=labels,
    )


def _judged(
    recipe: GeneralistRecipe,
    corpora: Corpora,
    predictions: Mapping[str, pa.Table],
    chosen: Sequence[Variant],
    out: Path,
    device: str,
) -> dict[str, Any]:
    names = [variant.name for variant in chosen]
    pairs = [((name + known, 0), (names[0] + known, 0)) for known in ("", KNOWN) for name in names[1:]]
    tests = []
    for held_out, table in predictions.items():
        table_of.write(out / "predictions" / f"{held_out}.parquet", table)
        manifest, labels = generalists.tested(corpora.table, corpora.manifests[held_out])
        others = [name for name in recipe.corpora if name != held_out]
        verdict = judged.judge(table, baseline=names[0], pairs=pairs)
        tests.append(
            {
                "held_out": held_out,
                "languages": list(manifest.languages),
                "heard": generalists.heard_facts(corpora.together(others)),
                "n_utterances": len(manifest),
                "n_not_tested": len(corpora.manifests[held_out]) - len(manifest),
                "n_speakers": len({u.speaker for u in manifest}),
                "classes": {c: labels.count(c) for c in corpora.table.classes if c in labels},
                "refused": corpora.refused[held_out],
                "conditions": [{**c, **_meant(c["name"])} for c in verdict["conditions"]],
                "comparisons": [{**c, **_meant(c["a"])} for c in verdict["comparisons"]],
                "recalls": judged.recalls(table),
                "confusions": judged.confusions(table),
                "warnings": verdict["warnings"],
            }
        )
    return {
        "schema": 1,
        "name": recipe.name,
        "network": _called(recipe.network.weights),
        "frozen_layers": recipe.network.frozen_layers,
        "context": recipe.network.context,
        "epochs": recipe.schedule.epochs,
        "seeds": recipe.schedule.seeds,
        "variants": [{"name": v.name, **vars(v)} for v in chosen],
        "tests": tests,
        "environment": environment(device),
    }


def _meant(condition: str) -> dict[str, str]:
    """The two things that a condition's name says."""
    variant = condition.removesuffix(KNOWN)
    return {"variant": variant, "among": "all" if variant == condition else "its own"}


def _called(weights: str) -> str:
    """What the weights are called, without the place of a folder."""
    return Path(weights).name if Path(weights).expanduser().is_dir() else weights
