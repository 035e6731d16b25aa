"""The page on translations: what it says, what can be played, and what it does when things are missing."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sottovoce.experiment.heard import SOURCE
from sottovoce.show import pairs, survival, survival_tables
from sottovoce.speech import audio
from sottovoce.speech.checks import Table
from sottovoce.speech.manifest import Manifest
from tests.show import translations as made
from tests.show.test_report import Page


@pytest.fixture
def source(tmp_path: Path) -> Manifest:
    return made.source(tmp_path / "recordings")


def write(folder: Path, source: Manifest, translated: dict[str, Manifest], check=None, **changes) -> Path:
    given = {"further": [], "warnings": [], "licence": {}} | changes
    return survival.write_page(folder / "page.html", "A title", source, translated, check, **given)


def sounds(page: Path) -> list[str]:
    return [attributes["src"] or "" for tag, attributes in Page(page).tags if tag == "audio"]


def test_page_shows_everything_and_needs_nothing_from_outside(tmp_path, source):
    translated = made.translated(source)
    made.record(source)
    made.record(translated)
    tables = [Table("Dropped by the filter", ("emotion", "dropped"), (("sad", "<7>"),))]
    page = write(
        tmp_path,
        source,
        {"offline": translated},
        made.heard(source, made.STRENGTHS),
        further=tables,
        warnings=["One emotion <is> dropped more."],
        licence={"offline": "as the source recordings"},
    )
    read = Page(page)
    assert read.open == []
    assert not {"script", "link", "img", "image", "iframe"} & {tag for tag, _ in read.tags}
    for tag, attributes in read.tags:
        for name in ("src", "href", "xlink:href"):
            start = "data:audio/flac;base64," if tag == "audio" else "#"
            assert (attributes.get(name) or start).startswith(start)
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    order = [
        "A title",
        "60 utterances of 5 speakers (en)",
        "One emotion <is> dropped more.",
        "Dropped by the filter",
        "Is the emotion still heard in the translation?",
        "Does the translation keep the prosody?",
        "Listen: source and translation by offline",
        "Licence of the translated speech",
    ]
    positions = [read.text.index(part) for part in order]
    assert positions == sorted(positions)
    assert "<7>" in read.text and "Sentence <" in read.text
    assert read.text.count("as the source recordings") == 2
    assert (
        page.read_bytes()
        == write(
            tmp_path / "again",
            source,
            {"offline": translated},
            made.heard(source, made.STRENGTHS),
            further=tables,
            warnings=["One emotion <is> dropped more."],
            licence={"offline": "as the source recordings"},
        ).read_bytes()
    )


def test_six_pairs_can_be_played_and_are_what_they_say(tmp_path, source):
    translated = made.translated(source)
    made.record(source)
    made.record(translated)
    page = write(tmp_path, source, {"offline": translated})
    played = sounds(page)
    assert len(played) == 12
    for sound in played:
        heard = tmp_path / "heard.flac"
        heard.write_bytes(base64.b64decode(sound.removeprefix("data:audio/flac;base64,")))
        assert audio.probe(heard).rate_hz == 16_000
        assert audio.read(heard).size == pytest.approx(0.3 * 16_000, abs=2)
    chosen = pairs.pairs(source, translated)
    assert chosen[4].translated.utterance.id == "s59>it" and chosen[5].translated.utterance.id == "s0>it"
    assert played[8] == chosen[4].source.sound and played[9] == chosen[4].translated.sound
    best = audio.read(source[59].path)
    heard.write_bytes(base64.b64decode(played[8].removeprefix("data:audio/flac;base64,")))
    assert np.allclose(audio.read(heard), best, atol=1e-4)


def test_pairs_are_the_middle_of_each_emotion_and_the_ends(source):
    chosen = pairs.choose(made.translated(source))
    assert [why for why, _ in chosen] == [
        *(f"{emotion}: the middle by F0 contour" for emotion in ("angry", "happy", "neutral", "sad")),
        "the best of all by F0 contour",
        "the worst of all by F0 contour",
    ]
    for why, u in chosen[:4]:
        assert why.startswith(u.emotion)
        below = [o for o in made.translated(source) if o.emotion == u.emotion and o.id != u.id]
        below = [o for o in below if o.measures[pairs.RANK_BY] < u.measures[pairs.RANK_BY]]
        assert len(below) in (7, 8), "fifteen utterances an emotion"


@pytest.mark.parametrize(("n_classes", "n_pairs"), [(1, 5), (2, 6), (3, 6), (4, 6), (6, 8)])
def test_number_of_pairs_follows_the_emotions(tmp_path, n_classes, n_pairs):
    classes = ("angry", "bored", "fearful", "happy", "neutral", "sad")[:n_classes]
    translated = made.translated(made.source(tmp_path, classes))
    assert len(pairs.choose(translated)) == n_pairs


def test_one_utterance_is_one_pair(tmp_path):
    assert len(pairs.choose(made.translated(made.source(tmp_path, n=1)))) == 1


def test_recordings_that_are_gone_are_named_and_the_choice_stays(tmp_path, source):
    translated = made.translated(source)
    before = [u.id for _, u in pairs.choose(translated)]
    made.record(translated)
    page = write(tmp_path, source, {"offline": translated})
    assert len(sounds(page)) == 6
    assert Page(page).text.count("Not to be heard here: there is no such file.") == 6
    assert [pair.translated.utterance.id for pair in pairs.pairs(source, translated)] == before


def test_long_recordings_are_cut_and_parts_are_respected(tmp_path, monkeypatch):
    monkeypatch.setattr(pairs, "LONGEST_S", 0.5)
    source = made.source(tmp_path, n=2)
    made.record(source, 2.0)
    part = Manifest((replace(source[0], start_s=0.5, end_s=0.9), source[1]))
    first, second = sorted(pairs.pairs(part, made.translated(part)), key=lambda pair: pair.source.utterance.id)
    assert (first.source.cut, second.source.cut) == (False, True)


def test_without_measures_there_is_something_to_hear_and_no_table(tmp_path, source):
    translated = made.translated(source, measured=False)
    made.record(translated)
    page = write(tmp_path, source, {"offline": translated})
    assert len(sounds(page)) == 4
    text = Page(page).text
    assert "the first by its name" in text
    assert "keep the prosody" not in text


def test_translators_are_shown_side_by_side(tmp_path, source):
    voices = made.STRENGTHS | {("other <b>", SOURCE): 0.0, ("other <b>", "other <b>"): 0.0}
    translated = {"offline": made.translated(source), "other <b>": made.translated(source, "other <b>", seed=1)}
    page = write(tmp_path, source, translated, made.heard(source, voices))
    read = Page(page)
    assert read.open == []
    for heading in ("Listen: source and translation by offline", "Listen: source and translation by other <b>"):
        assert heading in read.text
    assert "offline, within speakers" in read.text and "other <b>, within speakers" in read.text
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_reading_claims_no_more_than_the_figures(source):
    voices = {
        (SOURCE, SOURCE): 3.0,
        ("shifted", SOURCE): 1.0,
        ("shifted", "shifted"): 3.0,
        ("deaf", SOURCE): 0.0,
        ("deaf", "deaf"): 0.0,
        ("faithful", SOURCE): 3.0,
        ("faithful", "faithful"): 3.0,
    }
    check = made.heard(source, voices)
    recordings, shifted, deaf, faithful = survival.reading(check)
    found = {(v["name"], v["trained_on"]): v for v in check["voices"]}
    assert f"reach UA {100 * found[SOURCE, SOURCE]['ua']:.1f} (" in recordings and "chance is 25.0" in recordings
    assert "more emotion in it than those who know real voices" in shifted
    assert "no evidence of any emotion" in deaf
    assert "no evidence that those who know the voice hear more" in faithful
    kept = (found["shifted", SOURCE]["ua"] - 0.25) / (found[SOURCE, SOURCE]["ua"] - 0.25)
    assert f"{100 * kept:.0f} % of what was above chance" in shifted


def test_heads_that_hear_nothing_in_recordings_say_nothing_of_translations(source):
    check = made.heard(source, {(SOURCE, SOURCE): 0.0, ("offline", SOURCE): 4.0})
    assert survival.reading(check)[1:] == ["That is too little to say anything about translations."]


def test_a_check_that_could_not_be_made_says_why(tmp_path, source):
    check = {"emotions": ["sad"], "voices": [], "comparisons": [], "warnings": ["one speaker only"]}
    text = Page(write(tmp_path, source, {"offline": made.translated(source)}, check)).text
    assert "one speaker only" in text
    assert "still heard" not in text


def test_table_of_means_is_by_emotion_with_spread(source):
    translated = made.translated(source)
    columns, rows = survival_tables.compared_table(translated)
    assert columns == ["measure", "unchanged", "angry", "happy", "neutral", "sad", "all"]
    assert rows[0] == ["utterances", "", "15", "15", "15", "15", "60"]
    cells = {row[0]: row[1:] for row in rows}
    angry = [u.measures["f0_contour_correlation"] for u in translated if u.emotion == "angry"]
    assert cells["F0 contour, correlation"][:2] == ["1", f"{np.mean(angry):.2f} ± {np.std(angry):.2f}"]
    assert cells["tempo, ratio of estimates"][-1] == "1.10 ± 0.00"
    assert cells["share of pauses, difference"][-1] == "0.00 ± 0.00", "no negative zero"
    assert "duration, ratio" not in cells, "not measured"


def test_agreement_within_speakers_leaves_out_who_speaks(tmp_path):
    """The translation knows the speaker and nothing of how he says it."""
    rng = np.random.default_rng(0)
    levels = {f"actor{i}": 5.0 * i for i in range(5)}
    flat = Manifest(
        tuple(
            replace(
                u,
                measures={"source_f0_level_st": levels[u.speaker] + a, "translated_f0_level_st": levels[u.speaker] + b},
            )
            for u, (a, b) in zip(made.translated(made.source(tmp_path)), rng.normal(size=(60, 2)), strict=True)
        )
    )
    columns, rows = survival_tables.agreement_table({"flat": flat})
    assert columns == ["figure", "flat", "flat, within speakers"]
    assert [row[0] for row in rows] == ["F0 level (semitones re 100 Hz)"]
    assert float(rows[0][1]) > 0.9
    assert abs(float(rows[0][2].replace("−", "-"))) < 0.35


def test_manifests_are_read_without_their_recordings(tmp_path, source):
    translated = made.translated(source)
    path = translated.write(tmp_path / "run" / "manifests" / "translated.parquet")
    import pyarrow.parquet as pq

    assert survival.written(pq.read_table(path), path.parent) == Manifest(
        tuple(replace(u, path=str(Path(u.path))) for u in translated)
    )


def test_plots_thin_out_many_utterances(tmp_path):
    source = made.source(tmp_path, n=1000)
    page = write(tmp_path, source, {"offline": made.translated(source)})
    drawn = re.search(r"(\d+) of 1000 utterances", Page(page).text)
    assert drawn and 150 < int(drawn[1]) <= survival.MOST_POINTS
    assert page.stat().st_size < 700_000
