"""The seven waveform transforms of arXiv 2311.08607: each by itself with probability 0.2, anew for every epoch.

What is drawn depends on the utterance, the epoch and the seed alone: not on the worker process, nor on the order of
utterances. Every transform keeps the length, so that frames and their labels stay where they are; of resampling it
takes the loss of bandwidth and leaves pitch and tempo, which carry emotion. Waveforms are mono float32 `[n]` in
[-1, 1]; none is changed in place. The paper prints no ranges and no implementation: both are ours.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial

import numpy as np
from numpy import fft
from scipy.fft import next_fast_len

from sottovoce.recipe.augmentation import TRANSFORMS, Augmentation, Transform
from sottovoce.speech import audio
from sottovoce.speech.audio import Waveform

OCTAVES_HZ = tuple(62.5 * 2**k for k in range(8))
"""Where the equaliser's gains are drawn: 62.5 Hz to 8 kHz."""

_RINGING_S = 0.1
"""Silence behind the sound while it is equalised, for what rings beyond its ends."""


def augment(
    waveform: Waveform, rate_hz: int, settings: Augmentation, *, utterance_id: str, epoch: int, seed: int
) -> Waveform:
    """What training hears of an utterance in one epoch, `[n]` as before.

    A result that would clip is scaled down to a peak of 1 as a whole; a quieter one is left as loud as it came out.
    """
    for step in plan(settings, utterance_id=utterance_id, epoch=epoch, seed=seed).values():
        waveform = step(waveform, rate_hz)
    return within_full_scale(waveform)


def plan(settings: Augmentation, *, utterance_id: str, epoch: int, seed: int) -> dict[Transform, partial[Waveform]]:
    """The transforms that an utterance undergoes in one epoch, in order, with what was drawn for each.

    Every transform draws from a stream of its own: changing the range of one leaves the others as they were.
    """
    entropy = entropy_of(json.dumps([seed, epoch, utterance_id]))
    chance, *streams = np.random.SeedSequence(entropy).spawn(1 + len(TRANSFORMS))
    chosen = np.random.default_rng(chance).random(len(TRANSFORMS)) < settings.probability
    return {
        name: _drawn(name, settings, np.random.default_rng(stream))
        for name, stream, is_chosen in zip(TRANSFORMS, streams, chosen, strict=True)
        if is_chosen and name in settings.transforms
    }


def entropy_of(named: str) -> int:
    """What random numbers start from that are to depend on these names alone, on every machine."""
    return int.from_bytes(hashlib.blake2b(named.encode(), digest_size=16).digest())


def _drawn(name: Transform, settings: Augmentation, rng: np.random.Generator) -> partial[Waveform]:
    match name:
        case "polarity":
            return partial(invert)
        case "gain":
            return partial(amplify, by_db=rng.uniform(*settings.gain_db))
        case "reversal":
            return partial(reverse)
        case "noise":
            snr_db, slope = rng.uniform(*settings.noise_snr_db), rng.uniform(*settings.noise_slope)
            return partial(add_noise, snr_db=snr_db, slope=slope, noise_seed=int(rng.integers(2**32)))
        case "resampling":
            return partial(resample_through, through_hz=rng.uniform(*settings.resampling_hz))
        case "equalisation":
            return partial(equalise, gains_db=tuple(rng.uniform(*settings.equalisation_db, len(OCTAVES_HZ)).tolist()))
        case "echo":
            return partial(
                add_echo, delay_s=rng.uniform(*settings.echo_delay_s), share=rng.uniform(*settings.echo_share)
            )


def within_full_scale(waveform: Waveform) -> Waveform:
    """The waveform, scaled down to a peak of 1 where it is beyond."""
    peak = np.abs(waveform).max(initial=0.0)
    return waveform / peak if peak > 1 else waveform


def invert(waveform: Waveform, rate_hz: int) -> Waveform:
    """Polarity inversion: `-x`."""
    return -waveform


def amplify(waveform: Waveform, rate_hz: int, *, by_db: float) -> Waveform:
    """Gain, in dB of amplitude."""
    return waveform * np.float32(10 ** (by_db / 20))


def reverse(waveform: Waveform, rate_hz: int) -> Waveform:
    """The sound from its end to its beginning."""
    return np.ascontiguousarray(waveform[::-1])


def add_noise(waveform: Waveform, rate_hz: int, *, snr_db: float, slope: float, noise_seed: int) -> Waveform:
    """Noise whose power falls with `f^slope`, `snr_db` below the utterance's mean power; silence stays silent."""
    n = _fast_length(waveform.size)
    white = np.random.default_rng(noise_seed).standard_normal(n, dtype=np.float32)
    spectrum = fft.rfft(white)
    spectrum[1:] *= np.arange(1, spectrum.size, dtype=np.float32) ** np.float32(-slope / 2)
    spectrum[0] = 0  # noise has no offset
    return mixed(waveform, fft.irfft(spectrum, n)[: waveform.size].astype(np.float32, copy=False), snr_db)


def mixed(waveform: Waveform, noise: Waveform, snr_db: float) -> Waveform:
    """The utterance with noise of its length, `snr_db` below its mean power; noise without power adds nothing."""
    power = np.mean(noise**2)
    if power == 0:  # as of a single sample
        return waveform
    share = np.float32(np.sqrt(np.mean(waveform**2) / power) * 10 ** (-snr_db / 20))
    return (waveform + share * noise).astype(np.float32, copy=False)


def resample_through(waveform: Waveform, rate_hz: int, *, through_hz: float) -> Waveform:
    """Down to the rate `through_hz` and back: what lies above half of it is lost. A rate not lower changes nothing."""
    if through_hz >= rate_hz:
        return waveform
    restored = audio.resample(audio.resample(waveform, rate_hz, through_hz), through_hz, rate_hz)[: waveform.size]
    return np.pad(restored, (0, waveform.size - restored.size))


def equalise(waveform: Waveform, rate_hz: int, *, gains_db: tuple[float, ...]) -> Waveform:
    """Gains in dB at `OCTAVES_HZ`, in between along a line over log f, beyond as at the end; no phase is changed."""
    n = _fast_length(waveform.size + round(_RINGING_S * rate_hz))
    octaves = np.log2(np.maximum(fft.rfftfreq(n, 1 / rate_hz), 1.0))
    gain_db = np.interp(octaves, np.log2(OCTAVES_HZ), gains_db)
    spectrum = fft.rfft(waveform, n) * (10 ** (gain_db / 20)).astype(np.float32)
    return fft.irfft(spectrum, n)[: waveform.size].astype(np.float32, copy=False)


def add_echo(waveform: Waveform, rate_hz: int, *, delay_s: float, share: float) -> Waveform:
    """Repeats after each `delay_s`, each `share` as loud as the one before: `y[t] = x[t] + share y[t - delay]`.

    What would sound after the end is cut off.
    """
    echoed, delay = waveform.copy(), max(1, round(delay_s * rate_hz))
    for start in range(delay, echoed.size, delay):
        late = echoed[start : start + delay]
        late += np.float32(share) * echoed[start - delay : start - delay + late.size]
    return echoed


def _fast_length(n: int) -> int:
    """The next length whose Fourier transform is quick: that of a prime length takes forty times as long."""
    return next_fast_len(n, real=True) or n  # None by its annotation alone
