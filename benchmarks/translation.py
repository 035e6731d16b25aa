"""Translating a corpus: batches against a loop of one utterance a call, and two processes against one, in one run.

    python benchmarks/translation.py

Theirs: transformers' `generate` of SeamlessM4T v2, one utterance at a time, beam 5. Ours: `translate` of all of them.
The checkpoint is tiny and random, so that calls count and arithmetic does not: a large model gains less on a processor
and more on a GPU. Both pad an utterance to the same length, so both should say the same. The second table is the
command `sottovoce translate` with the offline translator, from invented recordings to a manifest and files in a fresh
store, the start of Python and of the processes included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from machine import device, state_machine, table, timed
from sottovoce.speech import audio
from sottovoce.speech.manifest import Manifest, Utterance

SAYS = (
    ("Kids are talking by the door.", "I bambini parlano vicino alla porta."),
    ("Dogs are sitting by the door.", "I cani sono seduti vicino alla porta."),
)


def invented(folder: Path, n: int) -> Manifest:
    """`n` recordings of 1 to 4 s: gliding harmonics in noise, whose texts have a translation."""
    rng, made = np.random.default_rng(0), []
    for i in range(n):
        time_s = np.arange(round(rng.uniform(1, 4) * audio.RATE_HZ)) / audio.RATE_HZ
        f0_hz = rng.uniform(100, 250) * (1 + 0.3 * np.sin(2 * np.pi * rng.uniform(0.5, 3) * time_s))
        phase = 2 * np.pi * np.cumsum(f0_hz) / audio.RATE_HZ
        loudness = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time_s)
        sound = 0.1 * loudness * sum(np.sin(k * phase) / k for k in range(1, 9)) + rng.normal(0, 0.005, time_s.size)
        path = folder / f"{i}.flac"
        audio.write(path, sound.astype(np.float32))
        text, translation = SAYS[i % len(SAYS)]
        made.append(Utterance(str(i), str(path), f"s{i % 6}", "sad", language="en", text=text, translation=translation))
    return Manifest(tuple(made))


def their_way(utterances: Sequence[Utterance], weights: Path) -> tuple[float, list[NDArray[np.float32]]]:
    """Seconds of a loop of one utterance a call, and what it said; loading the model is left out on both sides."""
    from transformers import SeamlessM4TFeatureExtractor, SeamlessM4Tv2ForSpeechToSpeech

    from sottovoce.translation.seamless_m4t import PADDED_TO

    model: torch.nn.Module = SeamlessM4Tv2ForSpeechToSpeech.from_pretrained(weights)
    model.to(device()).eval()  # type: ignore[arg-type]
    extractor = SeamlessM4TFeatureExtractor.from_pretrained(weights)
    said: list[NDArray[np.float32]] = []

    def say(u: Utterance) -> None:
        sound = audio.read(u.path)
        inputs = extractor(
            sound, sampling_rate=audio.RATE_HZ, return_tensors="pt", pad_to_multiple_of=2 * PADDED_TO
        ).to(device())
        with torch.inference_mode():
            waveform, n_samples = model.generate(**inputs, tgt_lang="deu", text_num_beams=5)  # type: ignore[operator]
        said.append(waveform.flatten()[: int(n_samples)].cpu().numpy())

    say(utterances[0])  # the first call prepares
    said.clear()
    return timed(lambda: [say(u) for u in utterances]), said


def our_way(utterances: Sequence[Utterance], weights: Path) -> tuple[float, list[NDArray[np.float32] | None]]:
    """Seconds of `translate`, and what it said."""
    from sottovoce.translation.seamless_m4t import SeamlessM4T

    translator = SeamlessM4T("de", str(weights), precision="fp32", device=device().type)
    translator.translate(utterances[:1])
    said = []
    seconds = timed(lambda: said.extend(translator.translate(utterances)))
    return seconds, [each.waveform for each in said]


def in_batches(utterances: Sequence[Utterance]) -> None:
    """Print the first table."""
    from transformers.utils import logging as transformers_logging

    sys.path.append(str(Path(__file__).parents[1]))  # the tiny checkpoint is the tests'
    from tests.translation.checkpoints_m4t import tiny_m4t

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        weights = tiny_m4t(Path(folder, "m4t"))
        theirs, expected = their_way(utterances, weights)
        ours, said = our_way(utterances, weights)
    same = sum(
        a is not None and a.size == b.size and np.allclose(a, b, atol=1e-4) for a, b in zip(said, expected, strict=True)
    )
    n = len(utterances)
    table(
        f"SeamlessM4T v2, tiny random weights, fp32, beam 5, {n} utterances",
        ["", "ms an utterance", "throughput", "said the same"],
        [
            ["theirs: one utterance a call", 1000 * theirs / n, "1.0 x", ""],
            ["ours: batches of one length", 1000 * ours / n, f"{theirs / ours:.1f} x", f"{same} of {n}"],
        ],
    )


def command(manifest: Path, folder: Path, options: Sequence[str]) -> None:
    """`sottovoce translate` as a user types it, into a store of its own."""
    what = ["translate", str(manifest), "--to", "it", "-o", str(folder / "made.parquet"), "--store", str(folder / "s")]
    line = [sys.executable, "-m", "sottovoce", *what, "--shard-size", "64", "--quiet", *options]
    ended = subprocess.run(line, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def in_processes(manifest: Manifest, workers: int) -> None:
    """Print the second table."""
    ways = [["--executor", "serial"], ["--executor", "process", "--workers", str(workers)]]
    seconds = []
    for options in ways:
        with tempfile.TemporaryDirectory() as folder:
            manifest.write(Path(folder, "source.parquet"))
            seconds.append(timed(partial(command, Path(folder, "source.parquet"), Path(folder), options)))
    table(
        f"sottovoce translate: the offline translator, expressive, English to Italian, {len(manifest)} utterances",
        ["", "seconds", "throughput"],
        [[" ".join(options), s, f"{seconds[0] / s:.2f} x"] for options, s in zip(ways, seconds, strict=True)],
    )


def main(n_utterances: int, n_offline: int, workers: int) -> None:
    """Run all ways and print the tables."""
    state_machine()
    with tempfile.TemporaryDirectory() as folder:
        manifest = invented(Path(folder), max(n_utterances, n_offline))
        in_batches(manifest.utterances[:n_utterances])
        in_processes(Manifest(manifest.utterances[:n_offline]), workers)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=128, help="for the batches")
    parser.add_argument("--offline", type=int, default=512, help="for the processes")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    main(arguments.utterances, arguments.offline, arguments.workers)
