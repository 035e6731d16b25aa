"""One suite that every upstream passes, on tiny random checkpoints loaded as real ones are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sottovoce.errors import UpstreamError, WeightsError
from sottovoce.upstreams.card import Upstream
from sottovoce.upstreams.loading import load_upstream
from tests.conftest import tone
from tests.weights.checkpoints import TINY, drop_tensor
from tests.weights.published import change, published_expressivity, tiny_emotion2vec

TOLERANCE = 2e-5
"""Largest difference between an utterance's frames alone and in company, in fp32: matrix products of other sizes
round in another order. The frames themselves are of order 1."""

LENGTHS_S = (0.9, 0.1, 1.37, 0.9, 0.511, 2.0)


@dataclass(frozen=True)
class Case:
    """One upstream with one kind of weights; `load` takes `load_upstream`'s other arguments."""

    name: str
    folder: Path | None
    options: dict[str, Any]

    def load(self, **changes: Any) -> Upstream:
        weights = None if self.folder is None else str(self.folder)
        return load_upstream(self.name, weights, **{**self.options, **changes})


PUBLISHED = {
    "emotion2vec": tiny_emotion2vec,
    "expressivity": published_expressivity,
    "expressivity-frames": published_expressivity,
}
CASES = ["logmel", "egemaps", "whisper-exact", *(kind if kind != "whisper" else "whisper-trimmed" for kind in TINY)]
CASES += PUBLISHED

MISSING = {  # upstream -> the end of the name of a tensor that is taken away
    "ssl": "layers.1.final_layer_norm.weight",
    "emotion2vec": "AUDIO.context_encoder.blocks.0.norm1.weight",
    "expressivity": "blocks.1.tdnn1.conv.weight",
    "expressivity-frames": "asp.conv.bias",
}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    if request.param in ("logmel", "egemaps"):
        return Case(request.param, None, {})
    if request.param in PUBLISHED:
        return Case(request.param, PUBLISHED[request.param](tmp_path_factory.mktemp("published")), {})
    kind, _, context = request.param.partition("-") if request.param.startswith("whisper") else (request.param, "", "")
    name, write = TINY[kind]
    return Case(name, write(tmp_path_factory.mktemp(kind)), {"context": context} if context else {})


@pytest.fixture(scope="module")
def upstream(case: Case) -> Upstream:
    return case.load(precision="fp32")


@pytest.fixture(scope="module")
def waveforms() -> list[np.ndarray]:
    return [tone(length_s, pitch_hz=100 + 30 * seed, seed=seed) for seed, length_s in enumerate(LENGTHS_S)]


def test_an_utterance_is_the_same_alone_and_in_any_company(upstream: Upstream, waveforms: list[np.ndarray]) -> None:
    alone = [upstream.frames([waveform])[0] for waveform in waveforms]
    order = [4, 0, 5, 3, 1, 2]
    for company in (range(len(waveforms)), order):
        together = upstream.frames([waveforms[index] for index in company])
        for index, frames in zip(company, together, strict=True):
            torch.testing.assert_close(frames, alone[index], atol=TOLERANCE, rtol=0)


def test_utterances_differ_and_nothing_is_zero_or_unfinished(upstream: Upstream, waveforms: list[np.ndarray]) -> None:
    frames = upstream.frames(waveforms)
    assert all(each.isfinite().all() and each.std() > 0.01 for each in frames)
    assert not torch.allclose(frames[0], frames[3], atol=1e-2), "two sounds of one length have the same frames"


@pytest.mark.parametrize("n_samples", [1600, 1601, 1919, 1920, 1921, 5000, 15999, 16000, 16001])
def test_the_number_of_frames_is_known_in_advance(upstream: Upstream, n_samples: int) -> None:
    frames = upstream.frames([tone(2.0)[:n_samples]])[0]
    assert frames.shape == (upstream.n_frames(n_samples), upstream.card.dimension)
    if upstream.card.hop_s:
        assert abs(frames.shape[0] * upstream.card.hop_s - n_samples / 16_000) < 0.05
    else:
        assert frames.shape[0] == 1, "one frame, of the whole utterance"
    assert frames.dtype == torch.float32 and frames.device.type == "cpu" and not frames.requires_grad


def test_more_than_thirty_seconds(upstream: Upstream) -> None:
    waveform = tone(31.0)
    frames = upstream.frames([waveform, waveform[:16_000]])
    assert frames[0].shape == (upstream.n_frames(waveform.size), upstream.card.dimension)
    assert frames[0].isfinite().all()


def test_layers_agree(case: Case, upstream: Upstream, waveforms: list[np.ndarray]) -> None:
    every = case.load(layer="all", precision="fp32").frames(waveforms[:2])
    n_layers = upstream.card.n_layers
    assert every[0].shape == (upstream.n_frames(waveforms[0].size), n_layers, upstream.card.dimension)
    for index in range(n_layers):
        single = case.load(layer=index, precision="fp32").frames(waveforms[:2])
        torch.testing.assert_close(single[1], every[1][:, index], atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(upstream.frames(waveforms[:2])[1], every[1][:, -1], atol=TOLERANCE, rtol=0)
    assert all(not torch.allclose(every[0][:, 0], every[0][:, index]) for index in range(1, n_layers))
    normed = case.load(layer="all-normed", precision="fp32").frames(waveforms[:2])
    torch.testing.assert_close(normed[1][:, -1], every[1][:, -1], atol=TOLERANCE, rtol=0)
    assert normed[0].shape == every[0].shape


def test_a_layer_out_of_range_is_refused_with_the_range(case: Case, upstream: Upstream) -> None:
    n_layers = upstream.card.n_layers
    for layer in (n_layers, -1, "middle", True):
        with pytest.raises(UpstreamError, match=f"0 to {n_layers - 1}"):
            case.load(layer=layer)


def test_too_short_is_refused_and_all_are_listed(upstream: Upstream) -> None:
    short = np.ones(int(upstream.card.shortest_s * 16_000) - 1, dtype=np.float32)
    with pytest.raises(UpstreamError, match=r"number 0 has .*number 2 has"):
        upstream.frames([short, tone(1.0), short])


def test_an_empty_batch_gives_nothing(upstream: Upstream) -> None:
    assert upstream.frames([]) == []


def test_the_card_is_complete(case: Case, upstream: Upstream) -> None:
    facts = upstream.card.to_dict()
    assert facts["name"] == case.name and facts["weights"] and facts["revision"] and facts["licence"]
    assert facts["hop_s"] in (0.0, 0.01, 0.02) and facts["shortest_s"] == 0.1 and facts["dimension"] > 0
    assert isinstance(upstream, Upstream)
    json.dumps(facts | upstream.settings)


def test_settings_follow_every_argument(case: Case, upstream: Upstream) -> None:
    assert case.load(precision="fp32").settings == upstream.settings
    changes: list[dict[str, Any]] = [{"layer": "all"}]
    if case.folder is not None:
        changes += [{"precision": "bf16"}, *([{"layer": 0}] if upstream.card.n_layers > 1 else [])]
    if case.name == "whisper":
        changes += [{"context": "exact" if case.options["context"] == "trimmed" else "trimmed"}]
    all_settings = [upstream.settings, *(case.load(**{"precision": "fp32", **change}).settings for change in changes)]
    assert len({json.dumps(settings, sort_keys=True) for settings in all_settings}) == len(all_settings)


def test_the_same_twice(case: Case, upstream: Upstream, waveforms: list[np.ndarray]) -> None:
    again = case.load(precision="fp32").frames(waveforms)
    for first, second in zip(upstream.frames(waveforms), again, strict=True):
        assert torch.equal(first, second)


def test_bf16_stays_near_fp32(case: Case, upstream: Upstream, waveforms: list[np.ndarray]) -> None:
    rounded = case.load(precision="bf16").frames(waveforms[:2])
    for frames, reference in zip(rounded, upstream.frames(waveforms[:2]), strict=True):
        assert frames.dtype == torch.float32
        assert torch.cosine_similarity(frames.flatten(), reference.flatten(), dim=0) > 0.999


@pytest.fixture
def broken(case: Case, tmp_path: Path) -> Callable[[], Case]:
    """The same checkpoint in a folder of its own, to be damaged."""

    def copy() -> Case:
        if case.folder is None:
            pytest.skip("no weights")
        for path in case.folder.iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        return Case(case.name, tmp_path, case.options)

    return copy


def test_a_missing_tensor_is_named_never_made_up(broken: Callable[[], Case]) -> None:
    damaged = broken()
    assert damaged.folder is not None
    ending = MISSING.get(damaged.name, "encoder.layers.1.fc1.weight")
    if damaged.name in PUBLISHED:
        change(damaged.folder, lambda tensors: [tensors.pop(name) for name in list(tensors) if name.endswith(ending)])
    else:
        drop_tensor(damaged.folder, ending)
    with pytest.raises(WeightsError, match=ending.removeprefix("encoder.")):
        damaged.load()


def test_other_weights_are_another_revision(broken: Callable[[], Case], upstream: Upstream) -> None:
    changed = broken()
    assert changed.folder is not None
    assert changed.load().card.revision == upstream.card.revision, "the place of the weights must not matter"
    if changed.name in PUBLISHED:
        change(changed.folder, lambda tensors: next(iter(tensors.values())).add_(1.0))
    else:
        path = changed.folder / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-4] + b"\x00\x00\x60\x40")
    assert changed.load().card.revision != upstream.card.revision
