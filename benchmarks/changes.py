"""Emotion over time against known changes: recordings of one speaker joined, heard by a model that never heard them.

    SOTTOVOCE_DATA=... SOTTOVOCE_WEIGHTS=... python benchmarks/changes.py

For each speaker of a corpus a head is trained on the corpus's other speakers (Whisper-base, final layer, trimmed; seed
0, the default settings of a recipe, nothing chosen on these scenes). His or her recordings, as many of each emotion,
are joined in a random order in which neighbours differ, without pauses and scaled to one loudness. Scored are frames
of 0.1 s, and how many of the changes are found within a second. Intervals are over speakers.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from ears import Ears
from machine import device, state_machine, table, timed
from material import real
from sottovoce.corpora.catalogue import corpora
from sottovoce.judging import changes, metrics
from sottovoce.judging.certainty import interval
from sottovoce.learning import bank
from sottovoce.learning.head import Head
from sottovoce.recipe import Training
from sottovoce.speech import activity, audio
from sottovoce.speech.audio import RATE_HZ, Waveform
from sottovoce.speech.emotions import FOUR_CLASSES
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Store
from sottovoce.upstreams.card import Upstream
from sottovoce.upstreams.features import Frames, extract
from sottovoce.upstreams.loading import load_upstream
from sottovoce.use.segments import segments
from sottovoce.use.steps import Step, judged, smoothed
from sottovoce.use.windows import Cutter, Grid, Window

GRIDS = ((1.0, 1.0), (2.0, 1.0), (3.0, 1.0), (5.0, 1.0), (3.0, 0.5), (2.0, 0.5))
SMOOTH = (1, 3, 5)
PLAIN = ((3.0, 1.0), 3)
"""What `sottovoce timeline` does unless told otherwise."""

SHORT_S = 30.0
LOUDNESS_RMS = 0.05
FAINT_RMS = 1e-4

Judged = list[tuple[Window, NDArray[np.float64] | None]]


@dataclass(frozen=True)
class Scene:
    """Joined recordings of one speaker and what is true of them."""

    speaker: str
    sound: Waveform
    truth: list[changes.Stretch]

    @property
    def duration_s(self) -> float:
        """Its length."""
        return self.sound.size / RATE_HZ


@dataclass(frozen=True)
class Outcome:
    """Of one speaker: frames `[K, K]`, distances of found changes, how many are true and how many were said."""

    frames: NDArray[np.int64]
    distances_s: list[float]
    n_true: int
    n_said: int

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.frames + other.frames,
            self.distances_s + other.distances_s,
            self.n_true + other.n_true,
            self.n_said + other.n_said,
        )

    @property
    def change_f1(self) -> float:
        """F1 of the changes found within a second."""
        return changes.change_f1(self.n_true, self.n_said, len(self.distances_s))


def scene(utterances: Sequence[Utterance], pause_s: float = 0.0) -> Scene:
    """Join recordings in the order given, all as loud as each other, with faint noise between them."""
    rng = np.random.default_rng(0)
    parts, truth, now_s = [], [], 0.0
    for u in utterances:
        sound = audio.read(u.path)
        parts.append(sound * LOUDNESS_RMS / np.sqrt(np.mean(sound**2)))
        truth.append((now_s, now_s + sound.size / RATE_HZ, u.emotion))
        parts.append(rng.normal(0, FAINT_RMS, round(pause_s * RATE_HZ)).astype(np.float32))
        now_s += (parts[-2].size + parts[-1].size) / RATE_HZ
    return Scene(utterances[0].speaker, np.concatenate(parts).astype(np.float32), truth)


def ordered(utterances: Sequence[Utterance], each: int, rng: np.random.Generator) -> list[Utterance]:
    """Up to `each` utterances of every emotion, shuffled so that no two neighbours have the same one."""
    left = {e: list(rng.permutation([u for u in utterances if u.emotion == e])[:each]) for e in FOUR_CLASSES}  # type: ignore[arg-type]
    order: list[Utterance] = []
    while any(left.values()):
        last = order[-1].emotion if order else None
        most = max((len(us) for e, us in left.items() if e != last), default=0)
        if not most:
            break  # only the last emotion is left
        chosen = rng.choice([e for e, us in left.items() if e != last and len(us) == most])
        order.append(left[str(chosen)].pop())
    return order


def short_scenes(order: Sequence[Utterance]) -> Iterator[Scene]:
    """The same recordings in scenes of at most 30 s."""
    held: list[Utterance] = []
    for u in order:
        lengths = [audio.probe(x.path).duration_s for x in (*held, u)]
        if held and sum(lengths) > SHORT_S:
            yield scene(held)
            held = []
        held.append(u)
    yield scene(held)


def heads(manifest: Manifest, weights: Path, store: Store) -> tuple[Upstream, dict[str, Head]]:
    """For each speaker a head that was trained on the others."""
    make = partial(load_upstream, "whisper", str(weights), device=device().type)
    upstream = make()
    extracted = extract(manifest, make, store, loaded=upstream)
    pool = [u for u in manifest if u.id in extracted.kept]
    training = Training()
    targets = np.array([u.soft_label(FOUR_CLASSES, training.epsilon) for u in pool], np.float32)
    speakers = sorted({u.speaker for u in pool})
    courses = [bank.Course(0, np.array([u.speaker != s for u in pool])) for s in speakers]
    frames = Frames([extracted.kept[u.id] for u in pool])
    return upstream, dict(zip(speakers, bank.train(frames, targets, courses, training), strict=True))


def listen(sound: Waveform, ears: Ears, grid: tuple[float, float], hearing: activity.DetectorName = "all") -> Judged:
    """Probabilities of every window, not smoothed."""
    cutter = Cutter(Grid(*grid), activity.detector(hearing))
    return list(judged(cutter.windows([sound]), ears, batch=32))


def each_second(sound: Waveform, ears: Ears) -> list[Step]:
    """The way of arXiv 2311.08607: the encoder hears 30 s at a time, and the head means over each second's frames."""
    whole = ears.upstream.frames([sound])[0]
    per_s = round(1 / ears.upstream.card.hop_s)
    rows = ears.head.probabilities([whole[i : i + per_s] for i in range(0, len(whole), per_s)]).double().numpy()
    ends_s = [*range(1, len(rows)), sound.size / RATE_HZ]
    return [
        Step(float(i), float(end_s), FOUR_CLASSES[row.argmax()], float(row.max()), tuple(row))
        for i, (row, end_s) in enumerate(zip(rows, ends_s, strict=True))
    ]


def outcome(heard: Scene, steps: Sequence[Step], since_s: float = 0.0) -> Outcome:
    """Compare what was said with what is true, from `since_s` on."""
    said = [(s.start_s, s.end_s, s.emotion) for s in segments(steps, FOUR_CLASSES, shortest_s=1.0)]
    return compared(heard, said, since_s)


def compared(heard: Scene, said: Sequence[changes.Stretch], since_s: float = 0.0) -> Outcome:
    """As `outcome`, of stretches."""
    first = round(since_s / changes.FRAME_S)
    true, heard_as = (changes.frames(s, FOUR_CLASSES, heard.duration_s)[first:] for s in (heard.truth, said))
    true_s, said_s = ([c for c in changes.changes(side) if c >= since_s] for side in (heard.truth, said))
    counts = changes.confusion(true, heard_as, len(FOUR_CLASSES))
    return Outcome(counts, changes.found(true_s, said_s), len(true_s), len(said_s))


def at_random(heard: Scene, draws: int = 50) -> Outcome:
    """Stretches of random emotions between random times, as many as are true: what a score is worth without hearing."""
    rng = np.random.default_rng(0)
    outcomes = []
    for _ in range(draws):
        ends_s = [*np.sort(rng.uniform(0, heard.duration_s, len(heard.truth) - 1)), heard.duration_s]
        steps_on = rng.integers(1, len(FOUR_CLASSES), len(ends_s)).cumsum() % len(FOUR_CLASSES)
        said = [
            (start, end, FOUR_CLASSES[k]) for start, end, k in zip([0.0, *ends_s[:-1]], ends_s, steps_on, strict=True)
        ]
        outcomes.append(compared(heard, said))
    return sum(outcomes[1:], outcomes[0])


def row(name: str, by_speaker: Sequence[Outcome]) -> list[object]:
    """A line of the table: macro F1 and change F1 with 95 % intervals over speakers, distance, changes said."""
    counts = np.array([o.frames for o in by_speaker])[:, None]
    score, ends = float(metrics.scores(counts.sum(axis=0), "macro_f1")[0]), interval(counts, "macro_f1")
    f1s = np.array([o.change_f1 for o in by_speaker])
    half = stats.t.ppf(0.975, len(f1s) - 1) * f1s.std(ddof=1) / np.sqrt(len(f1s))
    distances = [d for o in by_speaker for d in o.distances_s]
    n_true = sum(o.n_true for o in by_speaker)
    assert ends is not None
    return [
        name,
        f"{100 * score:.1f} ({100 * ends[0]:.1f} to {100 * ends[1]:.1f})",
        f"{100 * f1s.mean():.1f} ({100 * max(0, f1s.mean() - half):.1f} to {100 * min(1, f1s.mean() + half):.1f})",
        f"{np.median(distances):.2f}" if distances else "",
        f"{sum(o.n_said for o in by_speaker) / n_true:.2f}",
    ]


def pauses(scenes: Sequence[Scene], ears: dict[str, Ears]) -> list[object]:
    """With a second of faint noise between recordings and silero: which share of each is taken for speech."""
    in_speech, in_pause, scored = [], [], []
    for heard in scenes:
        steps = list(smoothed(listen(heard.sound, ears[heard.speaker], (3.0, 0.5), "silero"), FOUR_CLASSES, 3))
        true = changes.frames(heard.truth, FOUR_CLASSES, heard.duration_s)
        said = changes.frames([(s.start_s, s.end_s, s.emotion) for s in steps], FOUR_CLASSES, heard.duration_s)
        in_speech.append(np.mean(said[true >= 0] >= 0))
        in_pause.append(np.mean(said[true < 0] >= 0))
        scored.append(outcome(heard, steps))
    print(
        f"silero, hop 0.5 s: said to be speech: {np.mean(in_speech):.1%} of speech, {np.mean(in_pause):.1%} of pauses"
    )
    return row(f"{_titled((3.0, 0.5), 3)}, pauses", scored)


def corpus_rows(name: str, folder: Path, weights: Path, store: Store, each: int) -> tuple[str, list[list[object]]]:
    """Train, listen and score on one corpus."""
    manifest = corpora()[name].prepare(folder).manifest.with_emotions(FOUR_CLASSES)
    upstream, trained = heads(manifest, weights, store)
    ears = {speaker: Ears(upstream, head) for speaker, head in trained.items()}
    rng = np.random.default_rng(0)
    orders = {s: ordered([u for u in manifest if u.speaker == s], each, rng) for s in trained}
    scenes = {s: scene(order) for s, order in orders.items()}
    rows = [row("at random, as many changes", [at_random(x) for x in scenes.values()])]
    plain: dict[str, list[Step]] = {}
    for grid in GRIDS:
        heard = {s: listen(scenes[s].sound, ears[s], grid) for s in scenes}
        for width in SMOOTH:
            steps = {s: list(smoothed(heard[s], FOUR_CLASSES, width)) for s in scenes}
            rows.append(row(_titled(grid, width), [outcome(scenes[s], steps[s]) for s in scenes]))
            if (grid, width) == PLAIN:
                plain = steps
    short = []
    for s, order in orders.items():
        parts = [
            outcome(part, list(smoothed(listen(part.sound, ears[s], PLAIN[0]), FOUR_CLASSES, PLAIN[1])))
            for part in short_scenes(order)
        ]
        short.append(sum(parts[1:], parts[0]))
    rows.append(row(f"{_titled(*PLAIN)}, scenes to 30 s", short))
    seconds = {s: each_second(scenes[s].sound, ears[s]) for s in scenes}
    for title, steps in ((_titled(*PLAIN), plain), ("30 s of context, hop 1 s", seconds)):
        if title not in (r[0] for r in rows):
            rows.append(row(title, [outcome(scenes[s], steps[s]) for s in scenes]))
        if all(x.duration_s > SHORT_S + 10 for x in scenes.values()):
            rows.append(row(f"{title}, after 30 s", [outcome(scenes[s], steps[s], SHORT_S) for s in scenes]))
    if activity.has_silero():
        rows.append(pauses([scene(order, pause_s=1.0) for order in orders.values()], ears))
    lengths = [x.duration_s for x in scenes.values()]
    return f"{name}: {len(scenes)} speakers, scenes of {min(lengths):.0f} to {max(lengths):.0f} s", rows


def _titled(grid: tuple[float, float], width: int) -> str:
    return f"{grid[0]:g} s, hop {grid[1]:g} s, smooth {width}"


def main(names: Sequence[str], each: int, store: Path | None) -> None:
    """Print a table a corpus."""
    state_machine()
    if (folders := real()) is None:
        print("This needs real speech: set SOTTOVOCE_DATA and SOTTOVOCE_WEIGHTS.")
        sys.exit(1)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as temporary:
        for name in names:
            kept = Store(store or Path(temporary))
            made = []
            seconds = timed(lambda: made.append(corpus_rows(name, folders[0].parent / name, folders[1], kept, each)))  # noqa: B023
            title, rows = made[0]
            columns = [
                "window",
                "macro F1 of frames",
                "F1 of changes within 1 s",
                "median s off",
                "said per true change",
            ]
            table(f"{title} ({seconds:.0f} s)", columns, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", nargs="+", default=["emodb", "emovo"], choices=("emodb", "emovo"))
    parser.add_argument("--each", type=int, default=5, help="recordings of each emotion in a speaker's scene")
    parser.add_argument("--store", type=Path, default=None, help="where features are kept; else they are thrown away")
    arguments = parser.parse_args()
    main(arguments.corpora, arguments.each, arguments.store)
