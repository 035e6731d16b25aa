"""`sottovoce train` and `sottovoce zero-shot` in processes of their own, killed and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import load_file

from tests import launcher, tiny_generalist

SCHEDULE = {**tiny_generalist.SMALL, "epochs": 8}
"""Enough epochs that there is a moment in which to kill."""


HEAVY = (
    *("accelerate", "transformers.trainer", "sottovoce.zero_shot", "transformers.models.whisper.modeling_whisper"),
    "tests.slow_checkpoints",
)


def start(place: Path, *words: str | Path, **settings) -> launcher.Command:
    return launcher.start(place, *words, "--quiet", imports=HEAVY, **settings)


class Job:
    """`sottovoce train` with a store and an output of its own."""

    def __init__(self, recipe: Path, place: Path) -> None:
        self.recipe, self.place, self.store, self.out = recipe, place, place / "store", place / "model"

    def start(self, *changes: str, **settings) -> launcher.Command:
        words = [word for change in changes for word in ("--set", change)]
        return start(self.place, "train", self.recipe, "-o", self.out, "--store", self.store, *words, **settings)

    def weights(self) -> bytes:
        return (self.out / "model.safetensors").read_bytes()

    def checkpoints(self) -> list[Path]:
        found = self.store.glob("generalists/.*/checkpoint-*")
        return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))

    def finished_epochs(self) -> int:
        return sum((path / "trainer_state.json").exists() for path in self.checkpoints())


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Job:
    place = tmp_path_factory.mktemp("train")
    job = Job(tiny_generalist.write(place, ["it", "eng"], schedule=SCHEDULE), place)
    outcome = job.start().wait()
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines() == [f"model: {job.out}. Next: sottovoce predict {job.out} AUDIO"]
    return job


@pytest.fixture
def job(uninterrupted, tmp_path) -> Job:
    return Job(uninterrupted.recipe, tmp_path)


def test_the_folder_is_a_model_of_transformers(uninterrupted):
    told = json.loads((uninterrupted.out / "config.json").read_text(encoding="utf-8"))
    assert told["model_type"] == "sottovoce-generalist" and told["architectures"] == ["Generalist"]
    assert list(told["id2label"].values()) == [
        *("happy", "sad", "disgusted", "fearful", "surprised", "angry", "other", "neutral")
    ]
    assert told["heard"] == {"corpora": ["eng", "it"], "languages": ["en", "it"], "speakers": 4, "utterances": 24}
    assert sum(told["prior"]) == pytest.approx(1)
    assert not uninterrupted.checkpoints(), "nothing unfinished is left"
    with safe_open(uninterrupted.out / "model.safetensors", framework="pt") as tensors:
        assert "domain_heads.0.weight" in tensors.keys()  # noqa: SIM118


def test_killed_in_mid_epoch_and_while_a_checkpoint_is_written(uninterrupted, job):
    def between_epochs() -> bool:
        return job.finished_epochs() >= 2

    def writing() -> bool:
        return any(not (path / "trainer_state.json").exists() for path in job.checkpoints())

    numbers = [0]
    for ready in (between_epochs, writing, writing):
        slow = {"SLOW_CHECKPOINTS": "0.2" if ready is writing else "0"}
        assert job.start(environment=slow).signal_when(ready).code == -signal.SIGKILL
        numbers.append(max((int(path.name.rpartition("-")[2]) for path in job.checkpoints()), default=0))
        assert not job.out.exists()
    assert numbers == sorted(numbers) and numbers[-1] > 0, "it went on, and did not begin again"
    outcome = job.start().wait()
    assert outcome.code == 0, outcome.err
    assert job.weights() == uninterrupted.weights()


def test_ctrl_c(uninterrupted, job):
    outcome = job.start().signal_when(lambda: job.finished_epochs() >= 1, signal.SIGINT)
    assert outcome.code == 130 and "the same command continues" in outcome.err and "Traceback" not in outcome.err
    assert job.start().wait().code == 0 and job.weights() == uninterrupted.weights()


def test_a_full_disk(uninterrupted, job):
    outcome = job.start(file_limit=20_000).wait()
    assert outcome.code == 1 and "Traceback" not in outcome.err and "no space left" in outcome.err, outcome.err
    assert job.start().wait().code == 0 and job.weights() == uninterrupted.weights()


def test_what_is_trained_is_found_again(uninterrupted):
    seal = next(uninterrupted.store.glob("generalists/*/seal.json"))
    before = seal.stat().st_mtime_ns
    other = Job(uninterrupted.recipe, uninterrupted.place)
    other.out = uninterrupted.place / "copy"
    assert other.start("schedule.workers=1").wait().code == 0
    assert other.weights() == uninterrupted.weights() and seal.stat().st_mtime_ns == before
    assert not list(other.out.glob("seal.json"))


def test_fine_tuning_begins_at_the_generalist(uninterrupted, job):
    """With a step so small that nothing moves, the head and the encoder stay those of the generalist."""
    changes = [f"network.weights={uninterrupted.out}", "schedule.epochs=1", "schedule.learning_rate=1e-12"]
    outcome = job.start(*changes).wait()
    assert outcome.code == 0, outcome.err
    with (
        safe_open(uninterrupted.out / "model.safetensors", framework="pt") as before,
        safe_open(job.out / "model.safetensors", framework="pt") as after,
    ):
        for name in ("classifier.weight", "encoder.layers.0.fc1.weight"):
            assert (before.get_tensor(name) - after.get_tensor(name)).abs().max() < 1e-9


def test_zero_shot_prints_its_table_and_leaves_a_report(uninterrupted, tmp_path):
    schedule = {**tiny_generalist.SMALL, "epochs": 1}
    recipe = tiny_generalist.write(tmp_path, ["it", "eng"], schedule=schedule)
    part = start(tmp_path, "zero-shot", recipe, "--store", "store", "--slice", "1/2").wait()
    assert part.code == 0 and "the same command without --slice" in part.out and not (tmp_path / "runs").exists()
    done = start(tmp_path, "zero-shot", recipe, "--store", "store").wait()
    assert done.code == 0, done.err
    assert "macro F1" in done.out and "its own" in done.out and "report: runs/general/report.html" in done.out
    assert (tmp_path / "runs" / "general" / "results.json").is_file()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("schedule.epoch=3", "schedule.epoch: there is no such setting"),
        ("schedule.balance=all", "schedule.balance"),
        ("domains.of=[language]", "domains.of.0"),
        ("augmentation.gain_db=[3, -3]", "write [least, most]"),
        ("labels.neutral_smoothing=2", "labels.neutral_smoothing"),
        ("network.frozen_layers=7", "network.frozen_layers is 7, and"),
        ("network.weights=nowhere", "'nowhere' is neither a folder nor in the local hub cache"),
        ("schedule.precision=fp16", "set schedule.precision to bf16 or fp32"),
        ("labels.table=nowhere.yaml", "nowhere.yaml cannot be read as a table of labels"),
    ],
)
def test_mistakes_are_explained(uninterrupted, tmp_path, change, said):
    outcome = Job(uninterrupted.recipe, tmp_path).start(change).wait()
    assert outcome.code == 1 and outcome.out == "" and "Traceback" not in outcome.err
    assert said in " ".join(outcome.err.split()), outcome.err


def test_recipes_of_another_kind_and_missing_ones(uninterrupted, tmp_path):
    run = start(tmp_path, "run", uninterrupted.recipe).wait()
    assert run.code == 1 and "use it with 'sottovoce zero-shot' or 'sottovoce train'" in " ".join(run.err.split())
    none = start(tmp_path, "train", "nowhere", "-o", "model").wait()
    assert none.code == 1 and "there is no recipe 'nowhere'" in none.err and "zero-shot-whisper-base" in none.err
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump({"name": "other", "target": {}, "source": {}}), encoding="utf-8")
    wrong = start(tmp_path, "train", other, "-o", "model").wait()
    assert wrong.code == 1 and "Traceback" not in wrong.err and "corpora" in wrong.err


def test_where_the_model_cannot_be_written(uninterrupted, tmp_path):
    (tmp_path / "model").write_text("a file", encoding="utf-8")
    job = Job(uninterrupted.recipe, tmp_path)
    job.store = uninterrupted.store
    outcome = job.start().wait()
    assert outcome.code == 1 and "Traceback" not in outcome.err and "model" in outcome.err, outcome.err
    assert os.path.isfile(tmp_path / "model")


def test_a_folder_of_something_else_is_left_alone(uninterrupted, tmp_path):
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "dear.txt").write_text("dear")
    outcome = start(tmp_path, "train", uninterrupted.recipe, "-o", letters).wait()
    assert outcome.code == 1 and "holds something else than a model" in " ".join(outcome.err.split())
    assert [path.name for path in letters.iterdir()] == ["dear.txt"]


@pytest.mark.slow
def test_two_processes_of_torchrun_train_what_one_trains(tmp_path):
    """On the processor (gloo), without masks over the spectrogram, of which each process draws its own."""
    recipe = tiny_generalist.write(tmp_path, ["it", "eng"], spec_augment={"time": 0, "mel": 0})
    one = Job(recipe, tmp_path / "one")
    assert one.start().wait().code == 0
    command = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "sottovoce", "train", str(recipe), "-q"]
    done = subprocess.run(
        [sys.executable, *command, "-o", "two", "--store", "store", "--device", "cpu"],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("model: two") == 1, "the first process alone reports"
    ours, theirs = (load_file(path / "model.safetensors") for path in (one.out, tmp_path / "two"))
    for name, tensor in ours.items():
        torch.testing.assert_close(theirs[name], tensor, atol=1e-5, rtol=1e-4)
