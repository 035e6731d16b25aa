"""The reader of sound: every way a recording can be wrong has an outcome and a reason in words."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sottovoce.errors import AudioError
from sottovoce.speech import audio
from tests.conftest import tone


def save(path: Path, waveform: np.ndarray, rate_hz: int = 16_000, **settings) -> Path:
    soundfile.write(str(path), waveform, rate_hz, **settings)
    return path


def reason(path: Path, **settings) -> str:
    with pytest.raises(AudioError) as caught:
        audio.read(path, **settings)
    assert str(path) in str(caught.value)
    return caught.value.reason


def test_reads_mono_16_khz_float32(make_tone):
    waveform = audio.read(make_tone("a.wav", duration_s=1.0))
    assert waveform.dtype == np.float32
    assert waveform.shape == (16_000,)
    np.testing.assert_allclose(waveform, tone(1.0), atol=1e-4)


@pytest.mark.parametrize(
    ("rate_hz", "subtype", "channels"),
    [(8_000, "PCM_16", 1), (192_000, "PCM_16", 1), (48_000, "PCM_24", 2), (44_100, "FLOAT", 1), (16_000, "PCM_U8", 6)],
)
def test_any_rate_width_and_channel_count(tmp_path, rate_hz, subtype, channels):
    pitch = np.repeat(tone(0.5, rate_hz=rate_hz)[:, None], channels, axis=1)
    path = save(tmp_path / "a.wav", pitch, rate_hz, subtype=subtype)
    waveform = audio.read(path)
    assert abs(waveform.size - 8_000) <= 1
    # Away from the edges the sound is the tone itself, whatever the file's rate (u8 is coarse, 8 kHz cuts).
    kept = tone(0.5)[1000:7000]
    similarity = np.corrcoef(waveform[1000:7000], kept)[0, 1]
    assert similarity > 0.99


def test_channels_are_averaged(tmp_path):
    left = tone(0.5)
    path = save(tmp_path / "a.wav", np.stack([left, np.zeros_like(left)], axis=1), subtype="FLOAT")
    np.testing.assert_allclose(audio.read(path), left / 2, atol=1e-6)


def test_content_decides_the_format_not_the_name(tmp_path):
    path = save(tmp_path / "a.wav", tone(0.5), format="AIFF", subtype="PCM_16")
    assert audio.probe(path).encoding == "AIFF PCM_16"
    assert audio.read(path).size == 8_000


def test_spaces_and_letters_of_any_script_in_the_path(tmp_path):
    path = tmp_path / "mia voce è qui" / "گفتگو 声.wav"
    path.parent.mkdir()
    audio.write(path, tone(0.5))
    assert audio.read(path).size == 8_000


def test_a_part_in_seconds(make_tone):
    path = make_tone("a.flac", duration_s=2.0)
    part = audio.read(path, start_s=0.5, end_s=1.25)
    np.testing.assert_array_equal(part, audio.read(path)[8_000:20_000])
    assert audio.read(path, start_s=1.0, end_s=99.0).size == 16_000
    assert "shorter" in reason(path, start_s=3.0)


def test_empty_header_only_text_and_missing(tmp_path):
    empty, header, text = (tmp_path / f"{name}.wav" for name in ("empty", "header", "text"))
    empty.touch()
    save(header, np.zeros(0, np.float32))
    text.write_text("this is no sound")
    assert "0 bytes" in reason(empty)
    assert "holds no sound" in reason(header)
    assert "not a readable sound file" in reason(text)
    assert "no such file" in reason(tmp_path / "absent.wav")
    assert "is a folder" in reason(tmp_path)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(tmp_path, wrong):
    waveform = tone(0.5)
    waveform[100] = wrong
    assert "not numbers" in reason(save(tmp_path / "a.wav", waveform, subtype="FLOAT"))


def test_silence_and_20_ms(tmp_path):
    assert "silent" in reason(save(tmp_path / "a.wav", np.zeros(16_000, np.float32)))
    assert "0.020 s is shorter" in reason(save(tmp_path / "b.wav", tone(0.02)))


def test_two_hours_are_refused_from_the_header_alone(tmp_path):
    n_bytes = 2 * 3600 * 8_000
    header = (
        b"RIFF" + struct.pack("<I", 36 + n_bytes) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    )
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.write(header + b"data" + struct.pack("<I", n_bytes))
        file.truncate(44 + n_bytes)
    begin = time.monotonic()
    assert "7200 s is longer" in reason(path)
    assert time.monotonic() - begin < 1.0


def test_a_cut_off_flac_is_refused(make_tone):
    path = make_tone("a.flac", duration_s=2.0)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "cannot be decoded" in reason(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(make_tone):
    path = make_tone("a.wav")
    path.chmod(0)
    assert "permission denied" in reason(path)


def test_write_scales_down_and_refuses_nonsense(tmp_path):
    audio.write(tmp_path / "loud.wav", 3 * tone(0.5) / np.abs(tone(0.5)).max())
    assert 0.99 < np.abs(audio.read(tmp_path / "loud.wav")).max() <= 1.0
    for waveform in (np.zeros(0, np.float32), np.array([0.1, np.nan], np.float32)):
        with pytest.raises(AudioError, match="refusing"):
            audio.write(tmp_path / "no.wav", waveform)
    with pytest.raises(FileNotFoundError):  # an error of the disk, not of the sound
        audio.write(tmp_path / "absent" / "a.wav", tone(0.5))


def test_digest_follows_the_bytes(make_tone):
    same = [audio.digest(make_tone(name)) for name in ("a.wav", "b.wav")]
    assert same[0] == same[1] != audio.digest(make_tone("c.wav", seed=1))
