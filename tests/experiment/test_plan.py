"""What `--dry-run` shows: right before and after, and nothing is computed for it."""

from __future__ import annotations

from sottovoce.experiment.inputs import gather
from sottovoce.experiment.plan import plan
from sottovoce.experiment.training import train_all
from sottovoce.store.progress import Quiet


def test_before_and_after(job, tmp_path):
    place = job.fresh(tmp_path)

    def look() -> dict[str, tuple[int, int]]:
        before = {path for path in tmp_path.rglob("*") if path.is_file()}
        stages = plan(job.recipe, place)
        made = {path for path in tmp_path.rglob("*") if path.is_file()} - before
        assert {path.name for path in made} <= {"digests.json", "settings.json"}
        assert all(stage.left_s >= 0 for stage in stages)
        assert all(stage.left_s > 0 for stage in stages if stage.kept < stage.total)
        return {stage.title: (stage.kept, stage.total) for stage in stages}

    assert look() == {
        "check": (0, 42),
        "features: target": (0, 24),
        "translation": (0, 18),
        "prosody": (0, 18),
        "features: translated": (0, 18),
        "features: source": (0, 18),
        "training": (0, 0),
    }
    inputs = gather(job.recipe, place, Quiet())
    training = look().pop("training")
    assert training == (0, 15)
    train_all(job.recipe, inputs, place, Quiet())
    after = look()
    assert after.pop("check") == (0, 42)
    assert all(kept == total > 0 for kept, total in after.values()), after


def test_a_mix_of_layers_has_a_speed_of_its_own(job, tmp_path):
    place = job.fresh(tmp_path)
    place.speeds.record("training", 1.0, 1.0)
    place.speeds.record("training: mix", 1.0, 50.0)

    def left_s(layer: str) -> float:
        recipe = job.recipe.model_copy(update={"upstream": job.recipe.upstream.model_copy(update={"layer": layer})})
        return plan(recipe, place)[-1].left_s

    assert left_s("mix") == left_s("mix-raw") == 50 * left_s("last") > 0
