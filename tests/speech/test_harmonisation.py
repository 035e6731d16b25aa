"""The table of labels: what ships is whole, rows are distributions, and wrong tables are refused with every problem."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.corpora.catalogue import corpora
from sottovoce.errors import ManifestError, RecipeError
from sottovoce.speech.emotions import FINER_NAMES, NAMES, canonical
from sottovoce.speech.harmonisation import INTENSITY, harmonise, load_table
from sottovoce.speech.manifest import Manifest, Utterance

TABLE = load_table()


def spoken(emotion: str, number: int = 0, **settings) -> Utterance:
    return Utterance(id=f"{number}-{emotion}", path="a.wav", speaker="1", emotion=emotion, **settings)


def own(tmp_path, text: str):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_table(path)


def test_what_the_paper_says():
    # happiness, sadness, disgust, fear, surprise, anger, other, neutral
    expected = ("happy", "sad", "disgusted", "fearful", "surprised", "angry", "other", "neutral")
    assert TABLE.classes == expected
    assert (TABLE.weights("contempt") or {})["disgusted"] == 0.5
    assert all(TABLE.weights(name) == {name: 1} for name in expected)


def test_every_name_that_a_manifest_may_hold_has_a_row():
    assert set(TABLE.labels) == {*NAMES, *FINER_NAMES}


def test_published_label_sets_are_whole_and_known():
    sizes = {name: len(set(members)) for name, members in TABLE.sets.items()}
    assert sizes["ekman6"] == 6 and sizes["ekman7"] == 7 and sizes["cremad"] == 6 and sizes["hume-vidburst"] == 10
    assert sizes["iemocap"] == 10 + 1  # and xxx, where its listeners did not agree
    assert sizes["msp-podcast"] == 8 + 2 and sizes["hume-prosody"] == 48
    unknown = [(name, label) for name, members in TABLE.sets.items() for label in members if not TABLE.weights(label)]
    assert unknown == []
    comp_are = [
        "Anger",
        "Boredom",
        "Calmness",
        "Concentration",
        "Determination",
        "Excitement",
        "Interest",
        "Sadness",
        "Tiredness",
    ]
    assert set(comp_are) < set(TABLE.sets["hume-prosody"])


@pytest.mark.parametrize("name", corpora())
def test_every_label_of_a_corpus_with_a_reader_is_known(name):
    assert all(TABLE.weights(label, name) for label in corpora()[name].card.emotions)


def test_a_corpus_may_mean_something_else():
    assert TABLE.weights("surprised", "tess") == TABLE.weights("ps", "TESS") == {"surprised": 0.75, "happy": 0.25}
    assert TABLE.weights("surprised", "savee") == {"surprised": 1}


@given(
    votes=st.dictionaries(st.sampled_from([*NAMES, *FINER_NAMES]), st.floats(1e-3, 1e6), min_size=1),
    corpus=st.sampled_from(["", "tess", "emodb"]),
    intensity=st.none() | st.floats(0, 1),
    smoothing=st.floats(0, 1),
)
def test_every_soft_label_is_a_distribution(votes, corpus, intensity, smoothing):
    measures = {} if intensity is None else {INTENSITY: intensity}
    voted = spoken("angry", 0, votes=votes, corpus=corpus, measures=measures)
    bare = spoken(next(iter(votes)), 1, corpus=corpus, measures=measures)
    soft = harmonise(Manifest((voted, bare)), TABLE, neutral_smoothing=smoothing)
    assert soft.shape == (2, 8) and soft.dtype == np.float64 and (soft >= 0).all()
    np.testing.assert_allclose(soft.sum(1), 1, atol=1e-12)


def test_votes_go_through_the_table():
    [soft] = harmonise(Manifest((spoken("contempt", votes={"contempt": 12, "angry": 4}),)), TABLE)
    assert dict(zip(TABLE.classes, soft, strict=True)) == pytest.approx(
        dict.fromkeys(TABLE.classes, 0) | {"disgusted": 0.375, "other": 0.375, "angry": 0.25}
    )


def test_weak_recordings_share_with_neutral():
    strengths = [{INTENSITY: 0.0}, {INTENSITY: 0.5}, {INTENSITY: 1.0}, {}]
    manifest = Manifest(tuple(spoken("sad", i, measures=m) for i, m in enumerate(strengths)))
    neutral, sad = (TABLE.classes.index(name) for name in ("neutral", "sad"))
    soft = harmonise(manifest, TABLE, neutral_smoothing=0.3)
    assert soft[:, neutral] == pytest.approx([0.3, 0.15, 0, 0]) and soft[:, sad] == pytest.approx([0.7, 0.85, 1, 1])
    assert harmonise(manifest, TABLE, neutral_smoothing=0)[:, neutral].tolist() == [0, 0, 0, 0]
    assert harmonise(manifest, TABLE)[0, neutral] == pytest.approx(0.2), "the stated default"
    with pytest.raises(RecipeError, match=r"\[0, 1\]"):
        harmonise(manifest, TABLE, neutral_smoothing=1.5)


def test_nothing_to_harmonise():
    assert harmonise(Manifest(()), TABLE).shape == (0, 8)


def test_rows_of_ones_own_change_the_shipped_table(tmp_path):
    table = own(tmp_path, "labels: {Boredom: {neutral: 1}}\ncorpora: {TESS: {calm: {happy: 1}}}")
    assert table.weights("bored") == {"neutral": 1} and table.weights("calm", "tess") == {"happy": 1}
    assert table.weights("surprised", "tess") == TABLE.weights("surprised", "tess")
    assert table.weights("contempt") == TABLE.weights("contempt") and table.classes == TABLE.classes


def test_a_table_with_classes_of_its_own_stands_alone(tmp_path):
    table = own(tmp_path, "classes: [angry, sad]\nlabels: {angry: {angry: 1}, worried: {angry: 0.25, sad: 0.75}}")
    assert harmonise(Manifest((spoken("worry"),)), table).tolist() == [[0.25, 0.75]]
    manifest = Manifest(
        (spoken("happy", 0, corpus="emovo"), spoken("happy", 1, corpus="emovo"), spoken("angry", votes={"bored": 1}))
    )
    with pytest.raises(ManifestError) as caught:
        harmonise(manifest, table)
    assert caught.value.problems == (
        "'bored' (1 utterances) is not in the table",
        "'happy' of emovo (2 utterances) is not in the table",
    )
    with pytest.raises(RecipeError, match="no class 'neutral'"):
        harmonise(Manifest((spoken("angry", measures={INTENSITY: 0.0}),)), table)


def test_intensities_out_of_range_are_all_listed():
    manifest = Manifest(tuple(spoken("sad", i, measures={INTENSITY: x}) for i, x in enumerate((-1.0, 0.5, 3.0))))
    with pytest.raises(ManifestError) as caught:
        harmonise(manifest, TABLE)
    assert len(caught.value.problems) == 2 and "2-sad: emotion_intensity 3" in caught.value.problems[1]


def test_every_problem_of_a_table_is_listed(tmp_path):
    with pytest.raises(RecipeError) as caught:
        own(
            tmp_path,
            """
            labels:
              happy: {happy: 0.5}
              anger: {angry: 1}
              Rabbia: {angry: 1}
              blue: {sad: 1}
              sad: {blue: 1}
              fear: {fearful: 2, sad: -1}
              disgust: yes
              bored: {neutral: .nan, sad: 1}
            corpora: {tess: [calm]}
            lables: {}
            """,
        )
    said = str(caught.value)
    for part in (
        "9 problem(s)",
        "'happy' has weights that sum to 0.5, not 1",
        "'Rabbia' is 'angry', which has a row already",
        "'blue' is no emotion that a manifest may name",
        "'sad' has weight in blue; the classes are happy, sad",
        "'fear' has a weight that is not a number",
        "'bored' has a weight that is not a number",
        "'disgust' needs weights such as",
        "corpora, tess: must be rows",
        "'lables' is none of classes, labels, corpora, sets",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a", "must hold some of"),
        ("a: [", "cannot be read"),
        ("labels: 3", "'labels' must be a mapping"),
        ("classes: [angry, angry]", "class 'angry' stands there twice"),
        ("classes: [rage]", "class 'rage' is no emotion"),
    ],
)
def test_what_is_no_table(tmp_path, text, said):
    with pytest.raises(RecipeError, match=said):
        own(tmp_path, text)
    with pytest.raises(RecipeError, match="cannot be read"):
        load_table(tmp_path / "absent.yaml")


def test_finer_names_are_their_own_spelling():
    assert [canonical(name) for name in FINER_NAMES] == list(FINER_NAMES)
    assert canonical("Empathic_Pain") == "empathic pain" and canonical("Frustrated") == "frustration"
    assert canonical("excitement") == canonical("exc") == "happy"
