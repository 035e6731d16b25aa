"""The demo's corpora, rendered on the spot: no download, no data of the user's, and no human voice.

Sixteen English and six Italian "speakers" are two plain voices bent by rule: pitch, formants and tempo make
the speaker; F0, tempo, loudness and spectral tilt make the emotion, roughly as Juslin & Laukka (2003) sum up
the literature. Expression is imperfect and listeners disagree, so that the task is neither trivial nor hopeless.
It shows that the pipeline runs. It proves nothing about accuracy on people.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from sottovoce.errors import ManifestError
from sottovoce.speech import audio
from sottovoce.speech.emotions import FOUR_CLASSES
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.translation import voices
from sottovoce.translation.prosody import level_db, loudness_db
from sottovoce.translation.transfer import PlainVoice, finish, stretched, tilt_gain
from sottovoce.translation.vocoder import HIGHEST_HZ, LOWEST_HZ, Frames, put_together

DISCLAIMER = (
    "Synthetic speech, made by rule: it shows that everything works and proves nothing about accuracy on people."
)

SEED = 20_240_910
CORPORA = {"it": "demo target (synthetic)", "en": "demo source (synthetic)"}  # by language; warnings go by these names
N_LISTENERS = 10
SENTENCES_EACH = {"en": 3, "it": 6}  # of those below, for each speaker and emotion

ENGLISH = {  # what the source speakers say, and its translation
    "The train leaves in ten minutes.": "Il treno parte tra dieci minuti.",
    "My sister called this morning.": "Mia sorella ha chiamato stamattina.",
    "There is a letter on the table.": "C'è una lettera sul tavolo.",
    "We can meet after lunch.": "Possiamo vederci dopo pranzo.",
}
ITALIAN = (  # what the target speakers say: nothing of the above
    "Il gatto dorme sulla sedia.",
    "Domani andiamo al mercato.",
    "La finestra è rimasta aperta.",
    "Ho dimenticato le chiavi in macchina.",
    "Il negozio chiude alle otto.",
    "Stasera ceniamo a casa.",
)


@dataclass(frozen=True)
class Manner:
    """How an emotion is said: changes from the speaker's neutral voice."""

    level_st: float  # of F0
    log2_range: float  # of F0
    slope_st: float  # of F0, from the beginning to the end
    log2_duration: float
    loudness_db: float
    tilt_db_per_octave: float


MANNERS = {
    "angry": Manner(3.5, 0.5, -1.0, -0.15, 6.0, 2.0),
    "happy": Manner(4.5, 0.8, 1.5, -0.10, 3.0, 1.0),
    "neutral": Manner(0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "sad": Manner(-1.5, -0.7, -2.0, 0.25, -5.0, -2.0),
}
SPREAD = Manner(1.3, 0.3, 0.8, 0.08, 2.0, 0.8)
"""Standard deviation of each from utterance to utterance."""


@dataclass(frozen=True)
class Speaker:
    """One invented speaker: a plain voice, and what is done to it. `formants` is a factor of frequency."""

    name: str
    language: str
    accent: str
    f0_hz: float
    formants: float
    log2_duration: float
    loudness_db: float


def render_corpus(folder: Path, progress: Callable[[int, int], None] | None = None) -> tuple[Manifest, Manifest]:
    """Render the demo's target (Italian, 6 speakers, 144 utterances) and source (English, 16 speakers, 192).

    The same folder is not rendered twice; the same versions of the voices always give the same corpora.

    Args:
        folder: where `target.parquet`, `source.parquet` and the FLAC files go.
        progress: called with utterances done and utterances in all.

    Returns:
        Target and source. Votes are of ten simulated listeners; the source has a `translation` of every text.

    Raises:
        MissingExtra: SVOX Pico or WORLD is not installed.
    """
    done = folder / "rendered.json"
    settings = _settings()
    if done.exists() and done.read_text(encoding="utf-8") == settings:
        try:
            return Manifest.read(folder / "target.parquet"), Manifest.read(folder / "source.parquet")
        except ManifestError:
            pass  # a recording was deleted: render again
    script = [*_script("it"), *_script("en")]
    recorded = []
    for n_done, (speaker, emotion, text) in enumerate(script):
        recorded.append(_record(folder, speaker, emotion, text, np.random.default_rng((SEED, n_done))))
        if progress:
            progress(n_done + 1, len(script))
    everything = Manifest(tuple(recorded))
    everything.filter(lambda u: u.language == "it").write(folder / "target.parquet")
    everything.filter(lambda u: u.language == "en").write(folder / "source.parquet")
    done.write_text(settings, encoding="utf-8")
    return Manifest.read(folder / "target.parquet"), Manifest.read(folder / "source.parquet")


def speakers(language: str) -> list[Speaker]:
    """The invented speakers of a language, low and high voices by turns."""
    count, accents = (16, ("en-us", "en-gb")) if language == "en" else (6, (language,))
    rng = np.random.default_rng((SEED, count, 1))
    return [
        Speaker(
            name=f"{language}{number + 1:02d}",
            language=language,
            accent=accents[number // 2 % len(accents)],
            f0_hz=float((115.0, 205.0)[number % 2] * 2 ** rng.uniform(-0.25, 0.25)),
            formants=float((0.87, 1.02)[number % 2] * 2 ** rng.uniform(-0.08, 0.08)),
            log2_duration=float(rng.uniform(-0.15, 0.15)),
            loudness_db=float(rng.uniform(-3.0, 3.0)),
        )
        for number in range(count)
    ]


def _settings() -> str:
    """Everything the corpora depend on, as text."""
    code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return json.dumps({"code": code, "engine": voices.PICO.version}, indent=1)


def _script(language: str) -> Iterator[tuple[Speaker, str, str]]:
    texts = tuple(ENGLISH) if language == "en" else ITALIAN
    for number, speaker in enumerate(speakers(language)):
        for emotion in FOUR_CLASSES:
            for turn in range(SENTENCES_EACH[language]):
                yield speaker, emotion, texts[(number + turn) % len(texts)]


def _record(folder: Path, speaker: Speaker, emotion: str, text: str, rng: np.random.Generator) -> Utterance:
    strength = rng.normal(1.0, 0.25)  # some express less, some more than the rule
    manner = Manner(*(strength * np.array(astuple(MANNERS[emotion])) + rng.normal(0, astuple(SPREAD))))
    texts = tuple(ENGLISH) if speaker.language == "en" else ITALIAN
    text_id = f"{speaker.language}-{texts.index(text) + 1}"
    path = Path("audio", speaker.language, f"{speaker.name}_{text_id}_{emotion}.flac")
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    audio.write(folder / path, _say(text, speaker, manner, rng))
    return Utterance(
        id=path.stem,
        path=str(folder / path),
        speaker=speaker.name,
        emotion=emotion,
        corpus=CORPORA[speaker.language],
        language=speaker.language,
        text=text,
        text_id=text_id,
        translation=ENGLISH.get(text),
        votes=_votes(manner, rng),
    )


def _say(text: str, speaker: Speaker, manner: Manner, rng: np.random.Generator) -> audio.Waveform:
    frames = stretched(_plain(text, speaker.accent).frames, 2 ** (speaker.log2_duration + manner.log2_duration))
    frames = _with_pitch(frames, speaker, manner)
    tilt = tilt_gain(frames.bins_hz, manner.tilt_db_per_octave)
    speech = put_together(replace(frames, envelope=_with_formants(frames, speaker.formants) * tilt))
    wanted_db = -28.0 + speaker.loudness_db + manner.loudness_db
    recording = finish(speech * np.float32(10 ** ((wanted_db - level_db(loudness_db(speech))) / 20)))
    room = rng.normal(0, 10 ** (-62.0 / 20), recording.size)
    return (recording + room).astype(np.float32)


@cache
def _plain(text: str, accent: str) -> PlainVoice:
    return PlainVoice.of(voices.speak(text, accent, engine="pico")[0])


def _with_pitch(frames: Frames, speaker: Speaker, manner: Manner) -> Frames:
    voiced = frames.f0_hz > 0
    plain_st = 12 * np.log2(frames.f0_hz[voiced] / np.median(frames.f0_hz[voiced]))
    slope_st = manner.slope_st * (np.flatnonzero(voiced) / voiced.size - 0.5)
    contour_st = manner.level_st + plain_st * 2**manner.log2_range + slope_st
    f0_hz = np.zeros(voiced.size)
    f0_hz[voiced] = (speaker.f0_hz * 2 ** (contour_st / 12)).clip(LOWEST_HZ, HIGHEST_HZ)
    return replace(frames, f0_hz=f0_hz)


def _with_formants(frames: Frames, factor: float) -> np.ndarray:
    """The envelope `[T, n_bins]` with every formant at `factor` times its frequency."""
    bins = np.minimum(np.arange(frames.envelope.shape[1]) / factor, frames.envelope.shape[1] - 1.0)
    below, share = np.floor(bins).astype(int), bins % 1
    above = np.minimum(below + 1, frames.envelope.shape[1] - 1)
    return frames.envelope[:, below] * (1 - share) + frames.envelope[:, above] * share


def _votes(manner: Manner, rng: np.random.Generator) -> dict[str, float]:
    """What ten listeners hear: each emotion as likely as its rule makes this manner, one guess in twenty blind."""
    heard, spread = np.array(astuple(manner)), np.array(astuple(SPREAD))
    rules = np.array([astuple(MANNERS[emotion]) for emotion in FOUR_CLASSES])
    closeness = np.exp(-0.5 * (((heard - rules) / spread) ** 2).mean(axis=1))
    share = 0.95 * closeness / closeness.sum() + 0.05 / len(FOUR_CLASSES)
    counts = rng.multinomial(N_LISTENERS, share)
    return {emotion: float(count) for emotion, count in zip(FOUR_CLASSES, counts, strict=True) if count}
