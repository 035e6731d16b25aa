"""A fabricated run folder: random predictions with a made-up gain, so that the report has everything to show."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sottovoce.judging import predictions as predicted
from sottovoce.judging import results as judged
from sottovoce.show.report import write_report
from sottovoce.speech.emotions import FOUR_CLASSES
from tests.show import translations

N_POOL = 60


def fabricate(
    run: Path,
    *,
    classes: Sequence[str] = FOUR_CLASSES,
    speakers: Sequence[str] = tuple("abcdef"),
    seeds: Sequence[int] = (0, 1, 2),
    n_rounds: int = 2,
) -> Path:
    """Write the files of a run into `run`: one fold a speaker, ten utterances a class. All numbers are random."""
    rng = np.random.default_rng(7)
    run.mkdir(parents=True, exist_ok=True)
    strengths = {("target-only", 0): 1.0, ("all-synthetic", 0): 0.8, ("untranslated", 0): 0.9}
    for number in range(1, n_rounds + 1):
        strengths |= {("bootstrapped", number): 1.0 + 0.3 * number, ("untranslated-selected", number): 1.0}
    tables = [
        _predictions(rng, classes, speaker, condition, number, fold, seed, strength)
        for (condition, number), strength in strengths.items()
        for fold, speaker in enumerate(speakers)
        for seed in seeds
    ]
    table = pa.concat_tables(tables)
    predicted.write(run / "predictions.parquet", table)
    results = judged.judge(table)
    for condition in results["conditions"]:
        condition["n_selected"] = None if condition["name"] == "target-only" else 41.5
    results |= {
        "schema": 1,
        "target": "made-up Italian",
        "source": "made-up English",
        "upstream": "logmel",
        "translator": "offline",
        "protocol": "leave-one-speaker-out",
        "n_speakers": len(speakers),
        "n_folds": len(speakers),
        "seeds": list(seeds),
        "environment": {"python": "3.11.9", "torch": "2.13.0", "device": "cpu"},
    }
    write_json(run / "results.json", results)
    write_json(run / "folds.json", {"proof": _proof(speakers, classes)})
    write_json(run / "details.json", _details(classes))
    (run / "recipe.yaml").write_text("target: made-up\nhead:\n  hidden: 128\n", encoding="utf-8")
    _manifests(run / "manifests", classes, speakers)
    pq.write_table(_selection(rng, len(speakers), seeds, n_rounds), run / "selection.parquet")
    return run


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def edit_json(path: Path, **changes: object) -> None:
    """Replace some fields of a JSON file."""
    write_json(path, json.loads(path.read_text(encoding="utf-8")) | changes)


def _predictions(rng, classes, speaker, condition, number, fold, seed, strength) -> pa.Table:
    labels = [emotion for emotion in classes for _ in range(10)]
    logits = rng.normal(size=(len(labels), len(classes)))
    logits[np.arange(len(labels)), np.repeat(np.arange(len(classes)), 10)] += strength
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return predicted.table(
        classes,
        probabilities,
        condition=condition,
        round=number,
        fold=fold,
        seed=seed,
        utterances=[f"{speaker}{i}" for i in range(len(labels))],
        speakers=[speaker] * len(labels),
        labels=labels,
    )


def _proof(speakers: Sequence[str], classes: Sequence[str]) -> dict:
    folds = [
        {
            "number": number,
            "train_speakers": [other for other in speakers if other != speaker],
            "test_speakers": [speaker],
            "shared_speakers": [],
            "train_counts": {emotion: 10 * (len(speakers) - 1) for emotion in classes},
            "test_counts": dict.fromkeys(classes, 10),
            "shared_text_ids": ["b1", "b2"],
        }
        for number, speaker in enumerate(speakers)
    ]
    return {"speaker_disjoint": True, "every_utterance_tested_once": True, "folds": folds}


def _details(classes: Sequence[str]) -> dict:
    table = {"title": "Levels", "columns": ["measure", "lowest", "highest"], "rows": [["peak", 0.1, 0.9]]}
    refused = [{"id": "<script>alert(1)</script>", "path": "<script>.wav", "reason": "the file is empty"}]
    return {
        "synthetic": False,
        "language_target": "it",
        "language_source": "en",
        "checks": {"target": {"tables": [table], "refused": refused}, "source": {"tables": [table], "refused": []}},
        "licences": [{"what": "made-up Italian", "licence": "CC0-1.0"}],
        "upstream": {"name": "logmel", "dimension": 80, "trained_on": [], "licence": "Apache-2.0"},
        "translator": {"name": "offline", "languages": ["it", "de"], "licence_of_outputs": "as the source's"},
        "survival": {
            "emotion_check": translations.heard(
                translations.source(Path("gone"), classes), translations.STRENGTHS, classes
            ),
            "tables": [{"title": "Dropped", "columns": ["emotion", "dropped"], "rows": [["happy", "7"]]}],
            "warnings": ["The filter drops the happy ones."],
        },
        "refused": [
            {"stage": "check", "id": refused[0]["id"], "reason": refused[0]["reason"]},
            {"stage": "translation", "id": "source/9", "reason": "its text has no translation"},
        ],
        "precision": "bf16; largest deviation from fp32 0.01",
        "notes": ["A note of the run."],
    }


def _manifests(folder: Path, classes: Sequence[str], speakers: Sequence[str]) -> None:
    folder.mkdir()
    source = translations.source(folder.parent / "gone", classes, N_POOL)
    translated = translations.translated(source)
    target = {"id": [], "speaker": [], "emotion": []}
    for speaker in speakers:
        for i in range(10 * len(classes)):
            target["id"].append(f"{speaker}{i}")
            target["speaker"].append(speaker)
            target["emotion"].append(classes[i // 10])
    pq.write_table(pa.table(target), folder / "target.parquet")
    for name, manifest in {"source": source, "translated": translated, "kept": translated}.items():
        manifest.write(folder / f"{name}.parquet")


def _selection(rng, n_folds: int, seeds: Sequence[int], n_rounds: int) -> pa.Table:
    rows = []
    for condition in ("bootstrapped", "untranslated-selected"):
        for fold in range(n_folds):
            for seed in seeds:
                for number in range(1, n_rounds + 1):
                    kl = rng.gamma(1.5, 1.2 / number, N_POOL)
                    correct = rng.random(N_POOL) < 0.7
                    kept = correct & (kl < np.median(kl))
                    where = {"condition": condition, "fold": fold, "seed": seed, "round": number}
                    rows += [
                        where | {"utterance": f"s{i}", "kl": kl[i], "correct": bool(correct[i]), "kept": bool(kept[i])}
                        for i in range(N_POOL)
                    ]
    where = [("condition", pa.string()), ("fold", pa.int32()), ("seed", pa.int32()), ("round", pa.int32())]
    what = [("utterance", pa.string()), ("kl", pa.float64()), ("correct", pa.bool_()), ("kept", pa.bool_())]
    return pa.Table.from_pylist(rows, schema=pa.schema(where + what))


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fabricated run with everything in it and its report; not to be changed."""
    folder = fabricate(tmp_path_factory.mktemp("fabricated") / "run")
    write_report(folder)
    return folder


@pytest.fixture
def run(reported: Path, tmp_path: Path) -> Path:
    """A copy of that run to change, without the report."""
    folder = tmp_path / "run"
    shutil.copytree(reported, folder)
    (folder / "report.html").unlink()
    return folder
