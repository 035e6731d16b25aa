"""Prosody of one utterance: measured, and compared between a source and its translation.

All contours begin and end with the speech, so that two utterances can be laid over each other in normalised
time. F0 is in semitones (re 100 Hz) and loudness in decibels of full scale: what listeners hear as equal
steps. A measure that an utterance does not have (the F0 of a whisper) is absent, never zero or NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from sottovoce.speech.audio import RATE_HZ, Waveform
from sottovoce.translation.vocoder import HOP_S, Contour, track_pitch

_HOP = round(HOP_S * RATE_HZ)
_LOUDNESS_WINDOW_S = 0.025
_SILENCE_DB = -100.0
_MARGIN_S = 0.05  # of sound around the speech, so that F0 is tracked up to its edges
_FEWEST_VOICED = 10  # frames, 50 ms: less is a click that the tracker took for a voice
_TILT_BAND_HZ = 150.0, 3400.0  # what a telephone keeps: the slope must not depend on the recording's bandwidth
_SPEECH_BAND = signal.butter(2, (100, 4000), "bandpass", fs=RATE_HZ, output="sos")  # no rumble, hum or hiss
_GRID = 200  # points of normalised time at which two contours are compared
_SHORTEST_PAUSE_S = 0.15  # shorter silences are the closures of consonants
_NUCLEUS_DIP_DB = 2.0  # after de Jong & Wempe (2009)
_NUCLEUS_SMOOTHING_S = 0.01


@dataclass(frozen=True, eq=False)
class Prosody:
    """How something was said. Contours have one value every `HOP_S` from the first to the last speech.

    `f0_st` is `[T]` in semitones re 100 Hz, NaN where there is no voice; `loudness_db` is `[T]`; `paused` is `[T]`,
    true in silences of at least 150 ms, by the bound that parts speech from its surroundings; `n_nuclei` counts the
    loud moments that are taken for the nuclei of syllables; `tilt_db_per_octave` is the slope of the long-term
    spectrum between 150 Hz and 3.4 kHz.
    """

    start_s: float
    f0_st: Contour
    loudness_db: Contour
    paused: NDArray[np.bool_]
    n_nuclei: int
    tilt_db_per_octave: float

    @property
    def speech_s(self) -> float:
        """Duration without the silence before and after."""
        return self.loudness_db.size * HOP_S

    @property
    def voiced(self) -> bool:
        """Whether there is enough voice for F0 to mean anything."""
        return int(np.isfinite(self.f0_st).sum()) >= _FEWEST_VOICED

    def f0_contour(self, n_frames: int) -> Contour:
        """Smooth F0 in semitones at `n_frames` points of normalised time, carried across unvoiced stretches."""
        voiced = np.flatnonzero(np.isfinite(self.f0_st))
        whole = np.interp(np.arange(self.f0_st.size), voiced, self.f0_st[voiced])
        return _at(ndimage.gaussian_filter1d(whole, 0.02 / HOP_S, mode="nearest"), n_frames)

    def loudness_contour(self, n_frames: int) -> Contour:
        """Loudness in dB over syllables (50 ms) at `n_frames` points of normalised time."""
        return _at(over_syllables(self.loudness_db), n_frames)

    def figures(self) -> dict[str, float]:
        """One number for each aspect: levels, ranges (10th to 90th percentile), duration, pauses, tempo, tilt, voice.

        `pause_ratio` is the share of `speech_s` that is paused. `tempo_per_s` estimates syllables a second of speech
        without its pauses: of the syllables of the texts it found 107 % in 80 utterances of RAVDESS, 91 % in 60 of an
        Italian synthetic voice and 78 % in 46 of EMOVO, and over the utterances of each its correlation with the true
        tempo was 0.6, 0.9 and 0.5. Trust means and correlations over many utterances, not a single figure.
        """
        voiced = self.f0_st[np.isfinite(self.f0_st)]
        loudness = self.loudness_contour(_GRID)
        figures = {
            "speech_s": self.speech_s,
            "loudness_db": level_db(self.loudness_db),
            "loudness_range_db": float(np.ptp(np.percentile(loudness, (10, 90)))),
            "tilt_db_per_octave": self.tilt_db_per_octave,
            "voiced_share": voiced.size / self.f0_st.size,
        }
        if self.voiced:
            figures["f0_level_st"] = float(np.median(voiced))
            figures["f0_range_st"] = float(np.ptp(np.percentile(voiced, (10, 90))))
        if spoken := int(np.count_nonzero(~self.paused)):
            figures["pause_ratio"] = 1 - spoken / self.paused.size
            if self.n_nuclei:
                figures["tempo_per_s"] = self.n_nuclei / (spoken * HOP_S)
        return figures


def analyse(waveform: Waveform) -> Prosody:
    """Measure the prosody of a mono waveform `[n]` at 16 kHz."""
    loudness = loudness_db(waveform)
    band_db, bound_db = _speech_band(waveform)
    first, last = _speech_bounds(band_db > bound_db)
    margin = round(_MARGIN_S / HOP_S)
    start = max(first - margin, 0)
    speech = waveform[start * _HOP : (last + margin) * _HOP]
    f0_hz = track_pitch(speech)[first - start :][: last - first]
    f0_st = np.full(last - first, np.nan)
    f0_st[np.flatnonzero(f0_hz)] = 12 * np.log2(f0_hz[f0_hz > 0] / 100)
    band_db = band_db[first:last]
    return Prosody(
        start_s=first * HOP_S,
        f0_st=f0_st,
        loudness_db=loudness[first:last],
        paused=_pauses(band_db <= bound_db),
        n_nuclei=_n_nuclei(band_db, bound_db, np.isfinite(f0_st)),
        tilt_db_per_octave=_tilt_db_per_octave(speech),
    )


def compare(source: Prosody, translated: Prosody) -> dict[str, float]:
    """How far a translation keeps the source's prosody.

    Returns:
        `f0_level_difference_st`, `f0_range_ratio`, `f0_contour_correlation`, `duration_ratio`, `tempo_ratio`,
        `pause_ratio_difference`, `loudness_difference_db`, `loudness_range_ratio`, `loudness_contour_correlation`,
        `tilt_difference` (dB per octave); always translation against source, contours in normalised time. And the
        figures of both sides (`source_*`, `translated_*`, see `Prosody.figures`), for agreement over a corpus. Those
        that do not exist (F0 of a whisper, correlation with a constant) are left out.
    """
    before, after = source.figures(), translated.figures()
    measures = {
        "duration_ratio": after["speech_s"] / before["speech_s"],
        "loudness_difference_db": after["loudness_db"] - before["loudness_db"],
        "tilt_difference": after["tilt_db_per_octave"] - before["tilt_db_per_octave"],
    }
    if before["loudness_range_db"] > 0:
        measures["loudness_range_ratio"] = after["loudness_range_db"] / before["loudness_range_db"]
    if "pause_ratio" in before and "pause_ratio" in after:
        measures["pause_ratio_difference"] = after["pause_ratio"] - before["pause_ratio"]
    if "tempo_per_s" in before and "tempo_per_s" in after:
        measures["tempo_ratio"] = after["tempo_per_s"] / before["tempo_per_s"]
    pairs = {"loudness": (source.loudness_contour(_GRID), translated.loudness_contour(_GRID))}
    if source.voiced and translated.voiced:
        measures["f0_level_difference_st"] = after["f0_level_st"] - before["f0_level_st"]
        if before["f0_range_st"] > 0:
            measures["f0_range_ratio"] = after["f0_range_st"] / before["f0_range_st"]
        pairs["f0"] = source.f0_contour(_GRID), translated.f0_contour(_GRID)
    for aspect, contours in pairs.items():
        if (correlation := _correlation(*contours)) is not None:
            measures[f"{aspect}_contour_correlation"] = correlation
    measures |= {f"source_{name}": figure for name, figure in before.items()}
    return measures | {f"translated_{name}": figure for name, figure in after.items()}


def agreement(measures: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Pearson correlation, over the utterances of a corpus, of each figure before and after translation.

    Args:
        measures: one result of `compare` an utterance.

    Returns:
        Figure (`f0_level_st`, `f0_range_st`, `speech_s`, `loudness_db`, ...) -> correlation; figures that fewer
        than three utterances have on both sides, or that do not vary, are left out.
    """
    rows = list(measures)
    names = sorted({name.removeprefix("source_") for row in rows for name in row if name.startswith("source_")})
    correlations = {}
    for name in names:
        pair = (f"source_{name}", f"translated_{name}")
        both = np.array([[row[side] for side in pair] for row in rows if all(side in row for side in pair)])
        if len(both) >= 3 and (correlation := _correlation(both[:, 0], both[:, 1])) is not None:
            correlations[name] = correlation
    return correlations


def loudness_db(waveform: Waveform | Contour) -> Contour:
    """Power in windows of 25 ms, one value every `HOP_S`, in dB of full scale, at least -100. `[n]` -> `[n / 80]`."""
    window = round(_LOUDNESS_WINDOW_S * RATE_HZ)
    power = ndimage.uniform_filter1d(waveform.astype(np.float64) ** 2, window, mode="constant")[::_HOP]
    return 10 * np.log10(np.maximum(power, 10 ** (_SILENCE_DB / 10)))


def level_db(loudness: Contour) -> float:
    """The level of a whole contour in dB: the mean of its power."""
    return float(10 * np.log10(np.mean(10 ** (loudness / 10))))


def over_syllables(loudness: Contour) -> Contour:
    """A loudness contour in dB without what is faster than a syllable (Gaussian, 50 ms)."""
    return ndimage.gaussian_filter1d(loudness, 0.05 / HOP_S, mode="nearest")


def _speech_band(waveform: Waveform) -> tuple[Contour, float]:
    """Loudness in the band of speech, and above what it is speech: within 25 dB of the loudest, out of the noise."""
    loudness = loudness_db(np.asarray(signal.sosfilt(_SPEECH_BAND, waveform)))
    noise, top = np.percentile(loudness, (5, 95))
    return loudness, float(max(top - 25, min(noise + 6, top - 15)))


def _speech_bounds(loud: NDArray[np.bool_]) -> tuple[int, int]:
    """First frame of speech and the one after the last."""
    frames = np.flatnonzero(ndimage.binary_opening(loud, np.ones(8)))  # 40 ms: a click is no speech
    return (int(frames[0]), int(frames[-1]) + 1) if frames.size else (0, loud.size)


def _pauses(silent: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The silences that are no closures of consonants, `[T]`."""
    return np.asarray(ndimage.binary_opening(silent, np.ones(round(_SHORTEST_PAUSE_S / HOP_S))), bool)


def _n_nuclei(band_db: Contour, bound_db: float, voiced: NDArray[np.bool_]) -> int:
    """Voiced peaks of loudness, 2 dB above the dips beside them (de Jong & Wempe, Behav. Res. Methods 41, 2009)."""
    smooth = ndimage.gaussian_filter1d(band_db, _NUCLEUS_SMOOTHING_S / HOP_S, mode="nearest")
    peaks, _ = signal.find_peaks(np.pad(smooth, 1, constant_values=_SILENCE_DB), bound_db, prominence=_NUCLEUS_DIP_DB)
    near_voice = ndimage.binary_dilation(voiced, iterations=4)  # 20 ms: the tracker loses the edges
    return int(np.count_nonzero(near_voice[peaks - 1]))


def _tilt_db_per_octave(speech: Waveform) -> float:
    bins_hz, power = signal.welch(speech.astype(np.float64), RATE_HZ, nperseg=min(512, speech.size))
    band = (bins_hz >= _TILT_BAND_HZ[0]) & (bins_hz <= _TILT_BAND_HZ[1])
    octaves, level_db = np.log2(bins_hz[band]), 10 * np.log10(power[band] + 1e-12)
    # Bins crowd towards the high end of a logarithmic axis: 1/f gives every octave the same weight.
    return float(np.polyfit(octaves, level_db, 1, w=1 / np.sqrt(bins_hz[band]))[0])


def _at(contour: Contour, n_frames: int) -> Contour:
    return np.interp(np.linspace(0, contour.size - 1, n_frames), np.arange(contour.size), contour)


def _correlation(first: Contour, second: Contour) -> float | None:
    if np.std(first) < 1e-6 or np.std(second) < 1e-6:
        return None
    return float(np.corrcoef(first, second)[0, 1])
