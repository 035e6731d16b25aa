import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from sottovoce.show import measure_plots, plots, survival_plots

RNG = np.random.default_rng(3)
CLOUDS = [
    survival_plots.Cloud("F0 level", {"angry": RNG.normal(size=(9, 2)), "a $b": RNG.normal(size=(5, 2))}),
    survival_plots.Cloud("constant", {"angry": np.ones((4, 2))}),
    survival_plots.Cloud("tempo", {"a $b": RNG.normal(size=(5, 2))}),
]
VOICES = [
    survival_plots.Recalls("source speech", False, [0.8, float("nan")], [0.7, float("nan")], [0.9, float("nan")]),
    survival_plots.Recalls("offline", False, [1.0, 0.0], [1.0, 0.0], [1.0, 0.1]),
    survival_plots.Recalls("offline", True, [0.5, 0.4], [0.5, 0.4], [0.5, 0.4]),
]
KL = {r: RNG.gamma(1.0, 1.0, 80) for r in (1, 2, 3, 4)}
LEVELS = np.repeat([0.0, 1.0, 2.0], 20)
NOISE = RNG.normal(0, 0.2, 60)
FIGURES = {
    "paired": lambda name: plots.paired(
        name, 'a "b" <c>', "before", "after", {"x&y": (0.5, 0.6), "$2": (0.7, 0.6)}, plots.CCC
    ),
    "rounds": lambda name: plots.rounds(
        name,
        "alt",
        [plots.Trajectory("bootstrapped", [0, 1], [0.5, 0.6], [0.4, 0.5], [0.6, 0.7])],
        0.65,
        plots.MACRO_F1,
    ),
    "kept": lambda name: plots.kept_per_class(name, "alt", {"happy": 9.0, "sad": 7.5}, {1: {"happy": 3.0}, 2: {}}),
    "divergences": lambda name: plots.divergences(name, "alt", KL, {r: kl < 1 for r, kl in KL.items()}),
    "confusion": lambda name: plots.confusion(
        name, "alt", "title", ["happy", "sad"], [[0.9, 0.1], [float("nan"), 0.8]]
    ),
    "boxes": lambda name: measure_plots.agreement(
        name, "alt", "bootstrapped", "$arousal", LEVELS, LEVELS + NOISE, (0.0, 2.0)
    ),
    "points": lambda name: measure_plots.agreement(
        name, "alt", "bootstrapped", "valence", KL[1][:40], KL[2][:40], (0.0, 5.0)
    ),
    "clouds": lambda name: survival_plots.clouds(name, "alt", CLOUDS),
    "recalls": lambda name: survival_plots.recalls(name, "alt", ["happy", "sad"], VOICES, 0.5),
}


def _text(svg: str) -> list[str]:
    return [
        "".join(node.itertext()).strip() for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("text")
    ]


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_are_well_formed_and_the_same_each_time(figure):
    svg = FIGURES[figure]("first")
    root = ElementTree.fromstring(svg)
    assert svg == FIGURES[figure]("first")
    ids = [node.attrib["id"] for node in root.iter() if "id" in node.attrib]
    assert ids
    assert all(name.startswith("first-") for name in ids)
    assert "http://www.w3.org/2000/svg" in svg
    assert "matplotlib.org" not in svg


@pytest.mark.parametrize("figure", FIGURES)
def test_references_within_a_figure_are_kept(figure):
    root = ElementTree.fromstring(FIGURES[figure]("f"))
    ids = {node.attrib["id"] for node in root.iter() if "id" in node.attrib}
    wanted = {v[1:] for node in root.iter() for k, v in node.attrib.items() if k.endswith("href")}
    clips = [node.attrib["clip-path"] for node in root.iter() if "clip-path" in node.attrib]
    wanted |= {clip.removeprefix("url(#").removesuffix(")") for clip in clips}
    assert wanted <= ids


def test_speakers_are_named_and_those_who_lost_are_told_apart():
    svg = FIGURES["paired"]("p")
    assert {"x&y", "$2", "before", "after: higher", "after: lower"} <= set(_text(svg))
    assert ElementTree.fromstring(svg).attrib["aria-label"] == 'a "b" <c>'
    only_gains = plots.paired("p", "alt", "before", "after", {"x": (0.5, 0.6)}, plots.MACRO_F1)
    assert "after: lower" not in _text(only_gains)


def test_oracle_is_labelled_as_no_result():
    assert "oracle: chosen on test data, not a result" in _text(FIGURES["rounds"]("r"))
    without = plots.rounds(
        "r", "alt", [plots.Trajectory("bootstrapped", [0], [0.5], [0.4], [0.6])], None, plots.MACRO_F1
    )
    assert not any("oracle" in words for words in _text(without))


def test_every_round_has_its_own_histogram_and_median():
    words = _text(FIGURES["divergences"]("d"))
    assert all(f"round {r}: median {np.median(kl):.2f}" in words for r, kl in KL.items())


def test_confusions_are_shown_in_percent_and_leave_empty_rows_blank():
    words = _text(FIGURES["confusion"]("c"))
    assert {"90", "10", "80"} <= set(words)
    assert "nan" not in words


def test_voices_and_emotions_are_named():
    words = _text(FIGURES["recalls"]("r"))
    assert {"source speech", "offline", "offline, voice known to the heads", "chance", "happy", "sad"} <= set(words)
    assert {"F0 level", "constant", "tempo", "angry", "a $b", "source", "translation"} <= set(
        _text(FIGURES["clouds"]("c"))
    )


def test_clouds_have_a_point_for_every_utterance_and_equal_axes():
    root = ElementTree.fromstring(survival_plots.clouds("c", "alt", CLOUDS[:1]))
    n_uses = sum(node.tag.endswith("use") for node in root.iter())
    ticks = [
        words
        for words in _text(survival_plots.clouds("c", "alt", CLOUDS[:1]))
        if words.strip("−").replace(".", "").isdigit()
    ]
    assert n_uses >= 9 + 5
    assert sorted(ticks)[::2] == sorted(ticks)[1::2], "both axes have the same ticks"


def test_drawing_leaves_pyplot_alone():
    code = "import sys; import sottovoce.show.report; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
