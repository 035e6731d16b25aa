"""Sound as it arrives: raw PCM or a WAV stream from a pipe, such as a microphone's."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from sottovoce.errors import AudioError
from sottovoce.speech.audio import RATE_HZ, Waveform, continuous

NAME = "standard input"

PIECE_S = 0.1
"""How much is read at a time: it adds to what a listener waits for."""

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_TYPES = {(_PCM, 16): "<i2", (_PCM, 32): "<i4", (_FLOAT, 32): "<f4"}
_ENDLESS = 0x7FFF_0000
"""Programs that do not know how long they will record write a length beyond this, or zero, into the header."""


def arriving(stream: BinaryIO, *, rate_hz: int = RATE_HZ, piece_s: float = PIECE_S) -> Iterator[Waveform]:
    """Sound from a pipe as mono at `rate_hz`, as soon as `piece_s` of it is there, until the pipe closes.

    A stream that begins with a WAV header is what the header says (16 or 32 bits of PCM, or 32-bit float); any other
    is raw PCM: 16 bits, little-endian, mono, at `RATE_HZ`.

    Yields:
        float32 arrays `[n]`; some may be empty.

    Raises:
        AudioError: nothing or too little arrives, the header cannot be read, or a sample is not a number.
    """
    start = stream.read(4)
    if not start:
        raise AudioError(NAME, "is empty: no sound arrived")
    if start == b"RIFF":
        kind, channels, from_hz, length = _wav_header(stream)
        start = b""
    elif start in (b"fLaC", b"OggS", b"ID3\x03", b"ID3\x04", b"RF64"):
        raise AudioError(NAME, "is neither raw PCM nor WAV; give the file's name, or convert: ffmpeg -i ... -f wav -")
    else:
        kind, channels, from_hz, length = "<i2", 1, RATE_HZ, None
    yield from continuous(
        _pieces(stream, start, kind, channels, length, round(piece_s * from_hz)), from_hz, rate_hz, NAME
    )


def _pieces(
    stream: BinaryIO, start: bytes, kind: str, channels: int, length: int | None, n: int
) -> Iterator[NDArray[np.float32]]:
    """Samples `[n, channels]` in [-1, 1]; of the stream's last bytes, those that make whole samples."""
    full = 1.0 if kind == "<f4" else float(-np.iinfo(kind).min)
    frame = channels * np.dtype(kind).itemsize
    left = length
    while True:
        wanted = max(1, n) * frame - len(start)
        content = start + stream.read(wanted if left is None else min(wanted, left))
        left = None if left is None else left - (len(content) - len(start))
        start = b""
        if len(content) < frame:
            return
        samples = np.frombuffer(content, kind, len(content) // frame * channels)
        yield samples.reshape(-1, channels).astype(np.float32) / np.float32(full)


def _wav_header(stream: BinaryIO) -> tuple[str, int, int, int | None]:
    """Type of a sample, channels, rate and, where it is known, the length in bytes; the stream is left at the sound."""
    stream.read(4)
    if stream.read(4) != b"WAVE":
        raise AudioError(NAME, "begins like a WAV file and is none")
    form: tuple[str, int, int] | None = None
    while True:
        chunk = stream.read(8)
        if len(chunk) < 8:
            raise AudioError(NAME, "its WAV header ends before any sound")
        name, size = struct.unpack("<4sI", chunk)
        if name == b"data":
            break
        content = stream.read(size + size % 2)  # chunks begin at even places
        if name == b"fmt ":
            form = _format(content)
    if form is None:
        raise AudioError(NAME, "its WAV header does not say how the sound is written")
    return *form, None if size == 0 or size > _ENDLESS else size


def _format(content: bytes) -> tuple[str, int, int]:
    if len(content) < 16:
        raise AudioError(NAME, "its WAV header is cut off")
    code, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", content[:16])
    if code == _EXTENSIBLE and len(content) >= 26:
        code = struct.unpack("<H", content[24:26])[0]  # the first two bytes of the sub-format say the same
    if (code, bits) not in _TYPES or not channels or not rate_hz:
        raise AudioError(NAME, f"WAV of {bits} bits, code {code}: convert it to 16 bits first: ffmpeg -i ... -f wav -")
    return _TYPES[code, bits], channels, rate_hz
