"""Whisper-base features of EMOVO: the field's way against ours, in one run.

    SOTTOVOCE_DATA=... SOTTOVOCE_WEIGHTS=... python benchmarks/extraction.py

Theirs: transformers' WhisperFeatureExtractor and encoder, one file at a time, padded to 30 s, fp32; the frames of the
sound are kept. Ours: `extract` into a fresh store, `trimmed` and `exact`, in bf16 where the processor has it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel
from transformers.utils import logging as transformers_logging

from machine import device, gflops, state_machine, table, timed
from material import emovo, real
from sottovoce.speech import audio
from sottovoce.speech.manifest import Manifest
from sottovoce.store.artefacts import Store
from sottovoce.upstreams.card import Upstream
from sottovoce.upstreams.features import Frames, extract
from sottovoce.upstreams.loading import load_upstream
from sottovoce.weights.arithmetic import resolve_precision

HOP = 320
"""Samples a position of the encoder stands for."""


@dataclass(frozen=True)
class Way:
    """One way's speed and the mean-pooled features of the utterances it did."""

    seconds_each: float
    pooled: NDArray[np.float32]


def their_way(manifest: Manifest, weights: Path) -> Way:
    """One file at a time, padded to 30 s, fp32."""
    extractor = WhisperFeatureExtractor()
    encoder: torch.nn.Module = WhisperModel.from_pretrained(weights, dtype=torch.float32).get_encoder()
    encoder.to(device()).eval()  # type: ignore[arg-type]
    pooled: list[NDArray[np.float32]] = []

    def work() -> None:
        for u in manifest:
            waveform = audio.read(u.path)
            mel = extractor(waveform, sampling_rate=audio.RATE_HZ, return_tensors="pt").input_features
            with torch.inference_mode():
                frames = encoder(mel.to(device())).last_hidden_state[0, : -(-waveform.size // HOP)]
            pooled.append(frames.mean(0).cpu().numpy())

    return Way(timed(work) / len(manifest), np.stack(pooled))


def our_way(manifest: Manifest, weights: Path, context: str) -> Way:
    """Into a fresh store; loading the model is left out on both sides."""
    upstream = load_upstream("whisper", str(weights), context=context, device=device().type)  # type: ignore[arg-type]

    def loaded() -> Upstream:
        return upstream

    with tempfile.TemporaryDirectory() as folder:
        made = []
        seconds = timed(lambda: made.append(extract(manifest, loaded, Store(folder))))
        frames = Frames([made[0].kept[u.id] for u in manifest])
        pooled = [frames.fetch(np.array([i]))[0].mean(0).numpy() for i in range(len(frames))]
    return Way(seconds / len(manifest), np.stack(pooled))


def cosine(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> str:
    """Mean and smallest cosine between the mean-pooled features of the same utterances."""
    both = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    return f"{both.mean():.4f} ({both.min():.4f})"


def ua(way: Way, manifest: Manifest) -> str:
    """A logistic regression on mean-pooled features, leaving one speaker out; only where all utterances were done."""
    emotions, speakers = [u.emotion for u in manifest], [u.speaker for u in manifest]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    found = cross_val_predict(model, way.pooled, emotions, groups=speakers, cv=LeaveOneGroupOut())
    return f"{balanced_accuracy_score(emotions, found):.3f}"


def operations(config: WhisperConfig, n_positions: NDArray[np.int64]) -> float:
    """Operations (1e9) of the encoder on inputs of so many positions: convolutions, products, attention."""
    d, f = config.d_model, config.encoder_ffn_dim
    T = n_positions.astype(np.float64)
    convolutions = 2 * (2 * T) * 3 * config.num_mel_bins * d + 2 * T * 3 * d * d
    layer = 2 * T * (4 * d * d + 2 * d * f) + 4 * T * T * d
    return float((convolutions + config.encoder_layers * layer).sum() / 1e9)


def spread(manifest: Manifest, n: int) -> Manifest:
    """`n` utterances at equal distances through a manifest, so that all speakers and emotions are among them."""
    return Manifest(tuple(manifest[i] for i in np.linspace(0, len(manifest) - 1, n).round().astype(int)))


def main(n_utterances: int, n_theirs: int) -> None:
    """Run all ways and print the tables."""
    if (folders := real()) is None:
        print("This benchmark needs real speech and weights: set SOTTOVOCE_DATA and SOTTOVOCE_WEIGHTS.")
        sys.exit(1)
    state_machine()
    transformers_logging.set_verbosity_error()  # the decoder is not among the weights, and not needed
    transformers_logging.disable_progress_bar()
    chosen = spread(emovo(folders[0]), n_utterances)
    asked = chosen if n_theirs >= len(chosen) else spread(chosen, n_theirs)
    lengths = np.array([-(-audio.read(u.path).size // HOP) for u in chosen])
    print(
        f"{len(chosen)} utterances of EMOVO's four classes, {lengths.mean() / 50:.1f} s on average; theirs measured on "
        f"{len(asked)} of them"
    )
    theirs = their_way(asked, folders[1])
    arithmetic = resolve_precision("auto", device())
    rows = [["theirs: one by one, 30 s, fp32", 1000 * theirs.seconds_each, "1.0 x", "", ""]]
    rows[0][-1] = ua(theirs, chosen) if asked is chosen else "not all done"
    common = [i for i, u in enumerate(chosen) if u.id in {a.id for a in asked}]
    ways = {context: our_way(chosen, folders[1], context) for context in ("exact", "trimmed")}
    for context, way in ways.items():
        ratio = theirs.seconds_each / way.seconds_each
        similar = cosine(way.pooled[common], theirs.pooled)
        rows.append(
            [f"ours: {context}, {arithmetic}", 1000 * way.seconds_each, f"{ratio:.1f} x", similar, ua(way, chosen)]
        )
    table("Extraction", ["", "ms an utterance", "throughput", "cosine to theirs: mean (min)", "UA"], rows)
    bounds(WhisperConfig.from_pretrained(folders[1]), lengths)


def bounds(config: WhisperConfig, lengths: NDArray[np.int64]) -> None:
    """Print what the arithmetic alone would allow."""
    rates = {name: gflops(4096, 512, 2048, t) for name, t in (("fp32", torch.float32), ("bf16", torch.bfloat16))}
    work = {
        "exact": operations(config, np.full(1, config.max_source_positions)),
        "trimmed": operations(config, lengths) / len(lengths),
    }
    base = work["exact"] / rates["fp32"]
    table(
        "What the encoder's operations alone would take, at the rates measured now",
        ["", "1e9 operations each", "1e9 a second", "ms an utterance", "bound on the ratio"],
        [
            [f"{context}, {name}", amount, rate, 1000 * amount / rate, f"{base / (amount / rate):.1f} x"]
            for context, amount in work.items()
            for name, rate in rates.items()
        ],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=200)
    parser.add_argument("--theirs", type=int, default=200, help="on how many of them the field's way is measured")
    arguments = parser.parse_args()
    main(arguments.utterances, arguments.theirs)
