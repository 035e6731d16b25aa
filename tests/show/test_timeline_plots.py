"""The figure of a timeline."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from sottovoce.show.timeline_plots import draw_timeline

EMOTIONS = ("angry", "neutral", "a new $one")


def drawn(path, form, n=20, peaks=None):
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(3), n)
    rows[n // 2] = np.nan
    peaks = rng.uniform(0, 0.5, 31 * n) if peaks is None else peaks
    stretches = [(0.0, n / 2, "angry"), (n / 2 + 1, float(n), "a new $one")]
    draw_timeline(
        path, form, "b$d & <name>.wav", EMOTIONS, np.arange(n + 1.0), rows, stretches, peaks, peaks > 0.2, 0.032
    )


def test_svg_is_well_formed_and_says_what_it_shows(tmp_path):
    drawn(tmp_path / "a", "svg")
    root = ElementTree.parse(tmp_path / "a").getroot()
    assert "angry from 0.0 to 10.0 s" in root.get("aria-label", "")
    texts = "".join(root.itertext())
    assert "probability" in texts and "a new $one" in texts and "b$d & <name>.wav" in texts


def test_png_is_one(tmp_path):
    drawn(tmp_path / "a", "png")
    assert (tmp_path / "a").read_bytes().startswith(b"\x89PNG")


def test_the_same_numbers_give_the_same_bytes(tmp_path):
    drawn(tmp_path / "a", "svg")
    drawn(tmp_path / "b", "svg")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("n", [1, 2])
def test_one_step_and_digital_silence_can_be_drawn(tmp_path, n):
    drawn(tmp_path / "a", "svg", n, peaks=np.zeros(3))


def test_six_hours_make_no_larger_a_figure_than_one(tmp_path):
    drawn(tmp_path / "one", "svg", 3600)
    drawn(tmp_path / "six", "svg", 6 * 3600)
    assert (tmp_path / "six").stat().st_size < 1.3 * (tmp_path / "one").stat().st_size
