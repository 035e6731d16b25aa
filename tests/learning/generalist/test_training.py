"""Training the generalist: it learns, and an interruption changes nothing of what it learns."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from sottovoce.errors import MissingExtra, RecipeError, StoreError, WeightsError
from sottovoce.learning.generalist import processes, training
from sottovoce.learning.generalist.dataset import SpeechDataset, balanced, domains_of
from sottovoce.recipe.augmentation import Augmentation
from sottovoce.recipe.generalist import Schedule
from sottovoce.speech.manifest import Manifest
from sottovoce.upstreams.generalist_network import Generalist
from tests import tiny
from tests.tiny_generalist import network
from tests.weights.checkpoints import tiny_whisper

CLASSES = ("angry", "neutral", "sad")
SCHEDULE = Schedule(epochs=3, batch_size=4, learning_rate=3e-3, precision="fp32")
LOUDER = 20
STATE = "trainer_state.json"


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """As they are drawn, the positions drown the sound."""
    folder = tiny_whisper(tmp_path_factory.mktemp("whisper"))
    tensors = load_file(folder / "model.safetensors")
    louder = {name: tensor * (LOUDER if ".conv" in name else 1) for name, tensor in tensors.items()}
    save_file(louder, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> Manifest:
    """12 tones whose pitch tells the emotion."""
    return Manifest.read(str(tiny.write_side(tmp_path_factory.mktemp("tones"), "tones", "12")))


def dataset(manifest: Manifest, augmented: bool = True) -> SpeechDataset:
    labels = np.eye(3)[[CLASSES.index(u.emotion) for u in manifest]]
    return SpeechDataset(
        manifest,
        80,
        labels=labels,
        domains=domains_of(manifest, ["speaker"])[0],
        weights=balanced(manifest, labels, "both"),
        augmentation=Augmentation() if augmented else None,
    )


Made = tuple[Generalist, list[dict[str, float]]]


def trained(
    weights: Path, manifest: Manifest, unfinished: Path, schedule: Schedule, augmented: bool, **settings
) -> Made:
    """A fresh network after training on the tones, and the log."""
    model = network(weights, sizes=[2], masks=augmented)
    heard = dataset(manifest, augmented)
    return model, training.train(model, heard, schedule, unfinished, **({"seed": 0} | settings))


@pytest.fixture
def train(weights, manifest, tmp_path) -> Callable[..., Made]:
    """Train in the folder `unfinished`."""

    def run(schedule: Schedule = SCHEDULE, augmented: bool = True, **settings) -> Made:
        return trained(weights, manifest, tmp_path / "unfinished", schedule, augmented, **settings)

    return run


@pytest.fixture(scope="module")
def whole(weights, manifest, tmp_path_factory) -> Made:
    """Trained without an interruption."""
    return trained(weights, manifest, tmp_path_factory.mktemp("whole"), SCHEDULE, True)


@pytest.fixture(scope="module")
def plain(weights, manifest, tmp_path_factory) -> Made:
    """Trained without augmentation and masks."""
    return trained(weights, manifest, tmp_path_factory.mktemp("plain"), SCHEDULE, False)


def equal(one: Generalist, other: Generalist) -> bool:
    tensors = other.state_dict()
    return all(torch.equal(tensor, tensors[name]) for name, tensor in one.state_dict().items())


def test_it_learns_what_can_be_learned_and_tells_how_far_it_is(train, manifest, capsys):
    steps: list[int] = []
    schedule = SCHEDULE.model_copy(update={"epochs": 12, "learning_rate": 1e-2})
    model, log = train(schedule, augmented=False, on_step=steps.append)
    assert sum(steps) == 12 * 3
    losses = [entry["loss"] for entry in log]
    assert len(losses) == 12 and losses[-1] < 0.7 * losses[0]
    assert capsys.readouterr().out == "", "standard output is for results"
    said = training.probabilities(model, dataset(manifest), batch_size=5)
    np.testing.assert_allclose(said.sum(1), 1)
    right = [CLASSES[k] == u.emotion for k, u in zip(said.argmax(1), manifest, strict=True)]
    assert np.mean(right) > 0.8


class Interrupted(Exception):
    pass


def interruption(step: int) -> Callable[[int], None]:
    """Called at each step, it interrupts at one of them."""
    done: list[int] = []

    def count(n: int) -> None:
        done.append(n)
        if sum(done) == step:
            raise Interrupted

    return count


@pytest.mark.parametrize("workers", [0, 1])
def test_after_an_interruption_it_ends_with_the_same_bits(train, whole, tmp_path, workers):
    """Interrupted in mid-epoch; augmentation, masks and order go on as if nothing had been."""
    schedule = SCHEDULE.model_copy(update={"workers": workers})
    with pytest.raises(Interrupted):
        train(schedule, on_step=interruption(8))
    assert [path.name for path in (tmp_path / "unfinished").glob("checkpoint-*")] == ["checkpoint-6"]
    steps: list[int] = []
    resumed, log = train(schedule, on_step=steps.append)
    assert steps == [7, 1, 1], "two epochs were not trained again"
    assert equal(resumed, whole[0])
    assert [entry["loss"] for entry in log] == [entry["loss"] for entry in whole[1]]


@pytest.mark.parametrize("written", [1, 3, 6])
def test_a_checkpoint_that_was_being_written_is_not_used(train, whole, tmp_path, written):
    """Its files are written one by one, the state last: the one before it is taken, and it is removed."""
    with pytest.raises(Interrupted):
        train(on_step=interruption(8))
    last = tmp_path / "unfinished" / "checkpoint-6"
    files = sorted(path.name for path in last.iterdir() if path.name != STATE)
    assert len(files) >= 6
    half = last.with_name("checkpoint-9")
    half.mkdir()
    for name in files[:written]:
        content = (last / name).read_bytes()
        (half / name).write_bytes(content[: len(content) // 2] if name == files[written - 1] else content)
    if written == 6:
        (half / STATE).write_bytes((last / STATE).read_bytes()[:100])
    steps: list[int] = []
    assert equal(train(on_step=steps.append)[0], whole[0])
    assert steps == [7, 1, 1]


def test_every_epoch_is_heard_by_its_number(weights, manifest, tmp_path):
    heard: list[int] = []

    class Noting(SpeechDataset):
        def __getitem__(self, i: int) -> dict[str, torch.Tensor]:
            heard.append(self._epoch)
            return super().__getitem__(i)

    training.train(network(weights), Noting(manifest, 80, labels=np.eye(3)[[0] * 12]), SCHEDULE, tmp_path, seed=0)
    assert heard == [0] * 12 + [1] * 12 + [2] * 12


def test_seeds_differ(train, whole):
    assert not equal(train(seed=1)[0], whole[0])


@pytest.mark.parametrize("change", [{"gradient_checkpointing": True}, {"accumulate": 2, "batch_size": 2}])
def test_settings_that_change_no_result(train, plain, change):
    changed, _ = train(SCHEDULE.model_copy(update=change), augmented=False)
    theirs = changed.state_dict()
    for name, tensor in plain[0].state_dict().items():
        torch.testing.assert_close(theirs[name], tensor, atol=1e-4, rtol=1e-3)


def test_bf16_runs_and_learns(train):
    schedule = SCHEDULE.model_copy(update={"precision": "bf16", "epochs": 6})
    model, log = train(schedule, augmented=False)
    assert log[-1]["loss"] < log[0]["loss"]
    assert all(p.dtype == torch.float32 and torch.isfinite(p).all() for p in model.parameters())


def test_what_this_machine_cannot_do_is_said(train, monkeypatch):
    with pytest.raises(WeightsError, match=r"fp16 needs a GPU; set schedule\.precision to bf16 or fp32"):
        train(SCHEDULE.model_copy(update={"precision": "fp16"}))
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(MissingExtra, match=r"pip install 'sottovoce\[generalist\]'"):
        train()


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 1000 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("write", [torch.save, save_file])
@pytest.mark.parametrize("size", [300, 1_000_000])
@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_is_said_whoever_writes(tmp_path, write, size):
    with pytest.raises(StoreError, match="no space left"), training._full_disk_said(tmp_path):
        write({"one": torch.zeros(size), "two": torch.zeros(size)}, tmp_path / "file")


def test_errors_of_another_kind_are_left_as_they_are(tmp_path):
    with pytest.raises(RuntimeError, match="of another kind"), training._full_disk_said(tmp_path):
        raise RuntimeError("of another kind")


def test_frozen_weights_stay(weights, manifest, tmp_path):
    model = network(weights, frozen_layers=1)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    training.train(model, dataset(manifest), SCHEDULE, tmp_path, seed=0)
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert {name.split(".")[2] for name in changed if name.startswith("encoder.layers")} == {"1"}
    assert not any("conv" in name or "embed_positions" in name for name in changed)


def test_probabilities_are_in_the_order_of_the_manifest_whatever_the_batch(weights, manifest):
    model = network(weights)
    done: list[int] = []
    one_by_one = training.probabilities(model, dataset(manifest), batch_size=1, on_done=done.append)
    assert sum(done) == len(manifest)
    np.testing.assert_allclose(training.probabilities(model, dataset(manifest), batch_size=5), one_by_one, atol=1e-5)
    turned = training.probabilities(model, dataset(Manifest(manifest.utterances[::-1])))
    np.testing.assert_allclose(turned[::-1], one_by_one, atol=1e-5)


def test_processes_of_torchrun_share_a_batch(monkeypatch):
    assert processes.is_first() and processes.share_of(7) == 7
    processes.wait()  # alone: at once
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "1")
    assert not processes.is_first() and processes.share_of(8) == 2
    with pytest.raises(RecipeError, match=r"4 processes cannot share a batch of 6: set schedule\.batch_size"):
        processes.share_of(6)
