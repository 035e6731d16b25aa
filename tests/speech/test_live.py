"""Sound from a pipe: raw PCM, and WAV streams of programs that do not know how long they will record."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile

from sottovoce.errors import AudioError
from sottovoce.speech import audio
from sottovoce.speech.live import arriving

SOUND = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
PCM = (SOUND * 32767).astype("<i2")


def heard(content: bytes) -> np.ndarray:
    return np.concatenate(list(arriving(io.BytesIO(content))))


def wav(
    content: bytes, *, code: int = 1, bits: int = 16, channels: int = 1, rate_hz: int = 16_000, size: int | None = None
):
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", code, channels, rate_hz, rate_hz * frame, frame, bits)
    head = b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", len(form)) + form
    # an odd chunk before the sound, as ffmpeg writes one
    return (
        head + b"LIST\x03\x00\x00\x00abc\x00data" + struct.pack("<I", len(content) if size is None else size) + content
    )


def test_raw_pcm_is_16_bits_at_16_khz():
    assert np.array_equal(heard(PCM.tobytes()), PCM.astype(np.float32) / 32768)
    assert np.array_equal(heard(PCM.tobytes() + b"\x01"), PCM.astype(np.float32) / 32768)  # half a sample at the end


@pytest.mark.parametrize("size", [None, 0, 0xFFFF_FFFF, 0x7FFF_F000, 0x8000_0000])
def test_a_wav_stream_may_not_know_its_length(size):
    assert np.array_equal(heard(wav(PCM.tobytes(), size=size)), PCM.astype(np.float32) / 32768)


def test_what_follows_the_sound_is_no_sound():
    assert heard(wav(PCM.tobytes(), size=PCM.nbytes) + b"LIST\x04\x00\x00\x00abcd").size == PCM.size
    assert heard(wav(PCM.tobytes()[:8000], size=8000) + PCM.tobytes()).size == 4000


def test_a_file_through_a_pipe_is_the_file(tmp_path):
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([SOUND, SOUND[::-1]], axis=1), 44_100, "PCM_16")
    assert heard(path.read_bytes()) == pytest.approx(audio.read(path), abs=1e-6)


def test_32_bits_are_read_too():
    whole = (SOUND.astype(np.float64) * 2**31).astype("<i4").tobytes()
    assert heard(wav(whole, bits=32)) == pytest.approx(SOUND, abs=1e-6)
    assert heard(wav(SOUND.astype("<f4").tobytes(), code=3, bits=32)) == pytest.approx(SOUND, abs=1e-6)


def test_sound_is_given_as_soon_as_a_tenth_of_a_second_is_there():
    class Slow(io.BytesIO):
        read_so_far = 0

        def read(self, size=-1):
            Slow.read_so_far += size
            return super().read(size)

    given = 0
    for piece in arriving(Slow(PCM.tobytes())):
        given += 2 * piece.size
        assert Slow.read_so_far - given <= 3200


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "no sound arrived"),
        (PCM.tobytes()[:800], "less than 0.1 s"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "begins like a WAV file and is none"),
        (wav(PCM.tobytes())[:30], "header ends before any sound|is cut off"),
        (wav(PCM.tobytes(), bits=24), "24 bits"),
        (wav(PCM.tobytes(), code=85), "convert it"),
        (wav(PCM.tobytes(), channels=0), "convert it"),
        (b"fLaC" + PCM.tobytes(), "neither raw PCM nor WAV"),
        (wav(np.full(16_000, np.nan, "<f4").tobytes(), code=3, bits=32), "not numbers"),
    ],
    ids=["nothing", "too short", "avi", "cut off", "24 bits", "mp3 within", "no channels", "flac", "nan"],
)
def test_bad_streams_are_refused_in_a_line(content, complaint):
    with pytest.raises(AudioError, match=f"standard input: .*({complaint})") as refused:
        heard(content)
    assert "\n" not in str(refused.value)
