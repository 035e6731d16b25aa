"""A generalist's folder as a model: predicted with, asked about time, and refused where something is wrong with it."""

from __future__ import annotations

import csv
import io
import json
import pickle
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import sottovoce
from sottovoce.errors import SottovoceError
from sottovoce.learning.generalist import training
from sottovoce.speech import audio
from sottovoce.upstreams.generalist_network import Generalist
from sottovoce.use.generalist import GeneralistModel
from tests import launcher, tiny, tiny_generalist
from tests.conftest import tone
from tests.weights.checkpoints import tiny_whisper

EMOTIONS = ("angry", "neutral", "sad")
PRIOR = [0.5, 0.2, 0.3]
HEARD = {"corpora": ["emodb", "emovo"], "languages": ["de", "it"], "speakers": 16, "utterances": 1123}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a generalist in `model`, and twelve recordings in `good`."""
    folder = tmp_path_factory.mktemp("generalist")
    network = tiny_generalist.network(tiny_whisper(folder / "whisper"), EMOTIONS, sizes=[2])
    with torch.no_grad():
        network.classifier.weight.mul_(30)  # of random weights, else all answers are alike
    training.save(network, folder / "model", {"prior": PRIOR, "heard": HEARD})
    tiny.write_side(folder, "good", "12")
    return folder


@pytest.fixture
def folder(place: Path, tmp_path: Path) -> Path:
    """A copy of the model, to be changed."""
    return Path(shutil.copytree(place / "model", tmp_path / "model"))


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")


def by_transformers(folder: Path, waveforms: Sequence[np.ndarray]) -> np.ndarray:
    """What the network itself says, one batch of padded features."""
    network = Generalist.from_pretrained(folder).eval()
    with torch.no_grad():
        return torch.softmax(network(**tiny_generalist.batch(waveforms)).logits, 1).numpy()


@pytest.mark.parametrize("changes", [{}, {"logit_adjustment": 0.7}, {"context": "exact"}])
def test_it_says_what_the_network_says(folder: Path, changes: dict[str, Any]):
    edit(folder, **changes)
    sounds = [tone(seconds, 120 + 20 * i, seed=i) for i, seconds in enumerate((0.5, 3.0, 0.2, 1.01))]
    model = sottovoce.load(folder, precision="fp32")  # as the network is asked
    assert isinstance(model, GeneralistModel) and model.emotions == EMOTIONS and model.languages == ("de", "it")
    expected = by_transformers(folder, sounds)
    assert model.probabilities(sounds) == pytest.approx(expected, abs=1e-5)
    assert expected.std(0).max() > 0.01
    assert model.probabilities([]).shape == (0, 3)
    assert model.upstream.card.trained_on == ("emodb", "emovo")


def test_changes_are_seen_in_what_it_says_and_in_its_digest(folder: Path):
    sounds = [tone(1.0)]
    plain = sottovoce.load(folder)
    edit(folder, logit_adjustment=1.0)
    adjusted = sottovoce.load(folder)
    assert adjusted.digest != plain.digest
    taken_back = plain.probabilities(sounds) / np.array(PRIOR)
    assert adjusted.probabilities(sounds) == pytest.approx(taken_back / taken_back.sum(), abs=1e-5)


def test_one_that_does_not_say_what_it_heard(folder: Path):
    edit(folder, heard=None)
    model = sottovoce.load(folder)
    assert model.languages == () and "unknown" in model.upstream.card.trained_on


def test_more_than_thirty_seconds_are_averaged_over_all_frames(place: Path):
    model = sottovoce.load(place / "model")
    assert isinstance(model, GeneralistModel)
    sound = tone(45.0)
    logits = [np.log(model.probabilities([part])[0]) for part in (sound[:480_000], sound[480_000:])]
    mixed = np.exp((1500 * logits[0] + 750 * logits[1]) / 2250)
    assert model.probabilities([sound])[0] == pytest.approx(mixed / mixed.sum(), abs=1e-5)


def test_the_command_and_python_say_the_same_and_nothing_is_promised(place: Path):
    outcome = launcher.sottovoce(place, "predict", "model", "good", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert outcome.code == 0 and len(rows) == 12
    said = sottovoce.load(place / "model").predict(*(place / row["file"] for row in rows))
    for row, each in zip(rows, said, strict=True):
        assert each == pytest.approx({emotion: float(row[f"p_{emotion}"]) for emotion in EMOTIONS}, abs=1e-4)
        assert row["unsure"] == ""
    assert "note: what it says is not calibrated, and no rate of errors can be promised" in outcome.err
    asked = launcher.sottovoce(place, "predict", "model", "good", "--format", "csv", "--error-rate", "0.5")
    assert {row["unsure"] for row in csv.DictReader(io.StringIO(asked.out))} == {"true"}


def test_processes_say_the_same(place: Path):
    words = ("predict", "model", "good", "--format", "csv", "--store")
    serial, processes = (
        launcher.sottovoce(place, *words, "one"),
        launcher.sottovoce(place, *words, "two", "--executor", "process", "--workers", "2"),
    )
    assert serial.code == processes.code == 0 and serial.out == processes.out


def test_a_language_that_it_never_heard_is_a_note(place: Path):
    clip = next(iter(sorted((place / "good").glob("*.wav"))))
    tiny.write_csv(place / "list.csv", [{"path": f"good/{clip.name}", "language": "ur", "emotion": "sad"}])
    outcome = launcher.sottovoce(place, "predict", "model", "list.csv")
    assert outcome.code == 0 and "'ur', which the model never heard (it heard de, it)" in outcome.err


def test_timeline(place: Path):
    audio.write(place / "long.wav", np.concatenate([tone(4.0, 320.0), np.zeros(32_000, np.float32), tone(4.0, 110.0)]))
    outcome = launcher.sottovoce(
        place, "timeline", "model", "long.wav", "--format", "json", "--speech", "level", "--smooth", "1", "-q"
    )
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["emotions"] == list(EMOTIONS) and len(found["steps"]) == 10
    assert [step["emotion"] is None for step in found["steps"]] == [False] * 4 + [True] * 2 + [False] * 4
    spoken = audio.read(place / "long.wav")[8_000 : 8_000 + 48_000]
    expected = sottovoce.load(place / "model").probabilities([spoken])[0]
    assert list(found["steps"][1]["probabilities"].values()) == pytest.approx(expected, abs=1e-3)


def test_a_part_is_heard_in_its_sound_and_its_frames_alone_are_averaged(place: Path):
    model = sottovoce.load(place / "model")
    sounds = [tone(3.0), tone(0.73, 240.0, seed=1), tone(30.0, 110.0, seed=2)]
    parts = [(16_000, 32_000), (0, 1_700), (480_000 - 8_000, 480_000)]
    rows = [slice(50, 100), slice(0, 6), slice(1475, 1500)]
    frames = [each[own] for each, own in zip(model.upstream.frames(sounds), rows, strict=True)]
    logits = torch.stack([each.mean(0) for each in frames]) @ model.weight.T + model.bias
    said = model.probabilities(sounds, parts)
    assert said == pytest.approx(torch.softmax(logits, 1).numpy(), abs=1e-5)
    assert np.abs(said - model.probabilities(sounds)).max() > 1e-3
    whole = [(0, sound.size) for sound in sounds]
    assert model.probabilities(sounds, whole) == pytest.approx(model.probabilities(sounds), abs=1e-6)


def test_timeline_of_the_steps_own_frames(place: Path):
    """One prediction a second by averaging its 50 frames, as the paper has it."""
    sound = np.concatenate([tone(2.0, 320.0), tone(2.0, 110.0)])
    audio.write(place / "two.wav", sound)
    words = ("two.wav", "--format", "json", "--speech", "all", "--window", "2", "--smooth", "1", "--average", "step")
    outcome = launcher.sottovoce(place, "timeline", "model", *words, "-q")
    assert outcome.code == 0, outcome.err
    found, model, sound = json.loads(outcome.out), sottovoce.load(place / "model"), audio.read(place / "two.wav")
    assert found["average"] == "step" and len(found["steps"]) == 4
    expected = model.probabilities([sound[8_000:40_000]], [(8_000, 24_000)])[0]
    assert list(found["steps"][1]["probabilities"].values()) == pytest.approx(expected, abs=1e-3)


def test_python_files_of_the_folder_are_not_run(folder: Path, tmp_path: Path):
    ran = tmp_path / "ran"
    for path in folder.glob("*.py"):
        path.write_text(f"open({str(ran)!r}, 'w').write('ran')\n", encoding="utf-8")
    assert list(folder.glob("*.py")) and "auto_map" in json.loads((folder / "config.json").read_text())
    sottovoce.load(folder).probabilities([tone(1.0)])
    assert not ran.exists()


def _tensors(change: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})

    return work


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"classifier.weight": 1}))


def _truncated(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-40])


def _set(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: edit(folder, **changes)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda f: (f / "model.safetensors").unlink(), "not a whole Sottovoce model: model.safetensors missing"),
        (_pickled, "pickled files can run code"),
        (_truncated, "is damaged"),
        (lambda f: (f / "model.safetensors").write_bytes(pickle.dumps({})), "is damaged"),
        (_set(id2label={"0": "angry", "1": "sad"}, prior=None), r"classifier\.bias is \[3\]"),
        (_set(id2label={"0": "angry", "1": "sad", "7": "neutral"}), "must number distinct classes"),
        (_set(id2label={"0": "angry", "1": "sad", "2": "sad"}), "must number distinct classes"),
        (_set(id2label={"0": "angry"}), "id2label"),
        (_set(id2label=None), "id2label"),
        (_set(prior=[0.5, 0.5]), "prior has 2 shares for 3 classes"),
        (_set(logit_adjustment=float("nan")), "logit_adjustment"),
        (_set(heard=["de"]), "heard"),
        (_set(encoder_layers=10**9), "it has 2 layers, and not 1000000000"),
        (_set(d_model=10**9), "does not fit its config.json"),
        (_set(encoder_ffn_dim=10**12), "does not fit its config.json"),
        (_set(max_source_positions=10**12), "does not fit its config.json"),
        (_set(encoder_attention_heads=10**9), "heads of one size"),
        (_set(context="sideways"), "context 'sideways' is not known"),
        (_tensors(lambda t: t.pop("classifier.bias")), "it lacks classifier.bias"),
        (_tensors(lambda t: t.pop("encoder.layers.1.fc1.weight")), r"layers\.1\.fc1\.weight"),
        (_tensors(lambda t: t.update({"classifier.bias": torch.ones(4)})), r"classifier\.bias is \[4\]"),
        (_tensors(lambda t: t.update({"classifier.bias": torch.full((3,), torch.nan)})), "not finite"),
    ],
)
def test_what_is_no_generalist_is_refused(folder: Path, harm: Callable[[Path], Any], said: str):
    harm(folder)
    with pytest.raises(SottovoceError, match=said):
        sottovoce.load(folder)


def test_it_brings_its_own_weights(place: Path):
    with pytest.raises(SottovoceError, match="leave out --weights"):
        sottovoce.load(place / "model", weights=str(place / "whisper"))
