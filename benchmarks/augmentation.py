"""What augmentation costs: each transform, all seven, and the paper's mixture, against reading the recording alone.

One core, as in one worker process of training. Needs SOTTOVOCE_DATA with `emovo/`; without it, an invented corpus of
tones written as FLAC.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from machine import state_machine, table, timed
from material import emovo, real
from sottovoce.augmentation import augment
from sottovoce.recipe.augmentation import TRANSFORMS, Augmentation
from sottovoce.speech import audio
from sottovoce.speech.audio import Waveform

ROUNDS = 5
"""All ways take turns, and each one's quickest turn counts: what else the machine does only adds to it."""

READING, MIXTURE = "reading the FLAC alone", "the paper's mixture, each with 0.2"


def recordings(n: int, folder: Path) -> list[Path]:
    """FLAC files: of EMOVO where it is to be had, through the whole corpus, else invented ones of 3 s."""
    if (folders := real()) is not None:
        whole = emovo(folders[0])
        return [Path(whole[i].path) for i in np.linspace(0, len(whole) - 1, n).round().astype(int)]
    time_s = np.arange(3 * audio.RATE_HZ) / audio.RATE_HZ
    paths = [folder / f"{i}.flac" for i in range(n)]
    for i, path in enumerate(paths):
        audio.write(path, (0.3 * np.sin(2 * np.pi * (100 + i) * time_s)).astype(np.float32))
    return paths


def main(n_utterances: int, epochs: int) -> None:
    """Measure and print the table."""
    state_machine()
    with tempfile.TemporaryDirectory() as folder:
        paths = recordings(n_utterances, Path(folder))
        waveforms = [audio.read(path) for path in paths]
        ways = {READING: lambda: [audio.read(path) for _ in range(epochs) for path in paths]}
        ways |= {name: partial(_augmented, waveforms, settings, epochs) for name, settings in mixtures().items()}
        turns = [{name: timed(way) for name, way in ways.items()} for _ in range(ROUNDS)]
    quickest_s = {name: min(turn[name] for turn in turns) / epochs / len(paths) for name in ways}
    seconds = sum(w.size for w in waveforms) / audio.RATE_HZ / len(waveforms)
    origin = "EMOVO" if real() else "INVENTED tones"
    print(f"{len(paths)} utterances of {origin}, {seconds:.1f} s on average; {epochs} epochs, best of {ROUNDS} turns")
    quickest_s["reading and the mixture"] = quickest_s[READING] + quickest_s[MIXTURE]
    table(
        "Augmentation on one core",
        ["", "ms an utterance", "utterances/s", "x real time", "of reading"],
        [_row(name, cost_s, seconds, quickest_s[READING]) for name, cost_s in quickest_s.items()],
    )


def mixtures() -> dict[str, Augmentation]:
    """What is measured: each transform by itself, all of them, and the paper's."""
    alone = {f"{name} alone, every time": Augmentation(probability=1, transforms=(name,)) for name in TRANSFORMS}
    return alone | {"all seven, every time": Augmentation(probability=1), MIXTURE: Augmentation()}


def _augmented(waveforms: list[Waveform], settings: Augmentation, epochs: int) -> None:
    for epoch in range(epochs):
        for i, waveform in enumerate(waveforms):
            augment(waveform, audio.RATE_HZ, settings, utterance_id=str(i), epoch=epoch, seed=0)


def _row(name: str, cost_s: float, seconds: float, reading_s: float) -> list[object]:
    return [name, 1000 * cost_s, round(1 / cost_s), round(seconds / cost_s), f"{cost_s / reading_s:.2f} x"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args()
    main(arguments.utterances, arguments.epochs)
