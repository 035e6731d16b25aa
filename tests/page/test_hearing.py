"""What the page does with a recording, without the page."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from sottovoce.errors import AudioError, SottovoceError, UpstreamError
from sottovoce.page.hearing import Listening, as_html, hear, refusal, write_files
from sottovoce.speech import audio
from sottovoce.use.timeline import Manner
from sottovoce.use.timeline_formats import render
from sottovoce.use.windows import Grid
from tests.use.listening import FAINT, LOUD, LoudIsAngry, square

PLAIN = Listening(Manner(Grid(1.0, 1.0), 1), "level")
SCENE = np.concatenate([square(5.0, LOUD), np.zeros(32_000, np.float32), square(3.0, FAINT)])


class Judge(LoudIsAngry):
    """Says `angry` with .5 of the scene as a whole; `threshold` is its rule, and None that nobody has tested it."""

    def __init__(self, threshold: float | None = 0.5) -> None:
        super().__init__()
        self.reliance = None if threshold is None else SimpleNamespace()
        self._rule = None if threshold is None else SimpleNamespace(threshold=threshold)

    def rule(self):
        return self._rule


@pytest.fixture
def scene(tmp_path):
    """5 s loud, 2 s of silence, 3 s faint."""
    soundfile.write(tmp_path / "scene & <b>.wav", SCENE, 16_000, "PCM_16")
    return tmp_path / "scene & <b>.wav"


def test_the_whole_and_the_timeline_are_those_of_predict_and_timeline(scene):
    shares = []
    heard = hear(Judge(), scene, PLAIN, shares.append)
    assert heard.name == scene.name and heard.calibrated and not heard.unsure
    assert heard.shares == {"angry": 0.5, "sad": 0.5}
    assert [(s.start_s, s.end_s, s.emotion) for s in heard.timeline.segments] == [
        (0, 5, "angry"),
        (5, 7, None),
        (7, 10, "sad"),
    ]
    assert shares == sorted(shares) and len(shares) == 10 and shares[-1] == 1.0


@pytest.mark.parametrize(("threshold", "unsure"), [(0.4, False), (0.6, True), (None, False)])
def test_it_is_unsure_where_predict_is(scene, threshold, unsure):
    heard = hear(Judge(threshold), scene, PLAIN)
    assert heard.unsure is unsure
    assert heard.calibrated is (threshold is not None)


def test_the_part_of_the_page_says_it_all_and_nothing_in_it_is_markup_by_chance(scene, tmp_path):
    page = as_html(hear(Judge(0.6), scene, PLAIN), tmp_path)
    assert "Unsure." in page and "not calibrated" not in page
    assert page.count("<svg") == 1 and "<b>" not in page and "scene &amp; &lt;b&gt;.wav" in page
    rows = re.findall(r"<tr><td>([\d:.]+)</td><td>([\d:.]+)</td>\s*<td[^>]*>(?:<i[^>]*></i>)?([^<]+)</td>", page)
    assert rows == [("0:00.0", "0:05.0", "angry"), ("0:05.0", "0:07.0", "no speech"), ("0:07.0", "0:10.0", "sad")]
    assert sorted(path.name for path in tmp_path.iterdir()) == [scene.name]


def test_an_untested_model_says_so(scene, tmp_path):
    assert "not calibrated" in as_html(hear(Judge(None), scene, PLAIN), tmp_path)


def test_files_are_named_after_the_recording_and_hold_what_timeline_writes(scene, tmp_path):
    heard = hear(Judge(), scene, PLAIN)
    (tmp_path / "files").mkdir()
    written = write_files(heard, tmp_path / "files")
    assert [path.name.removeprefix("scene & <b>") for path in written] == [".csv", ".json", ".txt", ".vtt", ".TextGrid"]
    for path, form in zip(written, ("csv", "json", "audacity", "vtt", "textgrid"), strict=True):
        assert path.read_text(encoding="utf-8") == render(heard.timeline, form, scene.name)
        assert str(tmp_path) not in path.read_text(encoding="utf-8")


def test_silence_with_a_click_has_no_segments(tmp_path):
    sound = np.zeros(48_000, np.float32)
    sound[100] = 0.5
    soundfile.write(tmp_path / "click.wav", sound, 16_000)
    assert "Nobody speaks" in as_html(hear(Judge(), tmp_path / "click.wav", PLAIN), tmp_path)


def test_what_is_too_long_for_one_answer_has_a_timeline_alone(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(audio, "LONGEST_S", 9.0)
    heard = hear(Judge(), scene, PLAIN)
    assert heard.shares is None and not heard.unsure and len(heard.timeline.steps) == 10
    page = as_html(heard, tmp_path)
    assert "Too long for one answer" in page and "sv-shares" not in page


def test_a_long_list_of_segments_is_cut_on_the_page(scene, tmp_path, monkeypatch):
    monkeypatch.setattr("sottovoce.page.hearing.ROWS", 2)
    page = as_html(hear(Judge(), scene, PLAIN), tmp_path)
    assert "the first 2. The files below hold 1 more" in page and "0:07.0" in page and "0:10.0" not in page


def text(path):
    path.write_text("hello")


def nan(path):
    soundfile.write(path, SCENE * np.nan, 16_000, "FLOAT")


def short(path):
    soundfile.write(path, SCENE[:800], 16_000)


def silent(path):
    soundfile.write(path, SCENE * 0, 16_000)


def truncated(path):
    soundfile.write(path, SCENE, 16_000)
    path.write_bytes(path.read_bytes()[:44])


def long(path):
    soundfile.write(path, np.tile(SCENE, 2)[: 16 * 16_000], 16_000)


def large(path):
    soundfile.write(path, np.tile(SCENE, 3), 48_000, "DOUBLE")


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda path: path.touch(), r"is empty \(0 bytes\)"),
        (lambda path: None, "is not here any more: .*"),
        (text, r"not a readable sound file \('bad\.wav': .*"),
        (nan, "holds samples that are not numbers.*"),
        (short, "0.050 s is shorter than 0.1 s"),
        (silent, "silent: .*"),
        (truncated, "holds no sound.*"),
        (long, "its 16 s are more than the 15 s this page takes: cut it"),
        (large, r"its 3\.7 MB are more than the 3 MB this page takes"),
    ],
)
def test_a_bad_recording_is_one_line_without_folders(tmp_path, make, complaint):
    make(tmp_path / "bad.wav")
    limited = Listening(PLAIN.manner, "level", longest_s=15.0, largest_mb=3)
    with pytest.raises(AudioError) as caught:
        hear(Judge(), tmp_path / "bad.wav", limited)
    assert re.fullmatch(rf"bad\.wav: {complaint}", str(caught.value))


def test_what_the_upstream_cannot_take_is_named_too(scene):
    class Deaf(Judge):
        def probabilities(self, waveforms):
            raise UpstreamError("deaf needs at least 99 s of sound")

    with pytest.raises(AudioError, match=r"^scene & <b>\.wav: deaf needs"):
        hear(Deaf(), scene, PLAIN)


def test_other_rates_and_channels(tmp_path):
    fast = audio.resample(SCENE, 16_000, 192_000)
    soundfile.write(tmp_path / "fast.wav", np.stack([fast, fast], axis=1), 192_000, "PCM_16")
    heard = hear(Judge(), tmp_path / "fast.wav", PLAIN)
    assert [s.emotion for s in heard.timeline.segments] == ["angry", None, "sad"]


def test_a_refusal_is_text():
    assert "&lt;script&gt;" in refusal(SottovoceError("<script>"))


@pytest.mark.parametrize("limits", [{"longest_s": 0.05}, {"longest_s": float("nan")}, {"largest_mb": 0}])
def test_limits_that_let_nothing_through_are_refused(limits):
    with pytest.raises(SottovoceError, match="give"):
        Listening(**limits)
