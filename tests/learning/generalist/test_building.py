"""The network at the beginning of training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import WhisperModel

from sottovoce.errors import RecipeError, WeightsError
from sottovoce.learning.generalist import training
from tests.tiny_generalist import network
from tests.weights.checkpoints import drop_tensor, tiny_w2v_bert, tiny_whisper

CLASSES = ("angry", "neutral", "sad")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return tiny_whisper(tmp_path / "whisper")


def test_whisper_s_encoder_with_heads_drawn_by_the_seed(tiny):
    made, again = network(tiny, sizes=[2, 3]), network(tiny, sizes=[2, 3])
    encoder = WhisperModel.from_pretrained(tiny).encoder
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(made.encoder.state_dict()[name], tensor), name
    for name, tensor in made.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    assert made.config.id2label == {0: "angry", 1: "neutral", 2: "sad"}
    assert [head.out_features for head in made.domain_heads] == [2, 3]  # type: ignore[union-attr]


def test_a_generalist_is_continued_and_its_head_kept_where_the_classes_agree(tiny, tmp_path):
    first = network(tiny, sizes=[2])
    with torch.no_grad():
        first.classifier.weight.fill_(0.5)
        first.encoder.layer_norm.bias.fill_(0.25)
    training.save(first, tmp_path / "first", {"heard": {"corpora": ["a"]}})
    continued = network(tmp_path / "first", sizes=[5])
    assert torch.equal(continued.classifier.weight, first.classifier.weight)
    assert torch.equal(continued.encoder.layer_norm.bias, first.encoder.layer_norm.bias)
    assert [head.out_features for head in continued.domain_heads] == [5]  # type: ignore[union-attr]
    assert continued.config.heard == {"corpora": ["a"]}, "what it starts from stays known"
    for others in (("sad", "neutral", "angry"), ("angry", "neutral")):
        changed = network(tmp_path / "first", others)
        assert not (changed.classifier.weight == 0.5).any()
        assert torch.equal(changed.encoder.layer_norm.bias, first.encoder.layer_norm.bias)


def test_weights_of_another_kind_or_incomplete_are_refused(tiny, tmp_path):
    with pytest.raises(WeightsError, match="kind 'wav2vec2-bert', not of Whisper"):
        network(tiny_w2v_bert(tmp_path / "other"))
    dropped = drop_tensor(tiny, "encoder.layers.0.fc1.weight")
    with pytest.raises(WeightsError, match=r"layers\.0\.fc1\.weight"):
        network(tiny)
    assert "encoder" in dropped
    with pytest.raises(WeightsError, match="neither a folder nor in the local hub cache"):
        network(tmp_path / "nowhere")


def test_a_generalist_without_its_head_is_refused(tiny, tmp_path):
    training.save(network(tiny), tmp_path / "first", {})
    drop_tensor(tmp_path / "first", "classifier.weight")
    with pytest.raises(WeightsError, match=r"classifier\.weight"):
        network(tmp_path / "first")


def test_more_layers_than_there_are_cannot_be_frozen(tiny):
    with pytest.raises(RecipeError, match=r"network\.frozen_layers is 3, and .* has 2; set 2 at most"):
        network(tiny, frozen_layers=3)
    assert not any(p.requires_grad for p in network(tiny, frozen_layers=2).encoder.layers.parameters())


def test_masks_wider_than_the_spectrogram_are_refused(tiny):
    path = tiny / "config.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    assert told["num_mel_bins"] == 80
    from sottovoce.learning.generalist.building import build
    from sottovoce.recipe.generalist import Domains, Network, SpecAugment

    with pytest.raises(RecipeError, match=r"spec_augment\.mel_bands is 81"):
        build(Network(weights=str(tiny)), CLASSES, SpecAugment(mel_bands=81), Domains(), [])
