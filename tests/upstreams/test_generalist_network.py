"""The generalist's network: what it computes, what trains it, and that others can load it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration

from sottovoce.learning.generalist import training
from sottovoce.speech import audio
from sottovoce.upstreams import generalist_network
from sottovoce.upstreams.generalist_network import Generalist
from sottovoce.upstreams.loading import load_upstream
from sottovoce.upstreams.whisper_encoder import encode
from tests.conftest import tone
from tests.tiny_generalist import batch, network
from tests.weights.checkpoints import tiny_whisper

LABELS = torch.tensor([[1.0, 0.0, 0.0], [0.2, 0.5, 0.3], [0.0, 0.1, 0.9]])
DOMAINS = torch.tensor([[0, 3], [1, 0], [1, 2]])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def waveforms() -> list[np.ndarray]:
    return [tone(length_s, seed=seed) for seed, length_s in enumerate((0.7, 2.013, 0.1))]


def gradients(model: Generalist, **given: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss = model.train()(**given).loss
    assert loss is not None
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("context", ["trimmed", "exact"])
@torch.no_grad()
def test_an_utterance_is_the_mean_of_its_frames_whatever_its_company(tiny, waveforms, context):
    model = network(tiny, context=context).eval()
    together = model(**batch(waveforms), return_frames=True)
    assert [len(frames) for frames in together.frame_logits] == [35, 101, 5]  # 50 a second
    torch.testing.assert_close(together.logits, torch.stack([f.mean(0) for f in together.frame_logits]))
    for waveform, logits in zip(waveforms, together.logits, strict=True):
        torch.testing.assert_close(model(**batch([waveform])).logits[0], logits, atol=1e-5, rtol=0)


@torch.no_grad()
def test_exact_is_whisper_s_own_encoder_on_thirty_seconds(tiny, waveforms):
    model = network(tiny, context="exact").eval()
    reference: Any = WhisperForConditionalGeneration.from_pretrained(tiny).model.encoder.eval()
    mels = WhisperFeatureExtractor()(waveforms, sampling_rate=16_000, return_tensors="pt").input_features
    hidden = reference(mels).last_hidden_state
    frames = model(**batch(waveforms), return_frames=True).frame_logits
    for theirs, ours in zip(hidden, frames, strict=True):
        torch.testing.assert_close(ours, model.classifier(theirs[: len(ours)]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("context", ["trimmed", "exact"])
@torch.no_grad()
def test_it_hears_what_the_upstream_of_the_same_weights_hears(tiny, waveforms, context):
    model = network(tiny, context=context).eval()
    upstream = load_upstream("whisper", str(tiny), context=context, precision="fp32")
    frames = model(**batch(waveforms), return_frames=True).frame_logits
    for theirs, ours in zip(upstream.frames(waveforms), frames, strict=True):
        torch.testing.assert_close(ours, model.classifier(theirs), atol=1e-5, rtol=0)


@pytest.mark.parametrize("context", ["trimmed", "exact"])
@torch.no_grad()
def test_masks_of_samples_of_steps_and_padding_to_30_s_say_the_same(tiny, waveforms, context):
    """Transformers' pipeline pads to 30 s and masks samples; training masks steps and pads to the longest."""
    model = network(tiny, context=context).eval()
    extractor = WhisperFeatureExtractor(return_attention_mask=True)
    padded = extractor(waveforms, sampling_rate=16_000, return_tensors="pt")
    steps = batch(waveforms)
    assert padded["attention_mask"].shape[1] == 480_000 and steps["attention_mask"].shape[1] < 250
    expected = model(**steps).logits
    torch.testing.assert_close(model(**padded).logits, expected, atol=1e-4, rtol=0)
    by_step = padded["attention_mask"][:, ::160]
    torch.testing.assert_close(model(padded["input_features"], by_step).logits, expected, atol=1e-4, rtol=0)
    everything = model(padded["input_features"][:1]).logits
    assert not torch.allclose(everything, expected[:1], atol=1e-3), "without a mask, silence is heard"


def test_the_loss_is_weighted_cross_entropy_of_soft_labels(tiny, waveforms):
    model = network(tiny)
    weights = torch.tensor([0.5, 1.0, 1.5])
    said = model.eval()(**batch(waveforms), labels=LABELS, weights=weights)
    by_hand = -(weights[:, None] * LABELS * said.logits.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(said.loss, by_hand)
    plain = model(**batch(waveforms), labels=torch.tensor([0, 1, 2])).loss
    torch.testing.assert_close(plain, functional.cross_entropy(said.logits, torch.tensor([0, 1, 2])))


def test_the_encoder_gets_the_domain_loss_s_gradient_turned_round(tiny, waveforms):
    weight = 0.3
    model = network(tiny, sizes=[2, 4], domain_weight=weight)
    heard = batch(waveforms)
    plain = gradients(model, **heard, labels=LABELS)
    both = gradients(model, **heard, labels=LABELS, domains=DOMAINS)

    model.zero_grad()
    hidden, lengths = model._hidden(heard["input_features"], heard["attention_mask"])
    pooled = torch.stack([part.mean(0) for part in hidden.split(lengths)])
    sum(functional.cross_entropy(h(pooled), DOMAINS[:, i]) for i, h in enumerate(model.domain_heads)).backward()  # type: ignore[union-attr]
    alone = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}

    encoder = [name for name in plain if name.startswith("encoder.")]
    heads = [name for name in both if name.startswith("domain_heads.")]
    assert len(encoder) > 20 and len(heads) == 4
    for name in encoder:
        torch.testing.assert_close(both[name] - plain[name], -weight * alone[name], atol=1e-6, rtol=1e-4)
    for name in heads:
        assert name not in plain
        torch.testing.assert_close(both[name], alone[name])
    torch.testing.assert_close(both["classifier.weight"], plain["classifier.weight"])


def test_what_is_frozen(tiny, waveforms):
    model = network(tiny, frozen_layers=1)
    trained = set(gradients(model, **batch(waveforms), labels=LABELS))
    assert {name.split(".")[1] for name in trained if name.startswith("encoder.")} == {"layers", "layer_norm"}
    assert {name.split(".")[2] for name in trained if name.startswith("encoder.layers")} == {"1"}
    assert {"classifier.weight", "classifier.bias"} < trained


def test_gradient_checkpointing_changes_no_gradient(tiny, waveforms):
    model = network(tiny, sizes=[2, 4])
    given = {**batch(waveforms), "labels": LABELS, "domains": DOMAINS}
    plain = gradients(model, **given)
    model.encoder.gradient_checkpointing = True  # as the Trainer sets it: see the tests of training
    again = gradients(model, **given)
    assert plain.keys() == again.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(again[name], gradient)


@pytest.mark.parametrize("context", ["trimmed", "exact"])
def test_training_in_bf16_on_processors_has_batches_of_recurring_shapes(tiny, waveforms, context, monkeypatch):
    """Rows are added that no utterance hears: neither what is said nor a gradient changes."""
    model, heard = network(tiny, context=context), []

    def watched(encoder: Any, mels: list[torch.Tensor], kept: list[int], layer: int) -> torch.Tensor:
        heard.append((sum(map(len, mels)) // 2, len(mels)))
        return encode(encoder, mels, kept, layer)

    monkeypatch.setattr(generalist_network, "encode", watched)
    given = batch(waveforms) | {"labels": LABELS}
    plain = gradients(model, **given)
    with torch.autocast("cpu", torch.bfloat16):
        model.train()(**given)
        model.eval()(**given)
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda device: True)
    with_spare = gradients(model, **given)
    n_frames = {"trimmed": 35 + 101 + 5, "exact": 3 * 1500}[context]
    whole = -(-n_frames // 256) * 256
    assert heard == [(n_frames, 3), (whole, 4), (n_frames, 3), (whole, 4)]
    assert plain.keys() == with_spare.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(with_spare[name], gradient, atol=1e-5, rtol=1e-4, msg=name)


@torch.no_grad()
def test_masks_over_the_spectrogram_belong_to_training(tiny, waveforms):
    model, whole = network(tiny, masks=True), network(tiny)
    heard = batch(waveforms)
    before = heard["input_features"].clone()
    expected = whole.eval()(**heard).logits
    torch.testing.assert_close(model.eval()(**heard).logits, expected)
    assert not torch.allclose(model.train()(**heard).logits, expected, atol=1e-4)
    torch.testing.assert_close(heard["input_features"], before)
    short = batch([tone(0.06)])  # six steps and two, shorter than one mask of ten
    torch.testing.assert_close(model.train()(**short).logits, whole.eval()(**short).logits)


@torch.no_grad()
def test_the_prior_is_taken_back_in_use_alone(tiny, waveforms):
    model = network(tiny)
    plain = model.eval()(**batch(waveforms)).logits
    model.config.prior, model.config.logit_adjustment = [0.7, 0.2, 0.1], 0.5
    adjusted = model(**batch(waveforms), return_frames=True)
    torch.testing.assert_close(adjusted.logits, plain - 0.5 * torch.tensor([0.7, 0.2, 0.1]).log())
    torch.testing.assert_close(adjusted.logits, torch.stack([f.mean(0) for f in adjusted.frame_logits]))
    torch.testing.assert_close(model.train()(**batch(waveforms)).logits, plain)


@torch.no_grad()
def test_saved_and_read_again(tiny, waveforms, tmp_path):
    model = network(tiny, sizes=[2, 4], context="exact").eval()
    heard = {"corpora": ["emodb"], "languages": ["de"], "speakers": 10, "utterances": 535}
    training.save(model, tmp_path, {"prior": [0.5, 0.25, 0.25], "heard": heard})
    read = Generalist.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(read(**batch(waveforms)).logits, model(**batch(waveforms)).logits, atol=0, rtol=0)
    assert read.config.id2label == {0: "angry", 1: "neutral", 2: "sad"}
    assert (read.config.context, read.config.heard, read.config.domain_sizes) == ("exact", heard, [2, 4])
    assert all((tmp_path / name).is_file() for name in ("generalist_network.py", "whisper_encoder.py"))
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".bin", ".pt", ".pkl")]


PIPELINE = """
import json, sys
import numpy as np
sys.modules["sottovoce"] = None  # whoever imports it fails
from transformers import pipeline
classify = pipeline("audio-classification", model=sys.argv[1], trust_remote_code=True, device="cpu")
print(json.dumps([{e["label"]: e["score"] for e in classify(np.load(path))} for path in sys.argv[2:]]))
"""


@torch.no_grad()
def test_transformers_pipeline_without_sottovoce(tiny, waveforms, tmp_path):
    """In a fresh process where Sottovoce cannot be imported; equal labels and probabilities."""
    model = network(tiny).eval()
    model.classifier.weight *= 50  # so that the labels differ
    training.save(model, tmp_path / "model", {"prior": [0.5, 0.25, 0.25]})
    for number, waveform in enumerate(waveforms):
        np.save(tmp_path / f"{number}.npy", waveform)
    files = [str(tmp_path / f"{number}.npy") for number in range(len(waveforms))]
    done = subprocess.run(
        [sys.executable, "-c", PIPELINE, str(tmp_path / "model"), *files],
        cwd=tmp_path,
        env=os.environ | {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout)
    ours = model(**batch(waveforms)).logits.softmax(1)
    for row, said in zip(ours.tolist(), theirs, strict=True):
        named = dict(zip(("angry", "neutral", "sad"), row, strict=True))
        assert said == pytest.approx(named, abs=1e-4)
        assert max(said, key=said.__getitem__) == max(named, key=named.__getitem__)


@pytest.mark.real
@torch.no_grad()
def test_the_real_encoder(whisper_base, real_corpora):
    """Whisper-base in exact context is transformers' own encoder of the padded sound."""
    waveforms = [audio.read(path) for path in sorted((real_corpora / "emodb").rglob("*.flac"))[:2]]
    model = network(whisper_base, context="exact").eval()
    mels = WhisperFeatureExtractor()(waveforms, sampling_rate=16_000, return_tensors="pt").input_features
    hidden = model.encoder(mels).last_hidden_state
    for theirs, ours in zip(hidden, model(**batch(waveforms), return_frames=True).frame_logits, strict=True):
        torch.testing.assert_close(ours, model.classifier(theirs[: len(ours)]), atol=2e-3, rtol=0)
