"""eGeMAPS: openSMILE's own numbers, centred and scaled by constants, and bounded."""

from __future__ import annotations

import importlib.util

import numpy as np
import opensmile
import pytest
import torch

from sottovoce.errors import MissingExtra, UpstreamError
from sottovoce.upstreams.loading import load_upstream
from tests.conftest import tone


def test_numbers_are_opensmiles_on_a_scale_of_constants() -> None:
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    said = smile.process_signal(tone(1.0, 200), 16_000).iloc[0]
    frame = load_upstream("egemaps").frames([tone(1.0, 200)])[0]
    assert frame.shape == (1, 88)
    by_name = dict(zip(smile.feature_names, frame[0].tolist(), strict=True))
    assert by_name["F0semitoneFrom27.5Hz_sma3nz_amean"] == pytest.approx(
        (said["F0semitoneFrom27.5Hz_sma3nz_amean"] - 30) / 10, abs=1e-5
    )
    # 200 Hz are 12 log2(200 / 27.5) = 34.35 semitones above 27.5 Hz
    assert by_name["F0semitoneFrom27.5Hz_sma3nz_amean"] == pytest.approx(0.435, abs=0.05)
    assert by_name["F1frequency_sma3nz_amean"] == pytest.approx(
        (said["F1frequency_sma3nz_amean"] - 500) / 200, abs=1e-4
    )
    assert by_name["equivalentSoundLevel_dBp"] == pytest.approx((said["equivalentSoundLevel_dBp"] + 30) / 10, abs=1e-5)


def test_every_number_is_bounded_and_a_loud_sound_does_not_wrap_around() -> None:
    upstream = load_upstream("egemaps")
    loud = np.where(tone(1.0) > 0, 1, -1).astype(np.float32)
    silent, noisy, full = upstream.frames([np.zeros(16_000, np.float32), tone(0.1), loud])
    assert all(float(frame.abs().max()) <= 10 and frame.isfinite().all() for frame in (silent, noisy, full))
    assert torch.equal(upstream.frames([loud * np.float32(1.5)])[0], full), "above full scale is full scale"


def test_no_weights_no_export() -> None:
    with pytest.raises(UpstreamError, match="egemaps has no weights"):
        load_upstream("egemaps", "a folder")
    with pytest.raises(UpstreamError, match="cannot be exported"):
        load_upstream("egemaps").graph()
    assert load_upstream("egemaps").card.licence.startswith("non-commercial research")


def test_without_opensmile_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "opensmile" else found(name))
    with pytest.raises(MissingExtra, match=r"pip install 'sottovoce\[egemaps\]'"):
        load_upstream("egemaps")
