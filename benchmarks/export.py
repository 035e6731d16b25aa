"""What an exported model costs and gains: Whisper-base with a head as ONNX, fp32 and int8, against the model itself.

    SOTTOVOCE_DATA=... SOTTOVOCE_WEIGHTS=... python benchmarks/export.py

The speakers of a corpus are dealt into two groups; a head trained on one (the default settings of a recipe, seed 0,
nothing chosen) labels the other, one file a call. All ways hear a file one after another, on as many threads, so that
whatever else the machine does hits them alike. Intervals are over speakers, of the differences too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from machine import state_machine, table, timed
from material import real
from prediction import write_model
from sottovoce.corpora.catalogue import corpora
from sottovoce.judging import certainty, metrics
from sottovoce.learning import bank
from sottovoce.learning.head import Head
from sottovoce.recipe import Training
from sottovoce.speech import audio
from sottovoce.speech.audio import Waveform
from sottovoce.speech.emotions import FOUR_CLASSES
from sottovoce.speech.manifest import Manifest
from sottovoce.store.artefacts import Store
from sottovoce.upstreams.features import Frames, extract
from sottovoce.upstreams.loading import load_upstream
from sottovoce.use import export
from sottovoce.use import model as models

MODEL = "the model, torch"
WAYS = (MODEL, "ONNX, fp32", "ONNX, int8")


def heads(manifest: Manifest, groups: Sequence[set[str]], weights: Path) -> list[Head]:
    """For each group of speakers a head that was trained on the others."""
    make = partial(load_upstream, "whisper", str(weights), precision="fp32")
    with tempfile.TemporaryDirectory() as folder:
        extracted = extract(manifest, make, Store(folder))
        pool = [u for u in manifest if u.id in extracted.kept]
        training = Training()
        targets = np.array([u.soft_label(FOUR_CLASSES, training.epsilon) for u in pool], np.float32)
        courses = [bank.Course(0, np.array([u.speaker not in group for u in pool])) for group in groups]
        return list(bank.train(Frames([extracted.kept[u.id] for u in pool]), targets, courses, training))


def exported(folder: Path, weights: Path, head: Head) -> tuple[dict[str, Callable[[Waveform], NDArray]], list[float]]:
    """The three ways to ask a model with this head, and the size of its file in each in MB."""
    home = write_model(folder, weights, head, "trimmed")
    model = models.load(home, precision="fp32")
    n_threads = torch.get_num_threads()
    asks: dict[str, Callable[[Waveform], NDArray]] = {MODEL: lambda waveform: model.probabilities([waveform])[0]}
    sizes = [(weights / "model.safetensors").stat().st_size / 1e6]
    for way in WAYS[1:]:
        path = folder / f"{way[-4:]}.onnx"
        export.export(model, home, path, int8=way.endswith("int8"))
        asks[way] = export.session(path, n_threads)
        sizes.append(path.stat().st_size / 1e6)
    return asks, sizes


def answer(ask: Callable[[Waveform], NDArray], waveform: Waveform, said: list[int]) -> None:
    """Add the class that is said of a waveform."""
    said.append(int(ask(waveform).argmax()))


def main(corpus: str, each: int | None) -> None:
    """Train, export, listen and print the table."""
    if (folders := real()) is None:
        print("This benchmark needs real speech and weights: set SOTTOVOCE_DATA and SOTTOVOCE_WEIGHTS.")
        sys.exit(1)
    state_machine()
    manifest = corpora()[corpus].prepare(folders[0].parent / corpus).manifest.with_emotions(FOUR_CLASSES)
    speakers = manifest.speakers
    if each is not None:
        manifest = Manifest(tuple(u for s in speakers for u in [u for u in manifest if u.speaker == s][:each]))
    groups = [set(speakers[first::2]) for first in range(2)]
    counts = np.zeros((len(WAYS), len(speakers), 1, 4, 4), np.int64)
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    agreed, sizes = np.zeros(len(WAYS), int), list[float]()
    for group, head in zip(groups, heads(manifest, groups, folders[1]), strict=True):
        with tempfile.TemporaryDirectory() as folder:
            asks, sizes = exported(Path(folder), folders[1], head)
            for ask in asks.values():
                ask(np.zeros(16_000, np.float32))  # the first call prepares
            for u in (u for u in manifest if u.speaker in group):
                waveform, said = audio.read(u.path), []
                for way, ask in asks.items():
                    seconds[way].append(timed(partial(answer, ask, waveform, said)))
                true, speaker = FOUR_CLASSES.index(u.emotion), speakers.index(u.speaker)
                counts[np.arange(len(WAYS)), speaker, 0, true, said] += 1
                agreed += np.array(said) == said[0]
    n = len(seconds[MODEL])
    print(
        f"{corpus}: {n} utterances of {len(speakers)} speakers unheard in training, {torch.get_num_threads()} threads"
    )
    rows = []
    for i, way in enumerate(WAYS):
        ms = 1000 * np.array(seconds[way])
        ratio = sum(seconds[MODEL]) / sum(seconds[way])
        delta = certainty.compare(counts[i], counts[0], "ua")
        cost = "" if way == MODEL else _points(delta.delta, delta.ci95)
        score = float(metrics.scores(counts[i].sum(axis=0), "ua").mean())
        row = [way, f"{sizes[i]:.0f}", f"{ms.mean():.0f}", f"{ratio:.2f} x", f"{agreed[i]} of {n}"]
        rows.append([*row, _points(score, certainty.interval(counts[i], "ua")), cost])
    columns = ["", "MB", "ms a file", "faster", "labels as the model's", "UA (95 %)", "against the model (95 %)"]
    table("Export", columns, rows)


def _points(value: float, ends: tuple[float, float] | None) -> str:
    return f"{100 * value:.1f}" + ("" if ends is None else f" ({100 * ends[0]:.1f} to {100 * ends[1]:.1f})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default="emodb", choices=("emodb", "emovo"))
    parser.add_argument("--each", type=int, default=None, help="so many utterances of each speaker; else all")
    arguments = parser.parse_args()
    main(arguments.corpus, arguments.each)
