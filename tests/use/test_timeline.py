"""Emotion over time: a file and a pipe give the same, smoothing is what it says, and memory stays bounded."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from sottovoce.errors import AudioError, SottovoceError
from sottovoce.speech import audio
from sottovoce.speech.activity import detector
from sottovoce.use.steps import judged, smoothed
from sottovoce.use.timeline import Manner, Tracker, timeline
from sottovoce.use.windows import Cutter, Grid, Window
from tests.use.listening import FAINT, LOUD, LoudIsAngry, square

PAUSE = np.zeros(2 * 16_000, np.float32)


@pytest.fixture
def recording(tmp_path):
    """4 s loud, 2 s of silence, 5 s faint."""
    path = tmp_path / "scene.wav"
    audio.write(path, np.concatenate([square(4.0, LOUD), PAUSE, square(5.0, FAINT)]))
    return path


def test_what_is_loud_is_angry_and_silence_is_nothing(recording):
    found = timeline(LoudIsAngry(), recording, Manner(Grid(1.0, 1.0), 1), hearing=detector("level"))
    assert [(s.start_s, s.end_s, s.emotion) for s in found.segments] == [(0, 4, "angry"), (4, 6, None), (6, 11, "sad")]
    assert [s.confidence for s in found.segments] == [1.0, None, 1.0]
    assert found.duration_s == 11 and found.detector == "level"
    assert len(found.peaks) == len(found.speech) == -(-11 * 16_000 // 512)
    assert max(found.peaks) == pytest.approx(LOUD, abs=1e-4) and sum(found.speech[126:187]) == 0


def test_a_pipe_gives_exactly_what_the_file_gives(recording):
    manner = Manner(Grid(3.0, 0.5), 3)
    whole = timeline(LoudIsAngry(), recording, manner, hearing=detector("level"))
    sound = audio.read(recording)
    live = Tracker(LoudIsAngry(), manner, detector("level"))
    steps = list(live.follow(np.split(sound, range(1600, sound.size, 1600))))
    assert steps == list(whole.steps)
    assert live.timeline().segments == whole.segments


def test_a_real_upstream_gives_a_pipe_what_it_gives_a_file(tmp_path):
    """The same windows in other batches: equal up to rounding, and exactly equal where the batches are equal."""
    from sottovoce.learning.head import Head
    from sottovoce.upstreams.loading import load_upstream

    class Judge:
        emotions = ("angry", "sad")
        upstream = load_upstream("logmel")
        head = Head.fresh(upstream.card.dimension, 8, 2, None, 0)

        def probabilities(self, waveforms):
            return self.head.probabilities(self.upstream.frames(waveforms)).double().numpy()

    path = tmp_path / "noise.wav"
    audio.write(path, np.random.default_rng(0).normal(0, 0.1, 12 * 16_000).astype(np.float32))
    sound = audio.read(path)
    pieces = np.split(sound, range(1234, sound.size, 1234))

    def rows(blocks, batch):
        tracker = Tracker(Judge(), Manner(smooth=1), detector("all"), batch)
        return np.array([step.probabilities for step in tracker.follow(blocks)])

    alone = rows(pieces, 1)
    assert np.array_equal(alone, rows(audio.blocks(path), 1))
    assert alone == pytest.approx(rows(audio.blocks(path), 64), abs=1e-5)
    assert np.ptp(alone[:, 0]) > 0


def test_windows_are_judged_together_and_pauses_not_at_all(recording):
    judge = LoudIsAngry()
    timeline(judge, recording, Manner(Grid(1.0, 1.0), 1), hearing=detector("level"))
    assert judge.calls == [[16_000] * 9]
    live = LoudIsAngry()
    list(Tracker(live, Manner(Grid(1.0, 1.0), 1), detector("level")).follow([audio.read(recording)]))
    assert live.calls == [[16_000]] * 9


@pytest.mark.parametrize("width", [1, 3, 5])
@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_smoothing_is_the_mean_of_the_steps_around(n, width):
    rows = [None if i == 4 else np.random.default_rng(i).dirichlet((1, 1)) for i in range(n)]
    windows = [(Window(float(i), i + 1.0, None), row) for i, row in enumerate(rows)]
    steps = list(smoothed(windows, ("angry", "sad"), width))
    assert [(s.start_s, s.end_s) for s in steps] == [(float(i), i + 1.0) for i in range(n)]
    for i, step in enumerate(steps):
        near = [r for r in rows[max(0, i - width // 2) : i + width // 2 + 1] if r is not None]
        if rows[i] is None:
            assert step.emotion is step.confidence is step.probabilities is None
        else:
            assert step.probabilities == pytest.approx(np.mean(near, axis=0))
            assert step.confidence == max(step.probabilities)
            assert step.emotion == ("angry", "sad")[int(np.argmax(step.probabilities))]


@pytest.mark.parametrize(("grid", "smooth"), [((3.0, 1.0), 1), ((3.0, 1.0), 3), ((1.0, 1.0), 3), ((2.0, 0.5), 5)])
def test_the_latency_is_what_it_says(grid, smooth):
    arrived = 0.0

    def pieces():
        nonlocal arrived
        for piece in np.split(square(20.0, LOUD), 200):
            arrived += 0.1
            yield piece

    manner = Manner(Grid(*grid), smooth)
    waited = [
        arrived - (step.start_s + grid[1] / 2)
        for step in Tracker(LoudIsAngry(), manner, detector("level")).follow(pieces())
        if arrived < 19.95 and step.start_s > 5
    ]
    assert len(waited) > 5 and max(waited) <= manner.latency_s + 0.1 + 1e-6
    assert min(waited) >= manner.latency_s - 1e-6


def test_memory_does_not_grow_with_the_recording():
    block = square(5.0, LOUD)

    def peak(n_blocks: int) -> int:
        tracemalloc.start()
        windows = Cutter(Grid(3.0, 1.0), detector("level")).windows(block for _ in range(n_blocks))
        for _ in smoothed(judged(windows, LoudIsAngry(), 16), LoudIsAngry.emotions, 3):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(480) - peak(24) < 1 << 20  # 38 minutes more would be 146 MB of sound


@pytest.mark.parametrize(("smooth", "shortest_s"), [(0, 1.0), (2, 1.0), (101, 1.0), (3, -1.0), (3, float("nan"))])
def test_impossible_manners_are_refused(smooth, shortest_s):
    with pytest.raises(SottovoceError, match="give"):
        Manner(smooth=smooth, shortest_s=shortest_s)


def test_a_recording_shorter_than_a_window_has_one_step(tmp_path):
    audio.write(tmp_path / "word.wav", square(0.2, LOUD))
    found = timeline(LoudIsAngry(), tmp_path / "word.wav", hearing=detector("level"))
    assert [(s.start_s, s.end_s, s.emotion) for s in found.steps] == [(0.0, pytest.approx(0.2), "angry")]


def test_what_is_no_recording_is_named(tmp_path):
    (tmp_path / "text.wav").write_text("not a sound")
    with pytest.raises(AudioError, match=r"text\.wav: not a readable sound file"):
        timeline(LoudIsAngry(), tmp_path / "text.wav", hearing=detector("level"))
