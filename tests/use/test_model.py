"""A model's folder: what is written is read again, and everything else is refused with a word on what it is."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from sottovoce.errors import AudioError, SottovoceError, WeightsError
from sottovoce.learning.head import Head
from sottovoce.speech import audio
from sottovoce.upstreams.loading import load_upstream
from sottovoce.use import model as models
from sottovoce.use.config import ChosenUpstream
from tests.conftest import tone
from tests.use.models import EMOTIONS, config, write_model
from tests.weights.checkpoints import tiny_whisper


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")


def test_what_is_saved_is_loaded(folder: Path):
    loaded = models.load(folder)
    assert loaded.config == config() and loaded.emotions == tuple(EMOTIONS)
    assert loaded.digest == models.load(folder).digest
    edit(folder, name="another")
    assert models.load(folder).digest != loaded.digest


def test_probabilities_are_calibrated_and_do_not_depend_on_company(folder: Path, make_tone: Callable[..., Path]):
    loaded = models.load(folder)
    sounds = [tone(seconds, 120 + 10 * i, seed=i) for i, seconds in enumerate((0.5, 30.0, 0.2, 3.0, 20.0))]
    together = loaded.probabilities(sounds)
    assert together.shape == (5, 3) and together.sum(1) == pytest.approx(np.ones(5))
    for sound, row in zip(sounds, together, strict=True):
        assert loaded.probabilities([sound])[0] == pytest.approx(row, abs=1e-6)
        raw = loaded.head.probabilities(loaded.upstream.frames([sound])).numpy()[0]
        assert row == pytest.approx(np.sqrt(raw) / np.sqrt(raw).sum(), abs=1e-6)  # the temperature is 2
    assert loaded.probabilities([]).shape == (0, 3)
    clips = [make_tone("a b.wav"), make_tone("c.flac", pitch_hz=250.0)]
    said = loaded.predict(*clips)
    expected = loaded.probabilities([audio.read(clip) for clip in clips])
    assert [list(each) for each in said] == [EMOTIONS] * 2
    assert np.array([list(each.values()) for each in said]) == pytest.approx(expected, abs=1e-6)
    with pytest.raises(AudioError, match="there is no such file"):
        loaded.predict("absent.wav")


def test_the_rule(folder: Path):
    loaded = models.load(folder)
    assert [getattr(loaded.rule(rate), "threshold", None) for rate in (0.1, 0.15, 0.4, 1.0)] == [None, 0.8, 0.5, 0.0]
    default = loaded.rule()  # 0.32, for one in five would leave more than half unsure
    assert default is not None and default.threshold == 0.5


def test_a_run_is_taken_for_its_model(folder: Path):
    (folder.parent / "recipe.yaml").write_text("name: tiny\n")
    assert models.load(folder.parent).digest == models.load(folder).digest
    shutil.rmtree(folder)
    with pytest.raises(SottovoceError, match="is a run that is not finished"):
        models.load(folder.parent)


def _truncated(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-40])


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"w1": 1}))


def _in_disguise(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(pickle.dumps({"w1": 1}))


def _index(content: str) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder.parent / "elsewhere.safetensors")
        (folder / "model.safetensors.index.json").write_text(content)

    return work


def _tensors(change: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors")

    return work


def _set(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: edit(folder, **changes)


def _upstream(**changes: Any) -> Callable[[Path], None]:
    return _set(upstream={"name": "logmel", **changes})


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (shutil.rmtree, "there is no such folder"),
        (lambda f: (f / "config.json").unlink(), "config.json missing"),
        (lambda f: (f / "model.safetensors").unlink(), "model.safetensors missing"),
        (lambda f: (f / "config.json").write_text('{"schema": 2'), "cannot be read"),
        (lambda f: (f / "config.json").write_text("[" * 100_000), "cannot be read"),
        (lambda f: (f / "config.json").write_bytes(b"\xff\xfe\x00"), "cannot be read"),
        (lambda f: (f / "config.json").write_text("[]"), "is not the configuration"),
        (lambda f: (f / "config.json").write_text('{"model_type": "whisper"}'), "checkpoint of transformers"),
        (_set(schema=1), "has schema 1"),
        (_set(schema="<script>"), "has schema"),
        (_set(evil="key"), "evil"),
        (_set(emotions=["angry", "happy"]), "tells 3 emotions apart, and the configuration names 2"),
        (_set(emotions=["sad", "sad", "happy"]), "must not repeat"),
        (_set(emotions=[1, 2, 3]), "emotions.0"),
        (_set(emotions=None), "emotions"),
        (_set(revision="2"), "trained on other weights"),
        (_set(reliance={"temperature": 0}), "reliance"),
        (_upstream(name="os.system"), "upstream.name"),
        (_upstream(name="whisper", weights="../../secret"), "lead out of the model's folder"),
        (_upstream(name="whisper", weights="a\\..\\..\\b"), "lead out of the model's folder"),
        (_upstream(name="whisper", trust_remote_code=True), "trust_remote_code"),
        (_upstream(layer="all"), "does not fit its upstream"),
        (_upstream(layer=10**9), "upstream.layer"),
        (_truncated, "is damaged"),
        (_in_disguise, "is damaged"),
        (_pickled, "pickled files can run code"),
        (_tensors(lambda t: t.pop("b1")), "it holds b2, w1, w2"),
        (_tensors(lambda t: t.update(extra=torch.ones(2))), "extra"),
        (_tensors(lambda t: t.update(b1=torch.ones(9))), r"b1 is \[9\]"),
        (_tensors(lambda t: t.update(w1=torch.ones(8))), r"w1 is \[8\]"),
        (_tensors(lambda t: t.update(w1=torch.ones(0, 8))), r"w1 is \[0, 8\]"),
        (_tensors(lambda t: t.update(w1=torch.ones(79, 8))), "does not fit its upstream"),
        (_tensors(lambda t: t.update(mix=torch.ones(2))), "does not fit its upstream"),
        (_tensors(lambda t: t.update(mix=torch.ones(3, 2))), r"mix is \[3, 2\]"),  # 8 hidden units
        (_tensors(lambda t: t.update(mix=torch.ones(0, 2))), r"mix is \[0, 2\]"),
        (_tensors(lambda t: t.update(mix=torch.ones(2, 2, 2))), r"mix is \[2, 2, 2\]"),
        (_tensors(lambda t: t.update(b2=torch.full((3,), torch.nan))), "not finite"),
        (_tensors(lambda t: t.update(b2=torch.ones(3, dtype=torch.int64))), "not finite"),
    ],
)
def test_what_is_no_model_is_refused(folder: Path, harm: Callable[[Path], Any], said: str):
    harm(folder)
    with pytest.raises(SottovoceError, match=said):
        models.load(folder)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda f: (f / "config.json").write_text('{"model_type": "whis'), "config.json is damaged"),
        (lambda f: (f / "config.json").write_bytes(b"\xff\xfe"), "config.json is damaged"),
        (lambda f: (f / "config.json").write_text("[" * 100_000), "config.json is damaged"),
        (lambda f: (f / "config.json").write_text("[]"), "holds no settings"),
        (lambda f: (f / "config.json").unlink(), "holds no config.json"),
        (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), "other formats can run code"),
        (_index('{"weight_map": {"a": "../elsewhere.safetensors"}}'), "leads out of the folder"),
        (_index('{"weight_map": {"a": "..\\\\elsewhere.safetensors"}}'), "leads out of the folder"),
        (_index('{"weight_map": {"a": "/etc/passwd"}}'), "leads out of the folder"),
        (_index('{"weight_map": []}'), "names no file"),
        (_index("{"), "is damaged"),
        (_truncated, "cannot be loaded"),
    ],
)
def test_damaged_or_malicious_weights_of_the_upstream(folder: Path, harm: Callable[[Path], Any], said: str):
    harm(tiny_whisper(folder / "whisper"))
    edit(folder, upstream={"name": "whisper", "weights": "whisper"})
    with pytest.raises(SottovoceError, match=said):
        models.load(folder)


def test_a_link_that_leaves_the_folder(folder: Path):
    tiny_whisper(folder.parent / "elsewhere")
    (folder / "whisper").symlink_to("../elsewhere", target_is_directory=True)
    edit(folder, upstream={"name": "whisper", "weights": "whisper"})
    with pytest.raises(SottovoceError, match=r"leads out of the model's folder, to .*elsewhere"):
        models.load(folder)


def test_weights_that_moved(folder: Path):
    edit(folder, upstream={"name": "whisper", "weights": str(folder / "gone")})
    with pytest.raises(WeightsError, match="give their folder with --weights"):
        models.load(folder)
    with pytest.raises(WeightsError, match="elsewhere"):
        models.load(folder, weights=str(folder / "elsewhere"))


def test_a_first_answer_waits_for_no_import_that_it_does_not_need(folder: Path, make_tone: Callable[..., Path]):
    upstream = load_upstream("whisper", str(tiny_whisper(folder / "whisper")))
    tensors = Head.fresh(upstream.card.dimension, 8, 3, None, seed=0)
    chosen = ChosenUpstream(name="whisper", weights="whisper")
    models.save(folder, tensors, config(upstream=chosen, revision=upstream.card.revision), "")
    program = (
        "import sottovoce, sys; print(sottovoce.load(sys.argv[1]).predict(sys.argv[2])); "
        "print(sorted({'transformers', 'torch._dynamo', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, str(folder), str(make_tone("a.wav"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "'angry': " in done.stdout and done.stdout.splitlines()[-1] == "[]"
