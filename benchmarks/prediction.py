"""Labels of real files: the plain way against `predict`, in one run.

    SOTTOVOCE_DATA=... SOTTOVOCE_WEIGHTS=... python benchmarks/prediction.py

Theirs: transformers.pipeline("audio-classification"), one file a call, on a WhisperForAudioClassification with a random
head: linear, mean over all 30 s, linear. Ours: `use.predicting` into a fresh store, `trimmed`, and `exact` on as few
files as theirs; our head takes its mean over the sound alone. Labels are compared between ways, not with the truth: our
encoder with their head must label as theirs, and `trimmed` mostly as `exact`. Then the time from nothing to a first
label, import included, in a fresh process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForAudioClassification, WhisperModel, pipeline
from transformers.utils import logging as transformers_logging

from machine import device, state_machine, table, timed
from material import real
from sottovoce.corpora.catalogue import corpora
from sottovoce.experiment.place import Place
from sottovoce.learning.head import Head
from sottovoce.speech import audio
from sottovoce.speech.emotions import FOUR_CLASSES
from sottovoce.store.artefacts import Store
from sottovoce.upstreams.loading import load_upstream
from sottovoce.use import model as models
from sottovoce.use.config import AnswerStep, ChosenUpstream, Config, Reliance, TrainedOn
from sottovoce.use.predicting import predict
from sottovoce.use.recordings import Recording

HIDDEN = 128

FIRST_LABEL = "import sottovoce, sys; print(sottovoce.load(sys.argv[1]).predict(sys.argv[2]))"


def files(folder: Path, n: int) -> list[str]:
    """`n` recordings at equal distances through EmoDB, EMOVO, RAVDESS and URDU."""
    paths = [
        u.path
        for name in ("emodb", "emovo", "ravdess", "urdu")
        for u in corpora()[name].prepare(folder / name).manifest
    ]
    return [paths[i] for i in np.linspace(0, len(paths) - 1, n).round().astype(int)]


def write_model(folder: Path, weights: Path, head: Head, context: str) -> Path:
    """A model with this head, on disk."""
    revision = load_upstream("whisper", str(weights)).card.revision
    config = Config(
        schema=2,
        name="benchmark",
        emotions=list(FOUR_CLASSES),
        condition="target-only",
        round=0,
        upstream=ChosenUpstream(name="whisper", weights=str(weights), context=context),  # type: ignore[arg-type]
        revision=revision,
        trained_on=TrainedOn(target_utterances=1, target_speakers=[], added_utterances=0, languages=[], seed=0),
        reliance=Reliance(
            temperature=1.0,
            n_utterances=1,
            n_speakers=1,
            answers=[AnswerStep(threshold=0, coverage=1, error=1, error_bound=None)],
        ),
    )
    models.save(folder / context, head, config, "")
    return folder / context


def plain_way(paths: Sequence[str], weights: Path, head: Head) -> tuple[float, list[str]]:
    """Seconds a file and the labels: transformers' pipeline, one file a call, padded to 30 s, fp32."""
    config = WhisperConfig.from_pretrained(weights, num_labels=4, classifier_proj_size=HIDDEN)
    config.id2label = dict(enumerate(FOUR_CLASSES))
    theirs = WhisperForAudioClassification(config)
    theirs.encoder.load_state_dict(
        WhisperModel.from_pretrained(weights, dtype=torch.float32).get_encoder().state_dict()
    )
    with torch.no_grad():
        for layer, weight, bias in ((theirs.projector, head.w1, head.b1), (theirs.classifier, head.w2, head.b2)):
            layer.weight.copy_(weight.T)
            layer.bias.copy_(bias)
    ask = pipeline(
        "audio-classification", model=theirs.eval(), feature_extractor=WhisperFeatureExtractor(), device=device()
    )
    labels: list[str] = []

    def work() -> None:
        for path in paths:
            said = ask({"raw": audio.read(path), "sampling_rate": audio.RATE_HZ}, top_k=1)
            labels.append(said[0]["label"])  # type: ignore[index,call-overload]

    return timed(work) / len(paths), labels


def our_way(paths: Sequence[str], folder: Path) -> tuple[float, NDArray[np.float64]]:
    """Seconds a file and the probabilities `[n, K]`, into a fresh store; loading is left out on both sides."""
    model = models.load(folder, device=device().type)
    with tempfile.TemporaryDirectory() as store:
        place = Place(Store(store), device=device().type)
        made: list[NDArray[np.float64]] = []

        def work() -> None:
            for said in predict(model, folder, [Recording(path) for path in paths], place):
                assert said.probabilities is not None
                made.append(said.probabilities)

        seconds = timed(work) / len(paths)
    return seconds, np.stack(made)


def padded_frames(paths: Sequence[str], weights: Path) -> list[tuple[torch.Tensor, int]]:
    """Our encoder's frames of each file padded to 30 s, `[1500, 512]`, and how many of them are sound."""
    upstream = load_upstream("whisper", str(weights), context="exact", device=device().type, precision="fp32")
    made = []
    for path in paths:
        waveform = audio.read(path)[: 30 * audio.RATE_HZ]
        padded = np.pad(waveform, (0, 30 * audio.RATE_HZ - waveform.size))
        made.append((upstream.frames([padded])[0], upstream.n_frames(waveform.size)))
    return made


def heads(frames: Sequence[tuple[torch.Tensor, int]]) -> tuple[Head, Head]:
    """Random heads, ours for the mean over the sound and theirs for that over all 30 s, that meet all four classes.

    Their bias `b1` keeps every hidden unit above zero, so that our ReLU does nothing and both have one form.
    """
    fresh = Head.fresh(512, HIDDEN, 4, None, seed=0)
    fresh = replace(fresh, b1=fresh.b1 + 30)

    def centred(pooled: torch.Tensor) -> Head:
        hidden = pooled @ fresh.w1 + fresh.b1
        w2 = fresh.w2 / (hidden - hidden.mean(0)).std()
        return replace(fresh, w2=w2, b2=-(hidden.mean(0) @ w2))

    return (
        centred(torch.stack([each[:n].mean(0) for each, n in frames])),
        centred(torch.stack([each.mean(0) for each, _ in frames])),
    )


def main(n_files: int, n_theirs: int) -> None:
    """Run all ways and print the tables."""
    if (folders := real()) is None:
        print("This benchmark needs real speech and weights: set SOTTOVOCE_DATA and SOTTOVOCE_WEIGHTS.")
        sys.exit(1)
    state_machine()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    weights = folders[1]
    paths = files(folders[0].parent, n_files)
    asked = [paths[i] for i in np.linspace(0, n_files - 1, min(n_theirs, n_files)).round().astype(int)]
    seconds = np.mean([audio.probe(path).duration_s for path in paths])
    print(
        f"{n_files} files of four corpora, {seconds:.1f} s on average; the padded ways measured on {len(asked)} of them"
    )
    frames = padded_frames(asked, weights)
    ours, head = heads(frames)
    theirs_s, theirs = plain_way(asked, weights, head)
    same = [FOUR_CLASSES[int(((f.mean(0) @ head.w1 + head.b1) @ head.w2 + head.b2).argmax())] for f, _ in frames]
    equal = sum(a == b for a, b in zip(theirs, same, strict=True))
    print(f"our encoder and their head: {equal} of {len(asked)} labels equal theirs, of {len(set(theirs))} classes")
    with tempfile.TemporaryDirectory() as folder:
        places = {context: write_model(Path(folder), weights, ours, context) for context in ("exact", "trimmed")}
        exact_s, exact = our_way(asked, places["exact"])
        trimmed_s, trimmed = our_way(paths, places["trimmed"])
        common = [paths.index(path) for path in asked]
        agreed = f"{np.mean(trimmed[common].argmax(1) == exact.argmax(1)):.0%} as exact"
        n_classes = len(set(exact.argmax(1)))
        rows: list[list[object]] = [
            ["theirs: pipeline, one file a call", 1000 * theirs_s, "1.0 x", ""],
            [
                "ours: exact",
                1000 * exact_s,
                f"{theirs_s / exact_s:.1f} x",
                f"mean over the sound alone; {n_classes} classes",
            ],
            ["ours: trimmed", 1000 * trimmed_s, f"{theirs_s / trimmed_s:.1f} x", agreed],
        ]
        table("Prediction", ["", "ms a file", "throughput", "labels"], rows)
        command = [sys.executable, "-c", FIRST_LABEL, str(places["trimmed"]), paths[0]]
        starts = [timed(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(3)]
        torch_s = min(
            timed(lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True)) for _ in range(3)
        )
    print(f"first label from nothing, import included: {min(starts):.1f} s; import torch alone: {torch_s:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--theirs", type=int, default=60, help="on how many of them the padded ways are measured")
    arguments = parser.parse_args()
    main(arguments.files, arguments.theirs)
