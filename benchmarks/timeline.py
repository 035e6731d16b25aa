"""Emotion over time of a long recording: peak memory, pace, and how long a listener waits.

    python benchmarks/timeline.py --hours 6                                  # log-mel
    SOTTOVOCE_DATA=... SOTTOVOCE_WEIGHTS=... python benchmarks/timeline.py   # Whisper-base

The recording is invented (tones in noise, 16 bits at 16 kHz) and all of it counts as speech, so that no window is left
out; the head is random: nothing is said about accuracy. The speech detector runs all the same, and its answer is not
used. Each length is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ears import Ears
from machine import device, state_machine, table
from material import real
from sottovoce.learning.head import Head
from sottovoce.speech import activity
from sottovoce.speech.audio import RATE_HZ, Waveform
from sottovoce.speech.emotions import FOUR_CLASSES
from sottovoce.upstreams.loading import load_upstream
from sottovoce.use.timeline import Manner, Tracker, timeline

PIECE_S = 0.1
GIB = 1 << 30


class AllOfIt:
    """Asks the best detector there is, and answers that all is speech."""

    name = "all"

    def __init__(self) -> None:
        self._asked = activity.detector()

    def hear(self, frames: NDArray[np.float32]) -> NDArray[np.bool_]:
        """See `speech.activity.Detector`."""
        return np.ones(len(self._asked.hear(frames)), bool)


def ears() -> Ears:
    """Whisper-base where the environment names it, else log-mel, with a random head."""
    folders = real()
    name, weights = ("logmel", None) if folders is None else ("whisper", str(folders[1]))
    upstream = load_upstream(name, weights, device=device().type)
    return Ears(upstream, Head.fresh(upstream.card.dimension, 128, len(FOUR_CLASSES), None, 0))


def minute(number: int) -> Waveform:
    """A minute of gliding harmonics in noise, as no other minute."""
    rng = np.random.default_rng(number)
    time_s = np.arange(60 * RATE_HZ) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(150 + 60 * np.sin(2 * np.pi * rng.uniform(0.1, 1) * time_s)) / RATE_HZ
    sound = 0.1 * sum(np.sin(k * phase) / k for k in range(1, 6)) + rng.normal(0, 0.01, time_s.size)
    return sound.astype(np.float32)


def write(path: Path, minutes: int) -> None:
    """Write the recording minute by minute."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        for number in range(minutes):
            file.writeframes((minute(number % 10) * 32767).astype("<i2").tobytes())


def peak_gib() -> float:
    """The largest resident size this process ever had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB


def follow(path: Path) -> tuple[float, float, int]:
    """Seconds, peak memory and number of steps of a whole file."""
    judge = ears()
    begin = time.perf_counter()
    found = timeline(judge, path, hearing=AllOfIt())
    assert all(step.emotion for step in found.steps)
    return time.perf_counter() - begin, peak_gib(), len(found.steps)


def waits() -> tuple[list[float], Manner]:
    """Seconds of computing for each step of two minutes that arrive in pieces, and how they were made."""
    manner = Manner()
    tracker = Tracker(ears(), manner, AllOfIt())
    sound = np.concatenate([minute(0), minute(1)])
    arrived = [0.0]

    def pieces() -> Iterator[Waveform]:
        for piece in np.split(sound, range(0, sound.size, round(PIECE_S * RATE_HZ))[1:]):
            arrived[0] = time.perf_counter()
            yield piece

    return [time.perf_counter() - arrived[0] for _ in tracker.follow(pieces())], manner


def main(hours: list[float], folder: Path | None) -> None:
    """Measure and print."""
    state_machine()
    print(f"{ears().upstream.card.name}; window 3 s, hop 1 s; speech detector: {activity.detector().name}")
    rows: list[list[object]] = []
    for length in hours:
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            path = Path(temporary, "long.wav")
            write(path, round(60 * length))
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                seconds, gib, n_steps = pool.submit(follow, path).result()
            rows.append([f"{length:g}", n_steps, gib, seconds, f"{3600 * length / seconds:.0f} x"])
    table("A file", ["hours", "steps", "peak, GiB", "seconds", "faster than it lasts"], rows)
    waited, manner = waits()
    inner = 1000 * np.array(waited[2:-2])
    print(
        f"Live: all sound for a step is there {manner.latency_s:g} s after its middle, read in pieces of {PIECE_S:g} s."
    )
    print(f"Computing it takes {np.median(inner):.0f} ms (median of {len(inner)} steps), {inner.max():.0f} ms at most.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, nargs="+", default=[0.25, 1.0])
    parser.add_argument("--folder", type=Path, default=None, help="where the recording is written, then removed")
    arguments = parser.parse_args()
    main(arguments.hours, arguments.folder)
