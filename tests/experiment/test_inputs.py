"""The first half of a run: what is dropped and said, and what cannot go on."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sottovoce.errors import ManifestError
from sottovoce.experiment.inputs import Natural, gather, natural, read, target_language
from sottovoce.experiment.task import OfEmotions
from sottovoce.judging.fold_plan import bare_name, namesakes, speaker_of
from sottovoce.recipe import Selection, Speech
from sottovoce.speech.manifest import Manifest
from sottovoce.store.progress import Quiet
from tests import tiny


def told_apart(*emotions: str) -> OfEmotions:
    return OfEmotions(list(emotions), 0.05, Selection())


def test_everything_has_features(job):
    inputs = job.inputs
    assert {name: len(found.kept) for name, found in inputs.features.items()} == {
        "target": 24,
        "translated": 18,
        "source": 18,
    }
    assert inputs.refused == () and len(inputs.plan.folds) == 4
    assert {u.id for u in inputs.translated} == {f"{u.id}>it" for u in inputs.source.manifest}


def test_only_what_the_conditions_need_is_made(job):
    recipe = job.recipe.model_copy(update={"conditions": ["target-only"]})
    inputs = gather(recipe, job.place, Quiet())
    assert set(inputs.features) == {"target"} and inputs.synthesis is None and not len(inputs.translated)


def test_other_emotions_and_broken_recordings_are_dropped(tmp_path):
    broken = {"path": "mine/empty.wav", "speaker": "2", "emotion": "sad"}
    path = tiny.write_side(tmp_path, "mine", "12", ("angry", "happy", "sad"), further_rows=[broken])
    (tmp_path / broken["path"]).touch()
    side = natural(Speech(manifest=str(path)), told_apart("angry", "sad"), "target", Quiet())
    assert {u.emotion for u in side.manifest} == {"angry", "sad"} and len(side.manifest) == 8
    assert [reason for _, _, reason in side.checked.refused] == ["is empty (0 bytes)"]
    with pytest.raises(ManifestError, match="the target has no utterance labelled neutral; change `emotions`"):
        natural(Speech(manifest=str(path)), told_apart("angry", "neutral"), "target", Quiet())


def test_a_recording_that_is_on_both_sides_is_refused(job, tmp_path):
    """Under another name, and of another corpus: the folds could not keep it away from its speaker's test."""
    mine = tiny.write_side(tmp_path, "mine", "12")
    shutil.copy(Path(job.inputs.target.manifest[0].path), tmp_path / "mine" / "copy.wav")
    rows = [
        *csv.DictReader(mine.read_text(encoding="utf-8").splitlines()),
        {"path": "mine/copy.wav", "speaker": "9", "emotion": "sad"},
    ]
    tiny.write_csv(mine, rows)
    recipe = job.recipe.model_copy(update={"source": Speech(manifest=str(mine), language="en")})
    with pytest.raises(ManifestError, match=r"target and source: 1 recording\(s\), such as .*copy\.wav"):
        gather(recipe, job.place, Quiet())
    alone = recipe.model_copy(update={"conditions": ["target-only"]})
    assert len(gather(alone, job.place, Quiet()).target.manifest) == len(job.inputs.target.manifest)


def test_synthetic_speech_in_the_target_is_left_out_of_everything(job, tmp_path):
    natural_ones, made = job.inputs.target.manifest, job.inputs.translated
    Manifest((*natural_ones, *made)).write(tmp_path / "both.parquet")
    side = natural(Speech(manifest=str(tmp_path / "both.parquet")), told_apart("angry", "sad"), "target", Quiet())
    assert {u.id for u in side.manifest} == {u.id for u in natural_ones if u.emotion in ("angry", "sad")}
    assert any(note.startswith(f"{len(made)} synthetic utterances") for note in side.notes)


def test_one_name_in_two_corpora_is_two_people_wherever_people_are_counted(tmp_path):
    path = tiny.write_side(tmp_path, "mine", "12", ("angry", "sad"))
    rows = [
        {**row, "corpus": "ab"[row["emotion"] == "sad"]}
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    ]
    tiny.write_csv(path, [row for row in rows if (row["speaker"], row["corpus"]) != ("2", "b")])
    manifest, _ = read(Speech(manifest=str(path)))
    assert manifest.speakers == ["2", "a/1", "b/1"]
    assert [speaker_of(u) for u in manifest if u.speaker != "2"] == [u.speaker for u in manifest if u.speaker != "2"]
    assert {speaker_of(u) for u in manifest} == {"a/1", "b/1", "a/2"}
    third = [replace(u, corpus="c", speaker=bare_name(u)) for u in manifest]
    assert namesakes(manifest, third) == {"1", "2"} and namesakes(manifest, manifest) == {"1"}
    unknown = Manifest(tuple(replace(u, speaker="1", corpus="") for u in manifest[:1]))
    assert unknown.people_apart() == unknown


def test_translation_needs_one_language(job):
    target = job.inputs.target
    for languages in ((None,), ("it", "de")):
        mixed = [replace(u, language=languages[i % len(languages)]) for i, u in enumerate(target.manifest)]
        with pytest.raises(ManifestError, match=r"set target\.language"):
            target_language(Natural(Manifest(tuple(mixed)), target.checked, ()))


def test_every_stage_reports_all_of_its_steps(job):
    class Counting:
        def __init__(self):
            self.stages = {}

        def stage(self, title, total):
            from contextlib import contextmanager

            @contextmanager
            def opened():
                done: list[int] = []
                yield done.append
                self.stages[title] = (sum(done), total)

            return opened()

    progress = Counting()
    gather(job.recipe, job.place, progress)
    assert set(progress.stages) == {
        "check: target",
        "check: source",
        "features: target",
        "translation",
        "prosody",
        "features: translated",
        "features: source",
    }
    assert all(done == total > 0 for done, total in progress.stages.values()), progress.stages
