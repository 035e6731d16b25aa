"""Runs that are killed, run out of space or find damaged files end with the results of one that was left alone."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests import launcher, tiny

EPOCHS = 25
"""Enough that there is a moment in which to kill."""

N_TRANSLATED = 19
FILES = ("results.json", "predictions.parquet", "selection.parquet", "folds.json", "model/model.safetensors")


class Story:
    """One recipe and corpus with a store and an output of its own."""

    def __init__(self, recipe: Path, place: Path) -> None:
        self.recipe, self.place, self.store, self.out = recipe, place, place / "store", place / "out"

    def start(self, **settings) -> launcher.Command:
        return launcher.start(
            self.place, "run", self.recipe, "--out", self.out, "--store", self.store, "--quiet", **settings
        )

    def run(self, **settings) -> launcher.Outcome:
        return self.start(**settings).wait()

    def files(self) -> dict[str, bytes]:
        return {name: (self.out / name).read_bytes() for name in FILES}

    def finished(self, stage: str) -> dict[Path, int]:
        """Finished shards of a stage, with the time at which each was sealed."""
        seals = self.store.glob(f"{stage}/*/*/seal.json")
        return {seal.parent: seal.stat().st_mtime_ns for seal in seals if not seal.parent.name.startswith(".")}

    def everything_finished(self) -> dict[Path, int]:
        return {p: time for stage in ("translations", "features", "banks") for p, time in self.finished(stage).items()}

    def half_done(self) -> list[Path]:
        """Hidden folders of shards in the making."""
        return [p for stage in ("translations", "features") for p in self.store.glob(f"{stage}/*/.*") if p.is_dir()]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Story:
    place = tmp_path_factory.mktemp("uninterrupted")
    training = {"seeds": [0, 1], "hidden": 8, "epochs": EPOCHS, "batch_size": 8, "learning_rate": 0.002}
    story = Story(tiny.write_all(place, training=training), place)
    outcome = story.run()
    assert outcome.code == 0, outcome.err
    return story


@pytest.fixture
def story(uninterrupted, tmp_path) -> Story:
    """The same job from the beginning."""
    return Story(uninterrupted.recipe, tmp_path)


@pytest.fixture
def copy(uninterrupted, tmp_path) -> Story:
    """The same job with everything kept and nothing put out."""
    story = Story(uninterrupted.recipe, tmp_path)
    shutil.copytree(uninterrupted.store, story.store)
    return story


def test_killed_in_every_stage(uninterrupted, story):
    """After every kill, all that was finished is used as it is, and at most one shard was in the making."""
    moments: dict[str, Callable[[], bool]] = {
        "features": lambda: len(story.finished("features")) >= 2,
        "translations": lambda: len(story.finished("translations")) >= 2,
        "training": lambda: any(story.store.glob("banks/*/.*/checkpoint.safetensors")),
        "a later round": lambda: len(story.finished("banks")) >= 2,
        "writing": lambda: (story.out / "predictions.parquet").exists(),
    }
    kept: dict[Path, int] = {}
    for moment, ready in moments.items():
        before = len(story.half_done())
        outcome = story.start().signal_when(ready)
        assert outcome.code == -signal.SIGKILL, f"{moment}: {outcome.err}"
        assert len(story.half_done()) <= before + 1, moment
        now = story.everything_finished()
        assert kept.items() <= now.items(), f"work done before '{moment}' was done again"
        kept = now
    assert story.run().code == 0
    assert kept.items() <= story.everything_finished().items()
    made = [
        row["id"]
        for shard in story.finished("translations")
        for row in pq.read_table(shard / "index.parquet").to_pylist()
    ]
    assert len(made) == len(set(made)) == N_TRANSLATED
    assert story.files() == uninterrupted.files()


def test_killed_at_random_moments(uninterrupted, story):
    rng = random.Random(2)
    for _ in range(2):
        at_s = time.monotonic() + rng.uniform(0.2, 5.0)
        outcome = story.start().signal_when(lambda at_s=at_s: time.monotonic() > at_s)
        assert outcome.code in (-signal.SIGKILL, 0)
    assert story.run().code == 0
    assert story.files() == uninterrupted.files()


def test_ctrl_c(uninterrupted, story):
    """Exit code 130, a message, no half-made shard; the same command continues."""
    outcome = story.start().signal_when(lambda: len(story.finished("translations")) >= 1, signal.SIGINT)
    assert outcome.code == 130
    assert "the same command continues" in outcome.err and "Traceback" not in outcome.err
    assert not story.half_done()
    first = story.finished("translations")
    assert story.run().code == 0
    assert first.items() <= story.finished("translations").items()
    assert story.files() == uninterrupted.files()


def test_damaged_files_of_the_store(uninterrupted, copy):
    """A flipped byte in each stage: a warning names it, it is made anew, the results are the same."""
    damaged = [sorted(copy.finished("translations"))[0], sorted(copy.finished("features"))[1]]
    damaged.append(sorted(copy.finished("banks"))[0])
    for folder, pattern in zip(damaged, ("*.flac", "frames.npy", "heads.safetensors"), strict=True):
        file = sorted(folder.glob(pattern))[0]
        content = bytearray(file.read_bytes())
        content[-40] ^= 0xFF
        file.write_bytes(content)
    outcome = copy.run()
    assert outcome.code == 0
    said = "".join(outcome.err.split())  # the log breaks long lines
    for folder in damaged:
        assert f"{folder}isdamaged" in said
        assert (folder / "seal.json").exists()
    assert copy.files() == uninterrupted.files()


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all" * 100])
def test_a_damaged_checkpoint(uninterrupted, copy, content):
    bank = max(copy.finished("banks").items(), key=lambda found: found[1])[0]
    shutil.rmtree(bank)
    (checkpoint := bank.with_name(f".{bank.name}") / "checkpoint.safetensors").parent.mkdir()
    checkpoint.write_bytes(content)
    outcome = copy.run()
    assert outcome.code == 0, outcome.err
    assert "checkpoint" in outcome.err and "damaged" in outcome.err
    assert copy.files() == uninterrupted.files()


def test_a_full_disk(uninterrupted, story):
    """No file may grow beyond a limit that stops one stage after the other; with space the run goes on."""
    stopped_at = []
    for limit in (1_500, 8_000, 14_000, 40_000, 80_000):
        outcome = story.run(file_limit=limit)
        assert outcome.code == 1 and outcome.out == "", limit
        assert "Traceback" not in outcome.err, outcome.err
        assert "no space left" in outcome.err and "run the same command" in outcome.err
        stopped_at.append(len(story.everything_finished()))
        assert not story.half_done()
    assert stopped_at == sorted(stopped_at) and len(set(stopped_at)) >= 3
    assert story.run().code == 0
    assert story.files() == uninterrupted.files()


def test_a_store_that_may_not_be_written(uninterrupted, story):
    story.store.write_text("a file where the store should be", encoding="utf-8")
    outcome = story.run()
    assert outcome.code == 1 and "Traceback" not in outcome.err and "--store" in outcome.err
