"""The only reader and writer of sound. Waveforms are mono float32 in [-1, 1]; times are seconds everywhere.

What is read may be a local file or a URI; a URI that does not answer is a `StoreError` (see `speech.uri`).
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from sottovoce.errors import AudioError
from sottovoce.speech import uri

Waveform = NDArray[np.float32]

RATE_HZ = 16_000
"""The rate every upstream here expects."""

SHORTEST_S = 0.1
"""Less than this holds no syllable, let alone an emotion."""

LONGEST_S = 600.0
"""An utterance is one stretch of speech; a longer recording must be cut with start_s and end_s."""

BLOCK_S = 5.0
"""How much of a long recording is in memory at a time."""

SILENT_PEAK = 1e-4
"""A recording that never exceeds this (-80 dB of full scale) is silent."""


@dataclass(frozen=True)
class SoundInfo:
    """What a recording's header says."""

    duration_s: float
    rate_hz: int
    channels: int
    encoding: str


def probe(path: str | Path) -> SoundInfo:
    """Read the header alone.

    Raises:
        AudioError: the file is absent, unreadable, no sound file, or holds no sound.
    """
    return _probe(path, _source(path))


def _probe(path: str | Path, source: str | bytes) -> SoundInfo:
    try:
        info = soundfile.info(_stream(source))
    except (soundfile.LibsndfileError, OSError) as problem:
        raise AudioError(path, f"not a readable sound file ({_first_line(problem)})") from problem
    if info.frames <= 0 or info.samplerate <= 0:
        raise AudioError(path, "holds no sound: the header is there and nothing after it")
    return SoundInfo(info.frames / info.samplerate, info.samplerate, info.channels, f"{info.format} {info.subtype}")


def read(
    path: str | Path, *, rate_hz: int = RATE_HZ, start_s: float | None = None, end_s: float | None = None
) -> Waveform:
    """Read a recording, or the part between `start_s` and `end_s`, as mono at `rate_hz`.

    The content decides the format, not the name: AIFF inside a `.wav` is read. Channels are averaged.

    Returns:
        float32 array `[n]` with n = duration times `rate_hz`.

    Raises:
        AudioError: absent, unreadable, no sound file, empty, shorter than `SHORTEST_S`, longer than `LONGEST_S`,
            silent, or with samples that are not numbers.
    """
    source = _source(path)
    info = _probe(path, source)
    first = round((start_s or 0.0) * info.rate_hz)
    last = round((info.duration_s if end_s is None else min(end_s, info.duration_s)) * info.rate_hz)
    duration_s = (last - first) / info.rate_hz
    if duration_s < SHORTEST_S:
        raise AudioError(path, f"{max(duration_s, 0.0):.3f} s is shorter than {SHORTEST_S} s")
    if duration_s > LONGEST_S:
        raise AudioError(
            path, f"{duration_s:.0f} s is longer than {LONGEST_S:.0f} s; cut it into utterances with start_s and end_s"
        )
    try:
        samples, _ = soundfile.read(_stream(source), start=first, stop=last, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as problem:
        raise AudioError(path, f"cannot be decoded ({_first_line(problem)})") from problem
    waveform = samples.mean(axis=1, dtype=np.float32)
    if waveform.size < SHORTEST_S * info.rate_hz:
        raise AudioError(path, f"truncated: only {waveform.size / info.rate_hz:.3f} s of sound could be decoded")
    if not np.isfinite(waveform).all():
        raise AudioError(path, "holds samples that are not numbers (NaN or infinite)")
    if np.abs(waveform).max() < SILENT_PEAK:
        raise AudioError(path, "silent: no sample rises above -80 dB of full scale")
    return resample(waveform, info.rate_hz, rate_hz)


def blocks(path: str | Path, *, rate_hz: int = RATE_HZ, block_s: float = BLOCK_S) -> Iterator[Waveform]:
    """Read a recording of any length block after block, as mono at `rate_hz`; silence is no error here.

    Memory holds one block, or the whole encoded file where `path` is a URI. The blocks together are what the whole
    recording would be: the resampler carries on from one to the next, whatever their size.

    Yields:
        float32 arrays `[n]` of about `block_s` seconds; some may be empty.

    Raises:
        AudioError: absent, unreadable, no sound file, empty, shorter than `SHORTEST_S`, cut off before that, or with
            samples that are not numbers.
    """
    source = _source(path)
    info = _probe(path, source)
    if info.duration_s < SHORTEST_S:
        raise AudioError(path, f"{info.duration_s:.3f} s is shorter than {SHORTEST_S} s")
    yield from continuous(_decoded(path, source, block_s), info.rate_hz, rate_hz, path)


def continuous(pieces: Iterable[NDArray[np.float32]], from_hz: int, to_hz: int, name: str | Path) -> Iterator[Waveform]:
    """Consecutive pieces `[n, channels]` of one sound as mono at another rate, without a seam between them.

    Raises:
        AudioError: there is less than `SHORTEST_S` of it, or a sample is not a number; the message begins with `name`.
    """
    stream = None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality="HQ")
    n_heard = 0
    for piece in pieces:
        n_heard += len(piece)
        mono = piece.mean(axis=1, dtype=np.float32)
        if not np.isfinite(mono).all():
            raise AudioError(
                name, f"holds samples that are not numbers (NaN or infinite) before {n_heard / from_hz:.1f} s"
            )
        yield mono if stream is None else stream.resample_chunk(mono)
    if n_heard < SHORTEST_S * from_hz:
        raise AudioError(name, f"only {n_heard / from_hz:.3f} s of sound could be decoded, less than {SHORTEST_S} s")
    if stream is not None:
        yield stream.resample_chunk(np.empty(0, np.float32), last=True)


def _decoded(path: str | Path, source: str | bytes, block_s: float) -> Iterator[NDArray[np.float32]]:
    try:
        with soundfile.SoundFile(_stream(source)) as file:
            n = max(1, round(block_s * file.samplerate))
            while len(piece := np.asarray(file.read(n, dtype="float32", always_2d=True), np.float32)):
                yield piece
    except (soundfile.LibsndfileError, OSError) as problem:
        raise AudioError(path, f"cannot be decoded ({_first_line(problem)})") from problem


def resample(waveform: Waveform, from_hz: float, to_hz: float) -> Waveform:
    """Change the rate with soxr's high-quality resampler. Returns float32 `[n * to_hz / from_hz]`."""
    if from_hz == to_hz:
        return np.ascontiguousarray(waveform, dtype=np.float32)
    return soxr.resample(waveform, from_hz, to_hz, quality="HQ").astype(np.float32)


def write(path: str | Path, waveform: Waveform, rate_hz: int = RATE_HZ) -> None:
    """Write mono 16-bit sound in the format of the path's ending (FLAC, WAV); louder peaks are scaled down to 1.

    Raises:
        AudioError: the waveform is empty or holds samples that are not numbers, or the format cannot hold it.
        OSError: the file cannot be written.
    """
    if waveform.size == 0 or not np.isfinite(waveform).all():
        raise AudioError(path, "refusing to write sound that is empty or not finite")
    peak = float(np.abs(waveform).max())
    encoded = io.BytesIO()  # libsndfile's own error on a full disk does not say that the disk is full
    try:
        soundfile.write(encoded, waveform / max(peak, 1.0), rate_hz, "PCM_16", format=Path(path).suffix[1:])
    except (soundfile.LibsndfileError, ValueError) as problem:
        raise AudioError(path, f"cannot be encoded ({_first_line(problem)})") from problem
    Path(path).write_bytes(encoded.getbuffer())


def digest(path: str | Path) -> str:
    """BLAKE2b of the file's bytes: two recordings with one digest are the same recording.

    Raises:
        AudioError: the file is absent or unreadable.
    """
    source = _source(path)
    with open(source, "rb") if isinstance(source, str) else io.BytesIO(source) as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _source(place: str | Path) -> str | bytes:
    """The path of a local file, or the content of a URI: one request, where reading bit by bit would make many."""
    local = uri.localised(place)
    if isinstance(local, Path):
        _require_file(local)
        return str(local)
    try:
        content = uri.read_bytes(local)
    except (FileNotFoundError, IsADirectoryError) as problem:
        raise AudioError(place, "there is no such file") from problem
    if not content:
        raise AudioError(place, "is empty (0 bytes)")
    return content


def _stream(source: str | bytes) -> str | io.BytesIO:
    return source if isinstance(source, str) else io.BytesIO(source)


def _require_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise AudioError(path, "is a folder, not a recording")
        if not path.exists():
            raise AudioError(path, "there is no such file")
        if path.stat().st_size == 0:
            raise AudioError(path, "is empty (0 bytes)")
    except PermissionError as problem:
        raise AudioError(path, "may not be read (permission denied)") from problem
    if not os.access(path, os.R_OK):
        raise AudioError(path, "may not be read (permission denied)")


def _first_line(problem: BaseException) -> str:
    return str(problem).splitlines()[0].removeprefix("Error opening ").strip() if str(problem) else "no reason given"
