"""Exported models: onnxruntime, which knows nothing of Sottovoce, says what the model says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from sottovoce.errors import SottovoceError, UpstreamError
from sottovoce.learning.head import Head
from sottovoce.upstreams.loading import load_upstream
from sottovoce.use import export, generalist
from sottovoce.use import model as models
from sottovoce.use.answering import Model
from sottovoce.use.config import ChosenUpstream
from tests import launcher, tiny_generalist
from tests.conftest import tone
from tests.use.models import EMOTIONS, config, write_model
from tests.weights.checkpoints import TINY, tiny_whisper
from tests.weights.published import published_expressivity, tiny_emotion2vec

PUBLISHED = {"emotion2vec": tiny_emotion2vec, "expressivity": published_expressivity}

LENGTHS_S = (0.1, 0.1001, 1.2345, 3.0, 29.97, 30.0)
CARD = "---\nlicense: other\nlicense_name: cc-by-nc-4.0\n---\n# tiny\n"

CASES = {  # name -> kind of checkpoint, and how the upstream is used
    "logmel": ("logmel", {}),
    "logmel, mixed": ("logmel", {"layer": "all"}),
    "whisper": ("whisper", {}),
    "whisper, exact, mixed": ("whisper", {"context": "exact", "layer": "all-normed"}),
    "wav2vec2, a lower layer": ("wav2vec2", {"layer": 1}),
    "emotion2vec, mixed": ("emotion2vec", {"layer": "all"}),
    "expressivity": ("expressivity", {}),
}


def build(folder: Path, kind: str, how: dict[str, Any]) -> Model:
    """A model with a random head that tells sounds apart, on an upstream of this kind."""
    name, weights = "logmel", None
    if kind != "logmel":
        name, write = (kind, PUBLISHED[kind]) if kind in PUBLISHED else TINY[kind]
        (folder / "weights").mkdir(parents=True)
        weights = str(write(folder / "weights"))
    chosen = ChosenUpstream(name=name, weights=weights, **how)  # type: ignore[arg-type]
    upstream = load_upstream(**dict(chosen))
    mixed = upstream.card.n_layers if "all" in str(how.get("layer")) else None
    tensors = Head.fresh(upstream.card.dimension, 8, len(EMOTIONS), mixed, seed=0).tensors()
    tensors["w2"] = 10 * tensors["w2"]
    if mixed:
        mix = torch.linspace(0, 1, mixed)
        tensors["mix"] = torch.stack([mix, -mix]) if kind == "whisper" else mix  # as of `adaptive`: a part, a mix
    models.save(folder / "model", Head(**tensors), config(upstream=chosen, revision=upstream.card.revision), CARD)
    return models.load(folder / "model", precision="fp32")


@pytest.fixture(scope="module")
def logmel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`model`, and `model.onnx` made of it by the command."""
    place = tmp_path_factory.mktemp("export")
    build(place, "logmel", {})
    outcome = launcher.sottovoce(place, "export", "model", "-o", "made/model.onnx")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("model: made/model.onnx (") and "differ from the model's by at most" in outcome.err
    assert "Warning" not in outcome.err and len(outcome.err.splitlines()) == 1
    return place


@pytest.mark.parametrize("case", CASES)
def test_onnxruntime_says_what_the_model_says(case: str, tmp_path: Path):
    model = build(tmp_path, *CASES[case])
    assert export.export(model, tmp_path / "model", tmp_path / "model.onnx") < 1e-5
    ask = export.session(tmp_path / "model.onnx")
    sounds = [tone(seconds, 100 + 40 * i, seed=i) for i, seconds in enumerate(LENGTHS_S)]
    expected = model.probabilities(sounds)
    assert expected.std(axis=0).max() > 1e-3  # there is something to get wrong
    assert np.stack([ask(sound) for sound in sounds]) == pytest.approx(expected, abs=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".onnx") == ["model.onnx"]


@pytest.mark.parametrize("kind", [kind for kind, (name, _) in TINY.items() if name == "ssl" and kind != "w2v-bert"])
@pytest.mark.parametrize("layer", ["last", "all", "all-normed"])
def test_the_graphs_of_upstreams_give_their_frames(kind: str, layer: str, tmp_path: Path):
    upstream = load_upstream("ssl", str(TINY[kind][1](tmp_path)), layer=layer, precision="fp32")  # type: ignore[arg-type]
    for sound in (tone(0.1), tone(2.345, seed=1)):
        with torch.no_grad():
            made = upstream.graph()(torch.from_numpy(sound))
        torch.testing.assert_close(made, upstream.frames([sound])[0], atol=2e-5, rtol=0)


def test_a_generalist(tmp_path: Path):
    network = tiny_generalist.network(tiny_whisper(tmp_path / "whisper"), EMOTIONS)
    network.config.heard = {"corpora": ["emodb"], "languages": ["de"]}
    network.config.prior, network.config.logit_adjustment = [0.5, 0.2, 0.3], 1.0
    with torch.no_grad():
        network.classifier.weight.mul_(30)
    network.save_pretrained(tmp_path / "model")
    model = generalist.load(tmp_path / "model", precision="fp32")
    assert export.export(model, tmp_path / "model", tmp_path / "model.onnx") < 1e-5
    facts = onnxruntime.InferenceSession(str(tmp_path / "model.onnx")).get_modelmeta().custom_metadata_map
    assert facts["calibrated"] == "false" and json.loads(facts["answers"]) == []
    sound = tone(2.0)
    assert export.session(tmp_path / "model.onnx")(sound) == pytest.approx(model.probabilities([sound])[0], abs=1e-5)


def test_the_file_says_what_it_is(logmel: Path):
    opened = onnxruntime.InferenceSession(str(logmel / "made" / "model.onnx"))
    (given,), (got,) = opened.get_inputs(), opened.get_outputs()
    assert (given.name, given.type, got.name, got.shape) == ("waveform", "tensor(float)", "probabilities", [3])
    assert isinstance(given.shape[0], str)  # of any length
    facts = opened.get_modelmeta().custom_metadata_map
    model = models.load(logmel / "model")
    assert json.loads(facts["emotions"]) == EMOTIONS and facts["rate_hz"] == "16000"
    assert facts["digest"] == model.digest and facts["card"] == CARD and facts["licence"] == "cc-by-nc-4.0"
    assert (facts["shortest_s"], facts["longest_s"], facts["weights"]) == ("0.1", "", "fp32")
    rule = model.rule(0.4)
    assert rule is not None
    (found,) = [each for each in json.loads(facts["answers"]) if each["error_bound"] == rule.error_bound]
    assert found["threshold"] == rule.threshold


def test_more_than_thirty_seconds(logmel: Path, tmp_path: Path):
    """Where the upstream has no limit the graph has none; where it has one, there is an error and no made-up answer."""
    long = tone(65.0)
    expected = models.load(logmel / "model").probabilities([long])[0]
    assert export.session(logmel / "made" / "model.onnx")(long) == pytest.approx(expected, abs=1e-5)
    export.export(build(tmp_path, "whisper", {}), tmp_path / "model", tmp_path / "whisper.onnx")
    with pytest.raises(Exception, match=r"(?i)broadcast|invalid|dimension"):
        export.session(tmp_path / "whisper.onnx")(tone(30.1))


@pytest.mark.parametrize("kind", ["logmel", "whisper"])
def test_eight_bits(kind: str, tmp_path: Path):
    model = build(tmp_path, kind, {})
    for name in ("exact", "rounded"):
        difference = export.export(model, tmp_path / "model", tmp_path / f"{name}.onnx", int8=name == "rounded")
    assert 1e-7 < difference < 0.05
    rounded = onnxruntime.InferenceSession(str(tmp_path / "rounded.onnx"))
    assert rounded.get_modelmeta().custom_metadata_map["weights"] == "int8"
    sounds = [tone(seconds, 150 + 60 * i, seed=i) for i, seconds in enumerate((0.3, 1.0, 7.0))]
    made = np.stack([export.session(tmp_path / "rounded.onnx")(sound) for sound in sounds])
    expected = model.probabilities(sounds)
    assert made == pytest.approx(expected, abs=0.05) and made != pytest.approx(expected, abs=1e-7)


def test_what_cannot_be_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UpstreamError, match="w2v-BERT"):
        export.export(build(tmp_path / "bert", "w2v-bert", {}), tmp_path, tmp_path / "bert.onnx")
    model = models.load(write_model(tmp_path / "model"), precision="fp32")
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    with pytest.raises(SottovoceError, match="other probabilities than the model"):
        export.export(model, tmp_path / "model", tmp_path / "model.onnx")
    monkeypatch.setattr(export, "find_spec", lambda name: None if name == "onnxscript" else name)
    with pytest.raises(SottovoceError, match=r"needs onnxscript.*sottovoce\[onnx\]"):
        export.export(model, tmp_path / "model", tmp_path / "model.onnx")
    assert not list(tmp_path.glob("*.onnx*")) and not list(tmp_path.glob(".*onnx*"))
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.undo()
    with pytest.raises(SottovoceError, match="cannot be written"):
        export.export(model, tmp_path / "model", tmp_path / "file" / "model.onnx")
