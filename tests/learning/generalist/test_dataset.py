"""What the generalist hears, and how much each utterance counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader
from transformers import WhisperFeatureExtractor

from sottovoce.learning.generalist.dataset import SpeechDataset, balanced, collate, domains_of
from sottovoce.recipe.augmentation import Augmentation
from sottovoce.speech import audio
from sottovoce.speech.manifest import Manifest, Utterance
from tests.conftest import tone

ALWAYS = Augmentation(probability=1.0, transforms=("gain", "noise"))


def utterance(path: object, name: str, **told: object) -> Utterance:
    known = {"id": name, "path": str(path), "speaker": "1", "emotion": "sad", "corpus": "own"}
    return Utterance(**(known | told))  # type: ignore[arg-type]


@pytest.fixture
def manifest(make_tone) -> Manifest:
    lengths_s = {"a": 0.7, "b": 1.234, "c": 0.1}
    return Manifest(tuple(utterance(make_tone(f"{n}.wav", duration_s=s), n) for n, s in lengths_s.items()))


def mels(dataset: SpeechDataset) -> list[torch.Tensor]:
    return [dataset[i]["mel"] for i in range(len(dataset))]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_what_is_heard_is_whisper_s_spectrogram_of_the_sound(manifest):
    dataset = SpeechDataset(manifest, 80)
    assert dataset.durations_s == pytest.approx([0.7, 1.234, 0.1])
    for each, heard in zip(manifest, (dataset[i] for i in range(3)), strict=True):
        sound = audio.read(each.path)
        n_steps = int(heard["n_steps"])
        assert n_steps == 2 * -(-len(sound) // 320)
        expected = WhisperFeatureExtractor()(sound, sampling_rate=16_000, return_tensors="np").input_features[0].T
        np.testing.assert_allclose(heard["mel"].numpy(), expected[: len(heard["mel"])], atol=1e-4)
        assert set(heard) == {"mel", "n_steps"}


def test_a_part_of_a_file_and_the_first_thirty_seconds(tmp_path):
    audio.write(tmp_path / "long.wav", np.tile(tone(1.0), 33))
    parts = [
        utterance(tmp_path / "long.wav", "whole"),
        utterance(tmp_path / "long.wav", "end", start_s=31.0),
        utterance(tmp_path / "long.wav", "middle", start_s=1.5, end_s=2.0),
        utterance(tmp_path / "long.wav", "most", start_s=1.0, end_s=32.5),
    ]
    dataset = SpeechDataset(Manifest(tuple(parts)), 80)
    assert dataset.durations_s == pytest.approx([30.0, 2.0, 0.5, 30.0])
    assert [int(dataset[i]["n_steps"]) for i in range(4)] == [3000, 200, 50, 3000]
    assert len(dataset[0]["mel"]) == 3000
    short = SpeechDataset(Manifest(tuple(parts)), 80, longest_s=0.2)
    assert [int(short[i]["n_steps"]) for i in range(4)] == [20] * 4


def test_batches_are_padded_with_whisper_s_silence(manifest):
    dataset = SpeechDataset(manifest, 80, labels=np.eye(3), weights=np.arange(3.0))
    made = collate([dataset[i] for i in range(3)])
    assert made["input_features"].shape[:2] == (3, 80)
    assert made["attention_mask"].sum(1).tolist() == [int(dataset[i]["n_steps"]) for i in range(3)]
    expected = WhisperFeatureExtractor()(audio.read(manifest.utterances[2].path), sampling_rate=16_000)
    padded = expected.input_features[0][:, : made["input_features"].shape[2]]
    np.testing.assert_allclose(made["input_features"][2].numpy(), padded, atol=1e-4)
    assert made["labels"].tolist() == np.eye(3).tolist() and made["weights"].tolist() == [0.0, 1.0, 2.0]
    assert "domains" not in made


def test_augmented_anew_in_each_epoch_by_utterance_and_seed_alone(manifest):
    dataset = SpeechDataset(manifest, 80, augmentation=ALWAYS, seed=1)
    first = mels(dataset)
    assert same(first, mels(dataset)), "the same epoch is heard again"
    assert not torch.equal(first[0], SpeechDataset(manifest, 80)[0]["mel"])
    dataset.set_epoch(1)
    assert not any(torch.equal(a, b) for a, b in zip(first, mels(dataset), strict=True))
    dataset.set_epoch(0)
    assert same(first, mels(dataset))

    turned = SpeechDataset(Manifest(manifest.utterances[::-1]), 80, augmentation=ALWAYS, seed=1)
    assert same(first[::-1], mels(turned)), "the order does not matter"
    another = SpeechDataset(manifest, 80, augmentation=ALWAYS, seed=2)
    assert not same(first, mels(another))
    renamed = Manifest(tuple(replace(u, corpus="other") for u in manifest))
    assert not same(first, mels(SpeechDataset(renamed, 80, augmentation=ALWAYS, seed=1)))


def test_worker_processes_hear_what_this_one_hears_in_every_epoch(manifest):
    dataset = SpeechDataset(manifest, 80, augmentation=ALWAYS)
    loader = DataLoader(dataset, batch_size=1, collate_fn=collate, num_workers=1)
    heard = []
    for epoch in (0, 1):
        dataset.set_epoch(epoch)
        expected = [collate([dataset[i]])["input_features"] for i in range(3)]
        heard.append([each["input_features"].clone() for each in loader])
        assert same(expected, heard[-1])
    assert not same(*heard)


def named(*speakers: str) -> Manifest:
    """Utterances by `corpus/speaker`; nothing of them is read."""
    parts = [name.split("/") for name in speakers]
    return Manifest(tuple(utterance("x", str(i), corpus=c, speaker=s) for i, (c, s) in enumerate(parts)))


def test_domains_are_corpora_and_speakers_of_a_corpus():
    manifest = named("b/1", "a/1", "b/2", "b/1")
    both, sizes = domains_of(manifest, ["corpus", "speaker"])
    assert both.tolist() == [[1, 1], [0, 0], [1, 2], [1, 1]] and sizes == [2, 3]
    assert domains_of(manifest, ["speaker"])[0].tolist() == [[1], [0], [2], [1]]
    none, sizes = domains_of(manifest, [])
    assert none.shape == (4, 0) and sizes == []


def test_weights_by_hand():
    manifest = named("a/1", "b/1", "b/1", "b/1")
    labels = np.array([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    assert balanced(manifest, labels, "none").tolist() == [1.0] * 4
    np.testing.assert_allclose(balanced(manifest, labels, "corpus"), np.array([3, 1, 1, 1]) * 4 / 6)
    by_class = np.array([1 / 2.5, 1 / 2.5, 0.5 / 2.5 + 0.5 / 1.5, 1 / 1.5])
    np.testing.assert_allclose(balanced(manifest, labels, "class"), by_class / by_class.mean())
    both = by_class * [3, 1, 1, 1]
    np.testing.assert_allclose(balanced(manifest, labels, "both"), both / both.mean())


def test_a_class_that_nobody_has_weighs_nothing():
    weights = balanced(named("a/1", "a/1"), np.array([[1.0, 0.0], [1.0, 0.0]]), "both")
    assert weights.tolist() == [1.0, 1.0]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=1, max_size=30))
def test_weights_have_a_mean_of_one_and_make_corpora_and_classes_count_alike(rows):
    manifest = named(*(f"{corpus}/1" for corpus, _ in rows))
    numbers = np.array([number for _, number in rows])
    labels = np.eye(4)[numbers]
    corpora = np.array([corpus for corpus, _ in rows])
    for balance in ("none", "corpus", "class", "both"):
        weights = balanced(manifest, labels, balance)
        assert weights.mean() == pytest.approx(1) and (weights > 0).all()
    for balance, groups in (("corpus", corpora), ("class", numbers)):
        weights = balanced(manifest, labels, balance)
        sums = [weights[groups == group].sum() for group in np.unique(groups)]
        assert sums == pytest.approx([len(rows) / len(sums)] * len(sums))


def test_a_recording_that_is_gone_is_named(tmp_path: Path):
    gone = Manifest((utterance(tmp_path / "gone.wav", "gone", end_s=1.0),))
    with pytest.raises(Exception, match=r"gone\.wav"):
        SpeechDataset(gone, 80)[0]
