"""Long recordings block after block: what the whole recording would be, in bounded memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import soundfile

from sottovoce.errors import AudioError
from sottovoce.speech import audio

NOISE = np.random.default_rng(0).normal(0, 0.1, (100_000, 2)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 192_000])
@pytest.mark.parametrize("block_s", [0.01, 0.3, 60.0])
def test_blocks_together_are_the_recording(tmp_path, rate_hz, block_s):
    path = tmp_path / "noise.flac"
    soundfile.write(path, NOISE, rate_hz)
    together = np.concatenate(list(audio.blocks(path, block_s=block_s)))
    assert together.dtype == np.float32
    assert together == pytest.approx(audio.read(path), abs=1e-6)


def test_silence_is_no_error(tmp_path):
    soundfile.write(tmp_path / "silence.flac", np.zeros(16_000 * 3), 16_000)
    assert sum(block.size for block in audio.blocks(tmp_path / "silence.flac")) == 16_000 * 3


def test_memory_holds_a_block(tmp_path):
    path = tmp_path / "long.wav"
    soundfile.write(path, np.tile(NOISE, (40, 1)), 44_100, "PCM_16")
    tracemalloc.start()
    n = sum(block.size for block in audio.blocks(path, block_s=1.0))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n == pytest.approx(40 * 100_000 * 16_000 / 44_100, abs=1)
    assert most < 4 << 20  # the recording would be 32 MB


@pytest.mark.parametrize(
    ("samples", "complaint"),
    [
        (np.zeros(0), "holds no sound"),
        (np.zeros(800), "0.050 s is shorter than 0.1 s"),
        (np.full(16_000, np.nan), "not numbers"),
        (np.append(np.zeros(200_000), np.inf), r"not numbers .* before 12\.5 s"),
    ],
    ids=["empty", "too short", "nan", "infinite at the end"],
)
def test_bad_recordings_are_refused_in_a_line(tmp_path, samples, complaint):
    soundfile.write(tmp_path / "bad.wav", samples, 16_000, "FLOAT")
    with pytest.raises(AudioError, match=rf"bad\.wav: .*{complaint}"):
        list(audio.blocks(tmp_path / "bad.wav"))


def test_a_recording_cut_off_gives_what_there_is(tmp_path):
    whole, cut = tmp_path / "whole.wav", tmp_path / "cut.wav"
    soundfile.write(whole, NOISE[:, 0], 16_000, "PCM_16")
    cut.write_bytes(whole.read_bytes()[: 44 + 2 * 50_000])
    assert sum(block.size for block in audio.blocks(cut)) == 50_000
