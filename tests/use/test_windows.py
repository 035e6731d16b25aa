"""How a recording is cut: the same however it arrives, in bounded memory, and no sound is left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.errors import SottovoceError
from sottovoce.speech.activity import FRAME, detector
from sottovoce.use.windows import Cutter, Grid, Window
from tests.use.listening import LOUD, square

RATE_HZ = 16_000


def cut(pieces, grid: Grid, hearing: str = "all") -> list[Window]:
    return list(Cutter(grid, detector(hearing)).windows(pieces))  # type: ignore[arg-type]


def in_pieces(sound: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    return np.split(sound, np.cumsum(sizes)[np.cumsum(sizes) < sound.size])


@given(
    st.floats(0.1, 9.0),
    st.lists(st.integers(0, 40_000), max_size=20),
    st.sampled_from([(3.0, 1.0), (1.0, 1.0), (0.5, 0.1), (0.5, 0.5), (2.0, 1.5)]),
)
def test_the_pieces_in_which_it_arrives_change_nothing(duration_s, sizes, grid):
    sound = np.random.default_rng(0).normal(0, 0.1, round(duration_s * RATE_HZ)).astype(np.float32)
    whole = cut([sound], Grid(*grid))
    pieced = cut(in_pieces(sound, sizes), Grid(*grid))
    assert [(w.start_s, w.end_s) for w in whole] == [(w.start_s, w.end_s) for w in pieced]
    for a, b in zip(whole, pieced, strict=True):
        assert a.waveform is not None and b.waveform is not None and np.array_equal(a.waveform, b.waveform)


@given(st.floats(0.1, 30.0), st.floats(0.5, 10.0), st.floats(0.05, 1.0))
def test_steps_cover_the_recording_and_windows_lie_around_them(duration_s, window_s, share):
    hop_s = max(0.1, window_s * share)
    sound = np.arange(round(duration_s * RATE_HZ), dtype=np.float32)
    windows = cut([sound], grid := Grid(window_s, hop_s))
    assert len(windows) == grid.n_steps(sound.size / RATE_HZ)
    edges = [windows[0].start_s, *(w.end_s for w in windows)]
    assert edges[0] == 0 and edges[-1] == pytest.approx(sound.size / RATE_HZ)
    assert np.all(np.diff(edges) > 0)
    assert [w.start_s for w in windows] == edges[:-1]
    for w in windows:
        assert w.waveform is not None
        first, last = w.waveform[0] / RATE_HZ, (w.waveform[-1] + 1) / RATE_HZ
        # as much sound as the window asks for, unless the recording ends before
        middle_s = w.start_s + hop_s / 2
        assert first == pytest.approx(max(0, middle_s - window_s / 2), abs=2 / RATE_HZ)
        assert last == pytest.approx(min(sound.size / RATE_HZ, middle_s + window_s / 2), abs=2 / RATE_HZ)
        # the step's own samples, as far as they are in the window: its last may be longer
        own = w.waveform[slice(*w.own)]
        assert own[0] == round(w.start_s * RATE_HZ)
        assert own[-1] + 1 == min(round(w.end_s * RATE_HZ), w.waveform[-1] + 1)


def test_a_step_is_cut_as_soon_as_its_window_is_there():
    arrived, cut_after = 0.0, []

    def pieces():
        nonlocal arrived
        for piece in np.split(square(10.0, LOUD), 100):
            arrived += 0.1
            yield piece

    for window in Cutter(Grid(3.0, 1.0), detector("all")).windows(pieces()):
        cut_after.append(arrived - (window.start_s + 0.5))
    assert cut_after[:8] == pytest.approx([1.5] * 8)


def test_no_more_sound_is_held_than_a_window_and_a_block():
    cutter = Cutter(Grid(3.0, 1.0), detector("level"))
    held = []
    for window in cutter.windows(square(1.0, LOUD) for _ in range(600)):
        held.append(cutter._held.size / RATE_HZ)
        assert window.waveform is not None and window.waveform.base is None  # no view that keeps a block alive
    assert len(held) == 600 and max(held) <= 3.0 + 1.0 + FRAME / RATE_HZ


def test_where_nobody_speaks_there_is_no_window():
    sound = np.concatenate([square(2.0, LOUD), np.zeros(3 * RATE_HZ, np.float32), square(2.0, LOUD)])
    spoken = [w.waveform is not None for w in cut([sound], Grid(1.0, 1.0), "level")]
    assert spoken == [True, True, False, False, False, True, True]


def test_a_short_word_in_a_step_counts_and_a_click_does_not():
    def spoken(duration_s: float) -> bool:
        sound = np.zeros(3 * RATE_HZ, np.float32)
        sound[RATE_HZ + 4000 :][: round(duration_s * RATE_HZ)] = LOUD
        return cut([sound], Grid(1.0, 1.0), "level")[1].waveform is not None

    assert spoken(0.3) and not spoken(0.05)


@pytest.mark.parametrize(("window_s", "hop_s"), [(0.4, 0.2), (31, 1), (3, 4), (3, 0.05), (float("nan"), 1), (3, -1)])
def test_impossible_grids_are_refused(window_s, hop_s):
    with pytest.raises(SottovoceError, match=r"give (one of )?0\.[15]"):
        Grid(window_s, hop_s)
