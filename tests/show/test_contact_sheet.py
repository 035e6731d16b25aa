"""The page that shows the transforms: whole, self-contained, and the same each time."""

from __future__ import annotations

import base64
import re

import pytest
import soundfile

from sottovoce.errors import AudioError
from sottovoce.recipe.augmentation import TRANSFORMS, Augmentation
from sottovoce.show.contact_sheet import write_contact_sheet


def test_every_transform_is_seen_and_heard(make_tone, tmp_path):
    page = write_contact_sheet(make_tone("a <b> $1.wav", duration_s=0.4), tmp_path / "sheet.html", Augmentation())
    html = page.read_text(encoding="utf-8")
    assert "a &lt;b&gt; $1.wav" in html and "<script" not in html and not re.search(r'(src|href)="http', html)
    for name in ("as recorded", *TRANSFORMS):
        assert len(re.findall(rf">{name}[<:]", html)) >= 2, "in the drawing and above the player"
    sounds = re.findall(r'src="data:audio/flac;base64,([^"]+)"', html)
    assert len(sounds) == 1 + len(TRANSFORMS) and len(set(sounds)) == len(sounds)
    (tmp_path / "heard.flac").write_bytes(base64.b64decode(sounds[-1]))
    assert soundfile.info(tmp_path / "heard.flac").duration == pytest.approx(0.4)


def test_the_page_follows_the_seed_and_the_settings(make_tone, tmp_path):
    recording = make_tone("a.wav", duration_s=0.3)
    echo = Augmentation(probability=0.1, transforms=("echo",))
    first, again, other = (
        write_contact_sheet(recording, tmp_path / f"{i}.html", echo, seed=seed).read_text(encoding="utf-8")
        for i, seed in enumerate((0, 0, 1))
    )
    assert first == again != other
    assert "probability of 0.1" in first and first.count("<audio") == 2


def test_the_shortest_and_what_cannot_be_used(make_tone, tmp_path):
    write_contact_sheet(make_tone("short.wav", duration_s=0.1), tmp_path / "short.html", Augmentation())
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(AudioError):
        write_contact_sheet(tmp_path / "text.wav", tmp_path / "none.html", Augmentation())
    assert not (tmp_path / "none.html").exists()
