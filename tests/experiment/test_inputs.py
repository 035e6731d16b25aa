"""The first half of a run: what is dropped and said, and what cannot go on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sottovoce.errors import ManifestError
from sottovoce.experiment.inputs import Natural, gather, natural, target_language
from sottovoce.experiment.task import OfEmotions
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
