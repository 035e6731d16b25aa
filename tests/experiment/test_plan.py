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
