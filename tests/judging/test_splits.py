"""Folds are fair whatever the manifest, and say so where they are not."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sottovoce.errors import SplitError
from sottovoce.judging import splits
from sottovoce.speech.manifest import Manifest, Utterance

EMOTIONS = ("angry", "happy", "neutral", "sad")


def utterance(
    name: str, speaker: str, emotion: str, corpus: str = "here", source: str | None = None, text_id: str | None = None
) -> Utterance:
    path = f"{corpus}/{speaker}/{name}.wav"
    return Utterance(name, path, speaker, emotion, corpus, text_id=text_id, translated_from=source)


def balanced(n_speakers: int, each: int = 2) -> Manifest:
    return Manifest(
        tuple(
            utterance(f"s{s}-{emotion}-{i}", f"s{s}", emotion, text_id=f"t{i}")
            for s in range(n_speakers)
            for emotion in EMOTIONS
            for i in range(each)
        )
    )


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """Two speakers and emotions or more, any counts, two corpora with speakers of the same names, some synthetic."""
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["here", "there"]),
                st.sampled_from(["01", "02", "03", "04"]),
                st.sampled_from(EMOTIONS),
                st.booleans(),
            ),
            max_size=60,
        )
    )
    rows += [("here", "01", "sad", False), ("here", "02", "angry", False), ("there", "01", "angry", False)]
    rows += [("there", "02", "sad", False)]
    return Manifest(
        tuple(
            utterance(f"u{n}", speaker, emotion, corpus, source="u0" if synthetic else None)
            for n, (corpus, speaker, emotion, synthetic) in enumerate(rows)
        )
    )


def assert_fair(plan: splits.FoldPlan, manifest: Manifest) -> None:
    by_id = {u.id: u for u in manifest}
    natural = {u.id for u in manifest if not u.is_synthetic}
    assert sorted(name for fold in plan.folds for name in fold.test) == sorted(natural)
    for fold in plan.folds:
        train, test = ({(by_id[n].corpus, by_id[n].speaker) for n in part} for part in (fold.train, fold.test))
        assert not train & test
        assert set(fold.train) | set(fold.test) == natural
    assert not plan.speaker_dependent
    assert plan.proof()["speaker_disjoint"] and plan.proof()["every_utterance_tested_once"]


def grouping(plan: splits.FoldPlan) -> set[frozenset[str]]:
    return {frozenset(fold.test) for fold in plan.folds}


@given(manifests(), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_leaving_a_speaker_out_is_fair_and_order_does_not_matter(manifest: Manifest, shuffle: int) -> None:
    plan = splits.leave_one_speaker_out(manifest)
    assert_fair(plan, manifest)
    shuffled = list(manifest)
    random.Random(shuffle).shuffle(shuffled)
    assert splits.leave_one_speaker_out(Manifest(tuple(shuffled))) == plan


@given(manifests(), st.integers(2, 4), st.integers(0, 2**31 - 1), st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_groups_are_fair_repeatable_and_order_does_not_matter(
    manifest: Manifest, n_folds: int, fold_seed: int, shuffle: int
) -> None:
    try:
        plan = splits.speaker_groups(manifest, n_folds, fold_seed)
    except SplitError as refusal:
        assume("n_folds lower" not in str(refusal))  # some draws cannot be shared out, and the message says so
        raise
    assert len(plan.folds) == n_folds
    assert_fair(plan, manifest)
    shuffled = list(manifest)
    random.Random(shuffle).shuffle(shuffled)
    assert splits.speaker_groups(Manifest(tuple(shuffled)), n_folds, fold_seed) == plan


def test_groups_are_made_for_every_usual_number_of_folds_and_the_seed_matters() -> None:
    plans = [splits.speaker_groups(balanced(10), n, seed) for n in (2, 3, 5, 10) for seed in range(5)]
    assert {len(plan.folds) for plan in plans} == {2, 3, 5, 10}
    assert len({frozenset(grouping(plan)) for plan in plans if len(plan.folds) == 5}) > 1


def test_only_what_comes_from_no_test_speaker_may_train() -> None:
    plan = splits.leave_one_speaker_out(balanced(3))
    fold = plan.folds[0]
    assert fold.test_speakers == ("here/s0",)
    assert not plan.admits(fold, utterance("new", "s0", "sad", "here", source="s0-sad-0"))
    assert plan.admits(fold, utterance("new", "s1", "sad", "here", source="s1-sad-0"))
    assert plan.admits(fold, utterance("other", "s0", "sad", "elsewhere"))  # another corpus's "s0" is somebody else


def test_given_folds_take_plain_and_full_names_and_train_on_the_rest() -> None:
    plan = splits.given_folds(balanced(4), [["s0", "here/s1"], ["s2"]])
    assert [fold.test_speakers for fold in plan.folds] == [("here/s0", "here/s1"), ("here/s2",)]
    assert all(name in plan.folds[0].train for name in plan.folds[1].test)
    assert plan.proof()["speaker_disjoint"] and not plan.proof()["every_utterance_tested_once"]


def test_given_folds_name_every_problem() -> None:
    with pytest.raises(SplitError) as caught:
        splits.given_folds(balanced(3), [["s0", "nobody"], ["s0", "noone"], []])
    for word in ("nobody", "noone", "'here/s0' is named 2 times", "fold 3 names no speaker", "s0, s1, s2"):
        assert word in str(caught.value)


def test_a_name_of_two_speakers_must_be_written_in_full() -> None:
    two = Manifest(tuple(utterance(f"{c}{s}{e}", s, e, c) for c in ("a", "b") for s in ("01", "02") for e in EMOTIONS))
    with pytest.raises(SplitError, match="a/01 or b/01"):
        splits.given_folds(two, [["01"]])
    assert splits.given_folds(two, [["a/01"]]).folds[0].test_speakers == ("a/01",)
    assert len(splits.leave_one_speaker_out(two).folds) == 4


@pytest.mark.parametrize(
    ("manifest", "protocol", "settings", "advice"),
    [
        (balanced(1), "leave-one-speaker-out", {}, "1 speaker"),
        (balanced(3).with_emotions(["sad"]), "leave-one-speaker-out", {}, "one emotion only"),
        (balanced(3), "groups", {"n_folds": 4}, "between 2 and 3"),
        (balanced(3), "groups", {"n_folds": 1}, "between 2 and 3"),
        (balanced(3), "groups", {}, "needs n_folds"),
        (balanced(3), "given", {}, "needs the test speakers.*protocol.folds"),
        (balanced(3), "given", {"given": []}, "no folds are given"),
        (balanced(3), "given", {"given": [["s0", "s1", "s2"]]}, "no utterance to train on"),
        (balanced(3), "emobox", {}, "needs a folder.*protocol.emobox_folder"),
        (balanced(3), "by-magic", {}, "unknown protocol"),
    ],
)
def test_what_cannot_be_fair_is_refused_with_advice(
    manifest: Manifest, protocol: splits.Protocol, settings: dict, advice: str
) -> None:
    with pytest.raises(SplitError, match=advice):
        splits.make_plan(manifest, protocol, **settings)


def test_an_emotion_that_is_never_trained_is_refused_and_one_that_a_fold_lacks_is_reported() -> None:
    only_s0_is_happy = balanced(3).filter(lambda u: u.emotion != "happy" or u.speaker == "s0")
    with pytest.raises(SplitError, match="'happy'"):
        splits.given_folds(only_s0_is_happy, [["s0"]])
    proof = splits.leave_one_speaker_out(only_s0_is_happy).proof()
    assert proof["folds"][0]["absent_from_train"] == ["happy"]
    assert proof["folds"][1]["absent_from_test"] == ["happy"]
    assert proof["folds"][1]["test_counts"] == {"angry": 2, "happy": 0, "neutral": 2, "sad": 2}


def test_the_proof_reports_sentences_on_both_sides() -> None:
    assert splits.leave_one_speaker_out(balanced(2)).proof()["folds"][0]["shared_text_ids"] == ["t0", "t1"]


def test_a_plan_survives_its_file_byte_for_byte(tmp_path: Path) -> None:
    plan = splits.speaker_groups(balanced(6), 3, fold_seed=7)
    path = plan.write(tmp_path / "run" / "folds.json")
    assert splits.FoldPlan.read(path) == plan
    assert splits.FoldPlan.read(path).write(tmp_path / "again.json").read_bytes() == path.read_bytes()
    assert json.loads(path.read_text())["speaker_dependent"] is False


def test_a_plan_that_was_tampered_with_or_is_none_is_refused(tmp_path: Path) -> None:
    path = splits.leave_one_speaker_out(balanced(3)).write(tmp_path / "folds.json")
    content = json.loads(path.read_text())
    content["folds"][0]["train"].append(content["folds"][0]["test"][0])
    path.write_text(json.dumps(content))
    with pytest.raises(SplitError, match="do not give the proof"):
        splits.FoldPlan.read(path)
    path.write_text("{")
    with pytest.raises(SplitError, match="is not a fold plan"):
        splits.FoldPlan.read(path)
