"""What it costs a generalist to hear the sound alone, without the 30 s of silence that Whisper was trained to hear.

    sottovoce prepare urdu FOLDER -o urdu.parquet
    python benchmarks/context.py models/generalist urdu.parquet

One model answers in both contexts; which of them it was trained in is printed. Give it a corpus that it never heard.
What trimming costs in training too is a second run: `sottovoce zero-shot RECIPE --set network.context=exact --out ...`.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from machine import device, state_machine, table
from sottovoce.experiment.generalists import tested
from sottovoce.judging import metrics
from sottovoce.learning.generalist import training
from sottovoce.learning.generalist.dataset import SpeechDataset
from sottovoce.speech.harmonisation import load_table
from sottovoce.speech.manifest import Manifest
from sottovoce.upstreams.generalist_network import Generalist
from sottovoce.weights.checkpoint import load_complete, open_checkpoint


@dataclass(frozen=True)
class Answers:
    """Probabilities `[utterance, class]` in one context, and what they took."""

    said: NDArray[np.float64]
    seconds: float


def answers(model: Generalist, manifest: Manifest, context: str) -> Answers:
    """The model's, reading included."""
    model.config.context = context
    dataset = SpeechDataset(manifest, model.config.num_mel_bins)
    begin = time.perf_counter()
    said = training.probabilities(model, dataset, batch_size=4, device=device().type)
    return Answers(said, time.perf_counter() - begin)


def main() -> None:
    """Print one line a context."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("generalist", help="a folder that `sottovoce train` wrote")
    parser.add_argument("manifest")
    parser.add_argument("--utterances", type=int, help="so many, spread over the manifest")
    chosen = parser.parse_args()
    state_machine()
    model = load_complete(Generalist, open_checkpoint(chosen.generalist))
    classes = tuple(model.config.id2label.values())
    manifest, labels = tested(load_table(), Manifest.read(chosen.manifest))
    places = np.linspace(0, len(manifest) - 1, chosen.utterances or len(manifest)).astype(int)
    manifest, labels = Manifest(tuple(manifest.utterances[i] for i in places)), [labels[i] for i in places]
    print(f"{len(manifest)} utterances; trained in context {model.config.context} on {model.config.heard}")
    found = {context: answers(model, manifest, context) for context in ("trimmed", "exact")}
    rows = []
    for context, each in found.items():
        score = metrics.score(labels, each.said, classes)
        same = np.mean(each.said.argmax(1) == found["exact"].said.argmax(1))
        points = [f"{100 * score[name]:.1f}" for name in ("macro_f1", "ua", "wa")]
        rows.append([context, *points, f"{100 * same:.0f} %", f"{1000 * each.seconds / len(manifest):.1f}"])
    columns = ["context", "macro F1", "UA", "WA", "answers as in exact", "ms an utterance"]
    table("One generalist in two contexts", columns, rows)


if __name__ == "__main__":
    main()
