"""The whole job: from a recipe to the files of a run (see docs/files.md)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch

from sottovoce import demo
from sottovoce.corpora import catalogue
from sottovoce.experiment import survival
from sottovoce.experiment.arms import Outcome
from sottovoce.experiment.cautions import cautions, contaminated_by
from sottovoce.experiment.environment import environment
from sottovoce.experiment.inputs import Inputs, gather, upstream_maker
from sottovoce.experiment.place import Place
from sottovoce.experiment.task import task_of
from sottovoce.experiment.teacher import with_votes
from sottovoce.experiment.training import train_all
from sottovoce.judging import predictions as prediction_table
from sottovoce.judging import results as judged
from sottovoce.judging.choosing import choose
from sottovoce.recipe import WITHOUT_WEIGHTS, Recipe, Speech, Upstream
from sottovoce.show.report import write_report
from sottovoce.speech.manifest import Manifest
from sottovoce.store.atomic import write_atomically, write_json
from sottovoce.store.progress import Progress, Quiet
from sottovoce.upstreams.features import precision_deviation
from sottovoce.use.making import write_model
from sottovoce.weights.arithmetic import resolve_precision


def run(recipe: Recipe, out: Path, place: Place, progress: Progress | None = None) -> dict[str, Any]:
    """Do everything the recipe says and leave a run's files in `out`; return what `results.json` holds.

    Everything slow is kept in the store as it is made: a run that was interrupted goes on where it was.

    Raises:
        SottovoceError: of whichever stage cannot go on; each says what to do next.
    """
    progress = progress or Quiet()
    out.mkdir(parents=True, exist_ok=True)
    gathered = gather(recipe, place, progress)
    inputs = with_votes(recipe, gathered, place, progress)
    outcome = train_all(recipe, inputs, place, progress)
    survived = _survival(recipe, gathered, place, progress)
    with progress.stage("judging and report", 4) as done:
        for name in ("results.json", "details.json", "report.html"):  # whose recipe may have been another
            (out / name).unlink(missing_ok=True)
        shutil.rmtree(out / "model", ignore_errors=True)
        write_atomically(out / "recipe.yaml", recipe.write)
        inputs.plan.write(out / "folds.json")
        predictions = pa.concat_tables(outcome.predictions)
        prediction_table.write(out / "predictions.parquet", predictions)
        _write_selection(out / "selection.parquet", outcome.selections)
        _write_manifests(out / "manifests", inputs, outcome)
        done(1)
        results = _results(recipe, inputs, outcome, predictions, place)
        choice = choose(predictions, recipe.candidates)
        details = _details(recipe, inputs, outcome, place, survived) | {"chosen": vars(choice)}
        write_json(out / "details.json", details)
        write_json(out / "results.json", results)
        done(1)
        write_model(out / "model", recipe, inputs, outcome, predictions, choice, results, details)
        done(1)
        write_report(out)
        done(1)
    return results


def name_of(speech: Speech) -> str:
    """What a recipe's side is called in results: the corpus, or the stem of the manifest."""
    return speech.corpus or Path(speech.manifest or "").stem


def _results(recipe: Recipe, inputs: Inputs, outcome: Outcome, predictions: pa.Table, place: Place) -> dict[str, Any]:
    verdict = judged.judge(predictions)
    for condition in verdict["conditions"]:
        counts = outcome.n_selected[condition["name"], condition["round"]]
        condition["n_selected"] = round(float(np.mean(counts)), 2)
    card = inputs.upstream.card
    return {
        "schema": 1,
        "target": name_of(recipe.target),
        "source": name_of(recipe.source),
        "upstream": " ".join([card.name, *_weights(recipe.upstream)])
        + f", layer {recipe.upstream.layer}"
        + (f", context {recipe.upstream.context}" if recipe.upstream.name == "whisper" else ""),
        "translator": None if inputs.synthesis is None else inputs.synthesis.translator.card.name,
        "protocol": inputs.plan.protocol,
        "n_speakers": len(inputs.plan.tested_speakers),
        "n_folds": len(inputs.plan.folds),
        "seeds": recipe.training.seeds,
        **_measures(recipe),
        "contaminated": contaminated_by(inputs),
        "conditions": verdict["conditions"],
        "comparisons": verdict["comparisons"],
        "warnings": [*_synthetic(inputs), *cautions(recipe, inputs), *verdict["warnings"]],
        "environment": _environment(recipe, place),
    }


def _measures(recipe: Recipe) -> dict[str, Any]:
    """The measures with the ends of their scales, where they stand in place of emotions."""
    return {"measures": recipe.model_dump(mode="json")["measures"]} if recipe.measures else {}


def _weights(upstream: Upstream) -> list[str]:
    """What the weights are called, without the place of a folder."""
    if upstream.known_as or not upstream.weights:
        return [upstream.known_as] if upstream.known_as else []
    return [Path(upstream.weights).name if Path(upstream.weights).is_dir() else upstream.weights]


def _synthetic(inputs: Inputs) -> list[str]:
    """What to say of the demonstration's voices; nothing of people's."""
    return [demo.DISCLAIMER] if any(u.corpus in demo.CORPORA.values() for u in inputs.target.manifest) else []


def _environment(recipe: Recipe, place: Place) -> dict[str, Any]:
    device = torch.device(place.device)
    return environment(place.device) | {
        "features_precision": resolve_precision(recipe.upstream.precision, device),
        "training_precision": resolve_precision(recipe.training.precision, device),
    }


def _details(
    recipe: Recipe, inputs: Inputs, outcome: Outcome, place: Place, survived: dict[str, Any] | None
) -> dict[str, Any]:
    checked = {"target": inputs.target.checked, "source": inputs.source.checked}
    return {
        "synthetic": bool(_synthetic(inputs)),
        "language_target": inputs.target.language,
        "language_source": inputs.source.language,
        "criterion": task_of(recipe).criterion(inputs.source.manifest),
        "keep": recipe.selection.keep,
        "checks": {
            side: checks.to_dict()
            | {"tables": [table._asdict() for table in checks.tables() if table.title != "Refused"]}
            for side, checks in checked.items()
        },
        "licences": _licences(recipe, inputs),
        "upstream": inputs.upstream.card.to_dict(),
        "translator": None if inputs.synthesis is None else vars(inputs.synthesis.translator.card),
        "survival": survived,
        "precision": _precision(recipe, inputs, place),
        "refused": [dict(refusal) for refusal in inputs.refused],
        "notes": [],
        "weights": outcome.weights,
    }


def _licences(recipe: Recipe, inputs: Inputs) -> list[dict[str, str]]:
    cards = catalogue.corpora()
    rows = []
    for side, speech in (("target", recipe.target), ("source", recipe.source)):
        known = cards.get(speech.corpus or "")
        licence = known.card.licence if known else "yours: not stated in the manifest"
        rows.append({"what": f"{side} recordings: {name_of(speech)}", "licence": licence})
    rows.append({"what": f"upstream: {inputs.upstream.card.name}", "licence": inputs.upstream.card.licence})
    if inputs.synthesis is not None:
        card = inputs.synthesis.translator.card
        rows.append({"what": f"translator: {card.name}", "licence": card.licence_of_code})
        rows.append({"what": "translator's weights", "licence": card.licence_of_weights})
        rows.append({"what": "translated speech", "licence": card.licence_of_outputs})
    return rows


def _survival(recipe: Recipe, inputs: Inputs, place: Place, progress: Progress) -> dict[str, Any] | None:
    """Does the emotion survive translation? Asked of heads that never heard the speaker; not asked of measures."""
    if inputs.synthesis is None:
        return None
    name = inputs.synthesis.translator.card.name
    check = None if recipe.measures else _emotion_check(recipe, inputs, name, place, progress)
    filtered = inputs.synthesis.filtered
    return {
        "emotion_check": check,
        "tables": [table._asdict() for table in filtered.tables],
        "warnings": list(filtered.warnings),
    }


def _emotion_check(recipe: Recipe, inputs: Inputs, name: str, place: Place, progress: Progress) -> dict[str, Any]:
    features = {"source": inputs.features["source"], name: inputs.features["translated"]}
    with progress.stage("emotion check", 2 * recipe.training.epochs) as done:
        return survival.check(
            inputs.source.manifest,
            {name: inputs.translated},
            features,
            recipe.emotions,
            # one seed: it is a check of the material, not a result
            recipe.training.model_copy(update={"seeds": recipe.training.seeds[:1]}),
            place,
            done,
        )


def _precision(recipe: Recipe, inputs: Inputs, place: Place) -> str:
    """What the features were computed in and, for bf16, how far that is from fp32."""
    used = resolve_precision(recipe.upstream.precision, torch.device(place.device))
    if used == "fp32" or recipe.upstream.name in WITHOUT_WEIGHTS:
        return "fp32, kept in fp16"
    plain = recipe.model_copy(update={"upstream": recipe.upstream.model_copy(update={"precision": "fp32"})})
    exact = upstream_maker(plain, place.device)()
    deviation = precision_deviation(inputs.target.manifest, inputs.features["target"], exact)
    return (
        f"bf16, kept in fp16; against fp32 on four utterances: relative RMS {deviation['relative_rms']:.4f}, "
        f"cosine of pooled vectors at least {deviation['cosine']:.5f}"
    )


def _write_selection(path: Path, selections: Sequence[pa.Table]) -> None:
    path.unlink(missing_ok=True)  # of an earlier run with other conditions
    if selections:
        table = pa.concat_tables(selections)
        write_atomically(path, lambda partial: pq.write_table(table, partial))


def _write_manifests(folder: Path, inputs: Inputs, outcome: Outcome) -> None:
    translated = inputs.translated
    written = {"target": inputs.target.manifest, "source": inputs.source.manifest}
    if len(translated):
        written["translated"] = translated
        shares = _kept_shares(outcome)
        kept = [
            replace(u, measures={**u.measures, "kept_share": round(shares[u.id], 4)})
            for u in translated
            if shares.get(u.id, 0.0) > 0
        ]
        written["kept"] = Manifest(tuple(kept))
    for name in ("target", "source", "translated", "kept"):
        (folder / f"{name}.parquet").unlink(missing_ok=True)
    for name, manifest in written.items():
        manifest.write(folder / f"{name}.parquet")


def _kept_shares(outcome: Outcome) -> Mapping[str, float]:
    """In which share of folds and seeds the last round of bootstrapping kept each translated utterance."""
    tables = [t for t in outcome.selections if t["condition"][0].as_py() == "bootstrapped"]
    if not tables:
        return {}
    table = pa.concat_tables(tables)
    table = table.filter(pc.field("round") == max(table["round"].to_pylist()))
    shares = table.group_by("utterance").aggregate([("kept", "mean")])
    return dict(zip(shares["utterance"].to_pylist(), shares["kept_mean"].to_pylist(), strict=True))
