from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from sottovoce.errors import StoreError, UpstreamError
from sottovoce.speech import audio
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Store, Task
from sottovoce.store.shards import Execution
from sottovoce.upstreams import features
from sottovoce.upstreams.card import Upstream
from sottovoce.upstreams.features import FRAMES, Extracted, FeatureWorker, Frames, extract, precision_deviation
from tests.conftest import tone
from tests.upstreams.framing import Framing

DURATIONS_S = (0.4, 1.7, 0.2, 0.9, 3.1, 0.5, 1.1)


def utterance(path: Path) -> Utterance:
    return Utterance(id=path.stem, path=str(path), speaker="s", emotion="sad")


@pytest.fixture
def tones(tmp_path: Path) -> Manifest:
    found = []
    for i, duration_s in enumerate(DURATIONS_S):
        path = tmp_path / f"tone{i}.wav"
        audio.write(path, tone(duration_s, pitch_hz=100 + 20 * i, seed=i))
        found.append(utterance(path))
    return Manifest(tuple(found))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def fetched(extracted: Extracted, name: str) -> torch.Tensor:
    return Frames([extracted.kept[name]]).fetch(np.array([0]))[0]


def expected(u: Utterance, upstream: Upstream) -> torch.Tensor:
    return upstream.frames([audio.read(u.path, start_s=u.start_s, end_s=u.end_s)])[0].half().float()


@pytest.mark.parametrize("upstream", [Framing(), Framing(n_layers=3)])
def test_every_utterance_has_the_frames_of_its_own_sound_in_16_bits(tones: Manifest, store: Store, upstream: Framing):
    extracted = extract(tones, upstream, store, Execution(shard_size=3))
    assert not extracted.refused
    for u, duration_s in zip(tones, DURATIONS_S, strict=True):
        frames = fetched(extracted, u.id)
        assert torch.equal(frames, expected(u, upstream))
        assert frames.shape[0] == round(duration_s * 50) and frames.shape[-1] == 6
        assert frames.ndim == (3 if upstream.n_layers else 2)


def test_an_utterance_alone_gives_what_it_gives_among_others(tones: Manifest, store: Store, tmp_path: Path):
    together = extract(tones, Framing(), store)
    for u in tones:
        alone = extract(Manifest((u,)), Framing(), Store(tmp_path / "another store"))
        assert torch.equal(fetched(alone, u.id), fetched(together, u.id))


def test_a_part_of_a_recording_has_the_frames_of_that_part(tones: Manifest, store: Store):
    part = replace(tones[4], id="part", start_s=1.0, end_s=1.5)
    extracted = extract(Manifest((*tones, part)), Framing(), store)
    assert torch.equal(fetched(extracted, "part"), fetched(extracted, "tone4")[50:75])


def test_features_are_computed_once_wherever_the_corpus_lies(
    tones: Manifest, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = extract(tones, Framing(), store)
    (tmp_path / "moved").mkdir()
    moved = []
    for u in tones:
        Path(u.path).rename(path := tmp_path / "moved" / f"again {u.id}.wav")
        moved.append(utterance(path))
    monkeypatch.setattr(Framing, "frames", lambda *_: pytest.fail("computed again"))
    after = extract(Manifest(tuple(moved)), Framing(), store)
    assert all(torch.equal(fetched(before, u.id), fetched(after, f"again {u.id}")) for u in tones)


def test_a_recording_that_changed_is_not_served_stale(tones: Manifest, store: Store):
    extract(tones, Framing(), store)
    audio.write(tones[0].path, tone(0.4, pitch_hz=400))
    extracted = extract(tones, Framing(), store)
    assert torch.equal(fetched(extracted, "tone0"), expected(tones[0], Framing()))


def test_other_settings_of_the_upstream_give_other_features(tones: Manifest, store: Store):
    one = extract(tones, Framing(), store)
    two = extract(tones, Framing(gain=2.0), store)
    assert torch.equal(2 * fetched(one, "tone0"), fetched(two, "tone0"))


def test_processes_give_the_same_features(tones: Manifest, store: Store, tmp_path: Path):
    serial = extract(tones, Framing(), store)
    process = extract(tones, Framing(), Store(tmp_path / "p"), Execution("process", workers=2, shard_size=3))
    assert all(torch.equal(fetched(serial, u.id), fetched(process, u.id)) for u in tones)


def test_progress_counts_every_utterance(tones: Manifest, store: Store):
    progress: list[int] = []
    extract(tones, Framing(), store, Execution(shard_size=4), progress.append)
    assert progress == [0, 4, 3]


# Refusals


def test_bad_recordings_are_refused_with_a_reason_and_never_become_zeros(tones: Manifest, store: Store, tmp_path: Path):
    (tmp_path / "text.wav").write_text("this is no sound")
    (tmp_path / "empty.wav").touch()
    soundfile.write(tmp_path / "brief.wav", tone(0.02), 16_000)
    soundfile.write(tmp_path / "short.wav", tone(0.12), 16_000)
    holes = tone(0.5)
    holes[100] = np.nan
    soundfile.write(tmp_path / "nan.wav", holes, 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "silent.wav", np.zeros(16_000), 16_000)
    reasons = {
        "text": "not a readable sound file",
        "empty": "empty",
        "brief": "0.020 s is shorter than",
        "short": "shorter than the 0.15 s this upstream needs",
        "nan": "NaN",
        "silent": "silent",
        "absent": "no such file",
    }
    bad = [utterance(tmp_path / f"{name}.wav") for name in reasons]
    everything = Manifest((*bad[:3], *tones, *bad[3:]))
    for _ in range(2):  # computed, then found in the store
        extracted = extract(everything, Framing(), store, Execution(shard_size=5))
        assert set(extracted.refused) == set(reasons)
        assert all(reasons[name] in reason for name, reason in extracted.refused.items())
        assert set(extracted.kept) == {u.id for u in tones}
        assert all(torch.equal(fetched(extracted, u.id), expected(u, Framing())) for u in tones)


def test_a_corpus_of_bad_recordings_alone_is_refused_whole(store: Store, tmp_path: Path):
    (tmp_path / "text.wav").write_text("this is no sound")
    extracted = extract(Manifest((utterance(tmp_path / "text.wav"),)), Framing(), store)
    assert not extracted.kept and set(extracted.refused) == {"text"}


def test_a_refused_recording_that_was_mended_is_read_again(store: Store, tmp_path: Path):
    path = tmp_path / "mended.wav"
    path.write_text("this is no sound")
    manifest = Manifest((utterance(path),))
    assert extract(manifest, Framing(), store).refused
    audio.write(path, tone(0.5))
    assert set(extract(manifest, Framing(), store).kept) == {"mended"}


def test_frames_too_large_for_16_bits_are_refused(store: Store, tones: Manifest, tmp_path: Path):
    faint = tmp_path / "faint.wav"
    audio.write(faint, np.float32(1e-3) * tone(0.5))
    extracted = extract(Manifest((*tones, utterance(faint))), Framing(gain=1e5), store)
    assert set(extracted.refused) == {u.id for u in tones} and set(extracted.kept) == {"faint"}
    assert "16 bits" in extracted.refused["tone0"]


class FullDisk(FeatureWorker):
    """Its frames go to a device that is always full."""

    def __call__(self, tasks: Sequence[Task], folder: Path):
        (folder / FRAMES).symlink_to("/dev/full")
        return super().__call__(tasks, folder)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk_says_so_and_leaves_nothing(store: Store, tones: Manifest):
    shelf = store.shelf("features", {})
    with pytest.raises(StoreError, match="no space left"):
        shelf.add(store.tasks(tones.utterances), FullDisk(Framing()))
    assert not shelf.finished() and not list(shelf.folder.glob(".*"))


# Fetching


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("n_layers", [None, 3])
def test_frames_from_memory_and_from_disk_are_the_same(tones: Manifest, store: Store, dtype, n_layers):
    kept = list(extract(tones, Framing(n_layers=n_layers), store, Execution(shard_size=3)).kept.values())
    memory, disk = Frames(kept, dtype=dtype), Frames(kept, dtype=dtype, memory_bytes=0)
    assert len(memory) == len(disk) == len(tones)
    assert (memory.dimension, memory.n_layers) == (disk.dimension, disk.n_layers) == (6, n_layers)
    for rows in ([0], [6, 0, 3, 3], list(range(7))):
        for fetch in (memory.fetch, disk.fetch):
            X, lengths = fetch(np.array(rows))
            assert lengths.tolist() == [round(50 * DURATIONS_S[i]) for i in rows]
            whole = torch.cat([expected(tones[i], Framing(n_layers=n_layers)) for i in rows]).to(dtype)
            assert torch.equal(X[: len(whole)], whole)
            assert len(X) == (len(whole) if dtype == torch.float32 else -(-len(whole) // 256) * 256)
            assert X.isfinite().all()


def test_neighbours_are_fetched_without_a_copy(tones: Manifest, store: Store):
    frames = Frames(list(extract(tones, Framing(), store).kept.values()))
    each = [frames.fetch(np.array([i]))[0] for i in range(4)]
    together = frames.fetch(np.array([1, 2, 3]))[0]
    assert torch.equal(together, torch.cat(each[1:])) and together.data_ptr() == each[1].data_ptr()
    assert torch.equal(frames.fetch(np.array([3, 1]))[0], torch.cat([each[3], each[1]]))
    assert len(frames.fetch(np.array([], np.int64))[0]) == 0


def test_features_of_different_shapes_are_not_mixed(tones: Manifest, store: Store):
    narrow, wide = extract(tones, Framing(), store), extract(tones, Framing(dimension=8), store)
    with pytest.raises(StoreError, match="different shapes"):
        Frames([narrow.kept["tone0"], wide.kept["tone0"]])


def test_a_shard_cut_off_while_it_is_in_use_is_an_error_and_no_frames(tones: Manifest, store: Store):
    extracted = extract(tones, Framing(), store)
    frames = Frames(list(extracted.kept.values()), memory_bytes=0)
    path = extracted.kept["tone4"].folder / FRAMES
    os.truncate(path, 200)
    with pytest.raises(StoreError, match="shorter than its index says"):
        frames.fetch(np.arange(7))
    path.unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        frames.fetch(np.arange(7))


def test_the_index_says_where_an_array_that_numpy_opens_holds_each_utterance(tones: Manifest, store: Store):
    extracted = extract(tones, Framing(), store)
    kept = extracted.kept["tone1"]
    whole = np.load(kept.folder / FRAMES, mmap_mode="r", allow_pickle=False)
    assert whole.dtype == np.float16
    part = whole[kept.row["start"] : kept.row["start"] + kept.row["n_frames"]]
    assert np.array_equal(part.astype(np.float32), fetched(extracted, "tone1").numpy())
    assert (
        json.loads((kept.folder.parent / "settings.json").read_text())["settings"].items() >= Framing().settings.items()
    )


def test_a_change_of_the_code_that_changes_frames_makes_them_anew(
    tones: Manifest, store: Store, monkeypatch: pytest.MonkeyPatch
):
    before = extract(tones, Framing(), store).kept["tone0"].folder
    assert extract(tones, Framing(), store).kept["tone0"].folder == before
    monkeypatch.setattr(features, "METHOD", features.METHOD + 1)
    assert extract(tones, Framing(), store).kept["tone0"].folder != before


# Deviation


def test_deviation_is_that_of_the_kept_frames_from_the_exact_ones(tones: Manifest, store: Store):
    extracted = extract(tones, Framing(), store)
    same = precision_deviation(tones, extracted, Framing())
    assert 0 < same["relative_rms"] < 1e-3 and same["cosine"] > 0.9999
    louder = precision_deviation(tones, extracted, Framing(gain=2.0))
    assert louder["relative_rms"] == pytest.approx(0.5, abs=1e-3)


def test_deviation_needs_features(tones: Manifest):
    with pytest.raises(UpstreamError, match="no utterance"):
        precision_deviation(tones, Extracted({}, {}), Framing())
