"""The seven transforms: each does what its name says, and utterance, epoch and seed alone decide what is drawn."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import signal

from sottovoce.augmentation import transforms as augmentation
from sottovoce.augmentation.transforms import OCTAVES_HZ, augment, plan
from sottovoce.recipe.augmentation import TRANSFORMS, Augmentation
from tests.conftest import tone

RATE_HZ = 16_000
ALWAYS = Augmentation(probability=1)
SPEECH = tone(2.0)


def noise(n: int = 2 * RATE_HZ, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


def power(waveform: np.ndarray) -> float:
    return float(np.mean(waveform.astype(np.float64) ** 2))


def heard(waveform: np.ndarray, name: str = "u", epoch: int = 0, seed: int = 0, how=ALWAYS) -> np.ndarray:
    return augment(waveform, RATE_HZ, how, utterance_id=name, epoch=epoch, seed=seed)


def test_polarity_and_reversal():
    assert (augmentation.invert(SPEECH, RATE_HZ) == -SPEECH).all()
    once = augmentation.reverse(SPEECH, RATE_HZ)
    assert (once[:100] == SPEECH[:-101:-1]).all() and (augmentation.reverse(once, RATE_HZ) == SPEECH).all()


@given(by_db=st.floats(-40, 40))
def test_gain_is_exact(by_db):
    louder = augmentation.amplify(SPEECH, RATE_HZ, by_db=by_db)
    assert 10 * np.log10(power(louder) / power(SPEECH)) == pytest.approx(by_db, abs=1e-4)


@settings(deadline=None, max_examples=25)
@given(snr_db=st.floats(-5, 40), slope=st.floats(0, 2), seed=st.integers(0, 2**32 - 1))
def test_noise_has_its_level(snr_db, slope, seed):
    added = augmentation.add_noise(SPEECH, RATE_HZ, snr_db=snr_db, slope=slope, noise_seed=seed) - SPEECH
    assert 10 * np.log10(power(SPEECH) / power(added)) == pytest.approx(snr_db, abs=0.05)
    assert abs(added.mean()) < 0.1 * added.std()


@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
def test_noise_has_its_colour(slope):
    loud = tone(8.0)
    added = augmentation.add_noise(loud, RATE_HZ, snr_db=0, slope=slope, noise_seed=3) - loud
    frequency, density = signal.welch(added, RATE_HZ, nperseg=1024)
    within = (frequency > 100) & (frequency < 6000)
    fitted, _ = np.polyfit(np.log10(frequency[within]), np.log10(density[within]), 1)
    assert fitted == pytest.approx(-slope, abs=0.1)


def test_resampling_takes_bandwidth_and_nothing_else():
    def octave_power(waveform, low_hz, high_hz):
        frequency, density = signal.welch(waveform, RATE_HZ, nperseg=2048)
        return density[(frequency >= low_hz) & (frequency < high_hz)].sum()

    white = noise()
    narrow = augmentation.resample_through(white, RATE_HZ, through_hz=8_000)
    assert narrow.size == white.size
    assert octave_power(narrow, 4200, 8000) < 1e-6 * octave_power(white, 4200, 8000)
    assert octave_power(narrow, 0, 3500) == pytest.approx(octave_power(white, 0, 3500), rel=0.01)
    low = tone(1.0, pitch_hz=200)  # harmonics up to 2 kHz, and weak noise above
    same = augmentation.resample_through(low, RATE_HZ, through_hz=11_025.7)
    assert np.corrcoef(low, same)[0, 1] > 0.99, "neither moved nor stretched"
    assert augmentation.resample_through(white, RATE_HZ, through_hz=16_000) is white


@settings(deadline=None, max_examples=15)
@given(gains_db=st.lists(st.floats(-12, 12), min_size=8, max_size=8))
def test_equaliser_has_its_gains(gains_db):
    impulse = np.zeros(RATE_HZ, np.float32)
    impulse[RATE_HZ // 2] = 1
    response = np.abs(np.fft.rfft(augmentation.equalise(impulse, RATE_HZ, gains_db=tuple(gains_db))))
    frequency = np.fft.rfftfreq(RATE_HZ, 1 / RATE_HZ)
    for centre_hz, gain_db in zip(OCTAVES_HZ[3:], gains_db[3:], strict=True):  # below, an octave is a few bins wide
        measured_db = 20 * np.log10(response[np.argmin(np.abs(frequency - centre_hz))])
        assert measured_db == pytest.approx(gain_db, abs=0.5)


def test_equaliser_does_not_move_sound_from_one_end_to_the_other():
    beginning = np.zeros(RATE_HZ, np.float32)
    beginning[:800] = noise(800)
    shaped = augmentation.equalise(beginning, RATE_HZ, gains_db=(9, -9, 9, -9, 9, -9, 9, -9))
    assert power(shaped[-1600:]) < 1e-6 * power(beginning[:800])
    flat = augmentation.equalise(beginning, RATE_HZ, gains_db=(0.0,) * 8)
    np.testing.assert_allclose(flat, beginning, atol=1e-6)


@pytest.mark.parametrize("delay_s", [0.05, 0.2, 0.3])
def test_echo_comes_after_its_delay(delay_s):
    white, delay = noise(), round(delay_s * RATE_HZ)
    echoed = augmentation.add_echo(white, RATE_HZ, delay_s=delay_s, share=0.5)
    correlation = signal.correlate(echoed, echoed, method="fft")[echoed.size - 1 :]
    assert correlation[100:].argmax() + 100 == delay
    assert (echoed[:delay] == white[:delay]).all(), "nothing before the first repeat"


def test_echo_repeats_fade():
    click = np.zeros(RATE_HZ, np.float32)
    click[0] = 1
    echoed = augmentation.add_echo(click, RATE_HZ, delay_s=0.25, share=0.5)
    assert np.flatnonzero(echoed).tolist() == [0, 4000, 8000, 12000]
    assert echoed[::4000].tolist() == [1, 0.5, 0.25, 0.125]


def test_each_is_chosen_by_itself_with_the_paper_s_probability():
    n = 4000
    plans = [plan(Augmentation(), utterance_id=f"u{i}", epoch=i % 7, seed=1) for i in range(n)]
    chosen = np.array([[name in each for name in TRANSFORMS] for each in plans], float)
    assert np.abs(chosen.mean(0) - 0.2).max() < 4 * np.sqrt(0.2 * 0.8 / n)
    assert np.abs(np.corrcoef(chosen.T) - np.eye(7)).max() < 4 / np.sqrt(n)
    assert len({tuple(each) for each in chosen.tolist()}) > 40, "mixtures of several"


def test_what_is_drawn_lies_in_its_range_and_fills_it():
    plans = [plan(ALWAYS, utterance_id=str(i), epoch=0, seed=0) for i in range(400)]
    for name, setting, (least, most) in (
        ("gain", "by_db", ALWAYS.gain_db),
        ("noise", "snr_db", ALWAYS.noise_snr_db),
        ("noise", "slope", ALWAYS.noise_slope),
        ("resampling", "through_hz", ALWAYS.resampling_hz),
        ("equalisation", "gains_db", ALWAYS.equalisation_db),
        ("echo", "delay_s", ALWAYS.echo_delay_s),
        ("echo", "share", ALWAYS.echo_share),
    ):
        drawn = np.array([each[name].keywords[setting] for each in plans])
        assert (
            least <= drawn.min() < least + 0.05 * (most - least) and most - 0.05 * (most - least) < drawn.max() <= most
        )


def test_the_same_for_the_same_utterance_epoch_and_seed():
    first = heard(SPEECH)
    others = {"name": heard(SPEECH, name="v"), "epoch": heard(SPEECH, epoch=1), "seed": heard(SPEECH, seed=1)}
    assert (heard(SPEECH) == first).all(), "whatever was done in between"
    assert all(np.abs(other - first).max() > 1e-3 for other in others.values())


def test_another_process_draws_the_same():
    drawn = [step.keywords for step in plan(ALWAYS, utterance_id="ü/1", epoch=3, seed=9).values()]
    program = (
        "from sottovoce.augmentation import plan; from sottovoce.recipe.augmentation import Augmentation;"
        "steps = plan(Augmentation(probability=1), utterance_id='ü/1', epoch=3, seed=9).values();"
        "print([step.keywords for step in steps])"
    )
    elsewhere = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert elsewhere.strip() == str(drawn)


def test_one_range_does_not_change_another_s_draw():
    changed = Augmentation(probability=1, gain_db=(-1, 1), transforms=("gain", "echo"))
    before, after = (plan(how, utterance_id="u", epoch=0, seed=0) for how in (ALWAYS, changed))
    assert list(before) == list(TRANSFORMS) and list(after) == ["gain", "echo"]
    assert before["echo"].keywords == after["echo"].keywords
    assert before["gain"].keywords != after["gain"].keywords


@settings(deadline=None, max_examples=40)
@given(
    n=st.sampled_from([1, 2, 37, 1600, 16_001]),
    peak=st.sampled_from([0.0, 1e-4, 0.3, 1.0]),
    seed=st.integers(0, 1000),
    rate_hz=st.sampled_from([8_000, 16_000, 48_000]),
)
def test_length_type_and_scale_are_kept(n, peak, seed, rate_hz):
    waveform = np.clip(noise(n, seed) * 10, -1, 1) * np.float32(peak)
    before = waveform.copy()
    result = augment(waveform, rate_hz, ALWAYS, utterance_id="u", epoch=0, seed=seed)
    assert result.shape == (n,) and result.dtype == np.float32 and np.isfinite(result).all()
    assert np.abs(result).max() <= 1
    assert (waveform == before).all(), "what came in is left as it was"
    if peak == 0:
        assert not result.any(), "silence stays silent"


def test_the_peak_rule_scales_down_and_never_up():
    clipping = np.array([0.5, -2.0, 1.0], np.float32)
    assert augmentation.within_full_scale(clipping).tolist() == [0.25, -1.0, 0.5]
    quiet = np.array([0.1, -0.2], np.float32)
    assert augmentation.within_full_scale(quiet) is quiet
    assert augmentation.within_full_scale(np.zeros(0, np.float32)).size == 0


def test_probability_zero_changes_nothing():
    assert heard(SPEECH, how=Augmentation(probability=0)) is SPEECH


@pytest.mark.parametrize(
    "wrong",
    [
        {"probability": 1.5},
        {"gain_db": (3, -3)},
        {"echo_delay_s": (0, 1)},
        {"echo_share": (0.5, 1)},
        {"resampling_hz": (-1, 5)},
        {"transforms": ("pitch",)},
        {"volume": 3},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        Augmentation(**wrong)
