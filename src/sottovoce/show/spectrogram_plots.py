"""Sounds as pictures: a function from waveforms to the text of one SVG, as in `show.plots`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from sottovoce.show.plots import WIDTH_IN, drawing, literal

_WINDOW_S, _HOP_S = 0.025, 0.010
_RANGE_DB = 70.0
"""What is this far below the loudest place of all panels is white."""

_SILENCE = 1e-12
"""Power that keeps the logarithm of silence finite."""


def spectrograms(name: str, alt: str, waveforms: Mapping[str, NDArray[np.float32]], rate_hz: int) -> str:
    """A panel each in two columns, all on one scale of time, frequency and loudness."""
    levels = {title: _levels_db(waveform, rate_hz) for title, waveform in waveforms.items()}
    loudest = max(float(level.max()) for level in levels.values())
    longest_s = max(waveform.size for waveform in waveforms.values()) / rate_hz
    n_rows = -(-len(waveforms) // 2)
    with drawing(WIDTH_IN, 0.5 + 1.5 * n_rows) as (figure, render):
        grid = figure.subplots(n_rows, 2, squeeze=False, sharex=True, sharey=True)
        for axes, (title, level) in zip(grid.flat, levels.items(), strict=False):
            axes.imshow(
                level,
                cmap="Greys",
                vmin=loudest - _RANGE_DB,
                vmax=loudest,
                origin="lower",
                aspect="auto",
                extent=(0.0, waveforms[title].size / rate_hz, 0.0, rate_hz / 2000),
            )
            axes.set_title(literal(title), loc="left")
            axes.set_xlim(0, longest_s)
        for axes in grid.flat[len(waveforms) :]:
            axes.set_visible(False)
        figure.supxlabel("seconds", fontsize=9)
        figure.supylabel("kHz", fontsize=9)
        return render(name, alt)


def _levels_db(waveform: NDArray[np.float32], rate_hz: int) -> NDArray[np.float64]:
    """Level in dB by frequency and time, `[frequency, frame]`."""
    window = round(_WINDOW_S * rate_hz)
    frames = sliding_window_view(waveform, window)[:: round(_HOP_S * rate_hz)]
    power = np.abs(np.fft.rfft(frames * np.hanning(window))).T ** 2
    return 10 * np.log10(power + _SILENCE)
